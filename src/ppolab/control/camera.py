"""Pictures of an episode, taken of a double of the environment."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ppolab.control.config import PPOConfig
from ppolab.control.environments import make_single
from ppolab.control.making import PREFIXES
from ppolab.control.multi_agent import MultiAgentEnvironment, ParallelDouble
from ppolab.control.observations import ObservationLayout
from ppolab.control.rollout import Environment

FRAME_SIDE = 320  # pixels of a kept frame's longer side, at most
MOST_FRAMES = 600  # kept of an episode, and its last; of longer ones every second, fourth … moment
# What Gymnasium draws with would else look for a screen and greet on the standard output.
NO_SCREEN = {
    "SDL_VIDEODRIVER": "dummy",
    "SDL_AUDIODRIVER": "dummy",
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
}


class Double(Protocol):
    """An environment made to render, that shows what it shows as rows of observations."""

    def reset(self, seed: int) -> NDArray[Any]:
        """Begin an episode; the first observations, [rows, row]."""
        ...

    def step(self, actions: NDArray[Any], acted: NDArray[np.bool_]) -> NDArray[Any]:
        """Let the rows that `acted` [rows] act; what was seen then, [rows, row]."""
        ...

    def render(self) -> Any:
        """The picture of now."""
        ...

    def close(self) -> None:
        """Release it."""
        ...


class Camera:
    """Takes pictures of an episode by a double of the environment that does the same.

    Environments are told to render when they are made, and some then cost many times as much; the
    one that is evaluated is left alone. The double starts from the same seed and takes the same
    actions. Should it ever show anything else, it was not the same episode: no frames then.
    """

    def __init__(self, config: PPOConfig, original: Environment, seed: int) -> None:
        self.absent = ""
        self._frames: list[tuple[int, NDArray[np.uint8]]] = []  # with the step before which
        self._newest: tuple[int, NDArray[np.uint8]] | None = None
        self._moment, self._every = 0, 1
        self._seen = original.layout.actor_size
        # A vector environment spreads its seed over its copies, here over one.
        self._seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
        self._double: Double | None = None
        if config.environment.startswith(PREFIXES):
            self.absent = f"{config.environment} has no pictures"
            return
        self._try(lambda: self._make(config.environment, config.environment_options, original))

    def begin(self, observations: NDArray[Any]) -> None:
        """Take the picture of the first moment; `observations` [rows, row] is what was seen."""
        double = self._double
        if double is not None:
            everyone = np.ones(len(observations), np.bool_)
            self._try(lambda: self._look(double.reset(self._seed), observations, everyone))

    def step(
        self, actions: NDArray[Any], observations: NDArray[Any], acted: NDArray[np.bool_]
    ) -> None:
        """Take the picture of what actions [rows, …] led to; `acted` [rows] tells whose count."""
        double = self._double
        if double is not None:
            self._try(lambda: self._look(double.step(actions, acted), observations, acted))

    def frames(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
        """Pictures [count, height, width, 3] and the steps before which they were taken, or None.

        The first and the last moment are always among them.
        """
        if self.absent or self._newest is None:
            return None
        kept = self._frames
        if kept[-1][0] != self._newest[0]:
            kept = [*kept, self._newest]
        return np.stack([frame for _, frame in kept]), np.array([moment for moment, _ in kept])

    def close(self) -> None:
        """Release the double."""
        if self._double is not None:
            self._double.close()

    def _make(self, environment_id: str, options: Mapping[str, Any], original: Environment) -> None:
        for name, value in NO_SCREEN.items():
            os.environ.setdefault(name, value)
        if isinstance(original, MultiAgentEnvironment):
            self._double = ParallelDouble.made_for(environment_id, options, original)
        else:
            self._double = _PlainDouble.made_for(environment_id, options, original.layout)
        if self._double is None:
            self._give_up(f"{environment_id} does not render pictures")

    def _look(
        self, shown: NDArray[Any], observations: NDArray[Any], acted: NDArray[np.bool_]
    ) -> None:
        assert self._double is not None
        shown, observations = shown[acted, : self._seen], observations[acted, : self._seen]
        if not np.array_equal(shown, observations, equal_nan=True):
            self._give_up("the environment does not repeat an episode from its seed")
            return
        frame = np.asarray(self._double.render())
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            self._give_up(f"render() gave {frame.dtype} of shape {frame.shape}, not RGB")
            return
        self._keep(thinned(frame, math.ceil(max(frame.shape[:2]) / FRAME_SIDE)))

    def _keep(self, frame: NDArray[np.uint8]) -> None:
        self._newest = (self._moment, frame)
        if self._moment % self._every == 0:
            self._frames.append(self._newest)
        if len(self._frames) > MOST_FRAMES:
            self._frames = self._frames[::2]
            self._every *= 2
        self._moment += 1

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # whatever a renderer lacks, the numbers do not depend on it
            self._give_up(f"{type(error).__name__}: {error}")

    def _give_up(self, why: str) -> None:
        self.absent = why
        self.close()
        self._double = None
        self._frames.clear()


def thinned(frame: NDArray[np.uint8], stride: int) -> NDArray[np.uint8]:
    """A frame [height, width, 3] with one pixel for each `stride`² of it, their mean.

    Picking one of them instead loses lines as thin as CartPole's track.
    """
    height, width = (side // stride for side in frame.shape[:2])
    whole = frame[: height * stride, : width * stride]
    total = np.zeros((height, width, frame.shape[2]), np.uint32)
    for y in range(stride):
        for x in range(stride):
            total += whole[y::stride, x::stride]
    return (total // stride**2).astype(np.uint8)


class _PlainDouble:
    """A Gymnasium environment, seen as one row."""

    def __init__(self, environment: gymnasium.Env[Any, Any], layout: ObservationLayout) -> None:
        self._environment = environment
        self._layout = layout
        dtype = np.float32 if layout.flat else np.uint8
        self._rows: NDArray[Any] = np.zeros((1, layout.size), dtype)

    @classmethod
    def made_for(
        cls, environment_id: str, options: Mapping[str, Any], layout: ObservationLayout
    ) -> _PlainDouble | None:
        """A double, or None of an environment that does not render."""
        plain = make_single(environment_id, **options)
        plain.close()
        if "rgb_array" not in (plain.metadata.get("render_modes") or ()):
            return None
        return cls(make_single(environment_id, render_mode="rgb_array", **options), layout)

    def reset(self, seed: int) -> NDArray[Any]:
        """Begin an episode; its first observation, [1, row]."""
        return self._row(self._environment.reset(seed=seed)[0])

    def step(self, actions: NDArray[Any], acted: NDArray[np.bool_]) -> NDArray[Any]:
        """Take the action [1, …]; what was seen then, [1, row]."""
        action = actions[0]
        return self._row(self._environment.step(action.item() if action.ndim == 0 else action)[0])

    def render(self) -> Any:
        """The picture of now."""
        return self._environment.render()

    def close(self) -> None:
        """Release it."""
        self._environment.close()

    def _row(self, observation: Any) -> NDArray[Any]:
        self._layout.write(observation, self._rows[0])
        return self._rows
