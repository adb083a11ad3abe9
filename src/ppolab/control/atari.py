"""Atari games as the published experiments show them to a policy (details 14 to 20, and 22).

Gymnasium's own preprocessing is not used: where a lost life is to end an episode it begins a whole
new game, so that later lives are never seen; it knows no fire reset; and it needs OpenCV.
"""

from __future__ import annotations

import base64
import dataclasses
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from ppolab.control.environments import VectorEnvironment
from ppolab.control.pixels import AreaResize
from ppolab.control.snapshots import from_plain, to_plain
from ppolab.errors import InvalidSettingError

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class AtariOptions:
    """How a game is shown and cut; each of them a detail of Huang et al. (2022).

    Whatever else is among an environment's options goes to the emulator, such as
    `repeat_action_probability`, which published results without sticky actions set to 0.
    """

    noop_max: int = 30
    """A game begins with 1 to this many frames of doing nothing; 0: none (detail 14)."""
    frame_skip: int = 4
    """Frames that an action lasts (detail 15)."""
    max_pool: bool = True
    """Show the brighter pixel of the last two frames, for sprites flicker (detail 15)."""
    episodic_life: bool = True
    """End what the policy is paid for at each lost life; the game goes on (detail 16)."""
    fire_reset: bool = True
    """Press fire, and another button, where a life begins, if the game has fire (detail 17)."""
    screen_size: int = 84
    """Rows and columns that the screen is scaled to (detail 18)."""
    grayscale: bool = True
    """Show brightness instead of colours (detail 18)."""
    clip_rewards: bool = True
    """Pay −1, 0 or 1, the sign of the points (detail 19)."""
    frame_stack: int = 4
    """Screens shown at once, the newest last (detail 20)."""

    def __post_init__(self) -> None:
        for name in ("max_pool", "episodic_life", "fire_reset", "grayscale", "clip_rewards"):
            if not isinstance(getattr(self, name), bool):
                raise _unfit(name, getattr(self, name), "true or false")
        lowest = {"noop_max": 0, "frame_skip": 1, "screen_size": 3, "frame_stack": 1}
        for name, low in lowest.items():
            value = getattr(self, name)
            if type(value) is not int or value < low:
                raise _unfit(name, value, f"a whole number from {low} on")

    @classmethod
    def taken_from(cls, options: Mapping[str, Any]) -> tuple[AtariOptions, dict[str, Any]]:
        """Ours among an environment's options, and the emulator's."""
        names = {field.name for field in dataclasses.fields(cls)}
        ours = {name: value for name, value in options.items() if name in names}
        return cls(**ours), {name: options[name] for name in options if name not in names}


class Atari(gymnasium.Env[Any, Any]):
    """One game, from the first life to the last.

    Shows bytes [screen_size, screen_size, channels]. A lost life does not end an episode here:
    `life_lost` tells of it, and what is shown then is the beginning of the next life.

    Attributes:
        life_lost: whether the last step ended a life but not the game.
        paid: points that the last step's own action brought. `step` returns them together with
            those of the frames between lives, so that an episode's return is the whole game's.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012 – Gymnasium's way

    def __init__(self, environment_id: str, options: Mapping[str, Any]) -> None:
        self._options, emulator = AtariOptions.taken_from(options)
        self.render_mode = emulator.pop("render_mode", None)
        emulator["frameskip"] = 1
        made: Any = gymnasium.make(environment_id, disable_env_checker=True, **emulator)
        self._game = made.unwrapped
        self._ale = self._game.ale
        self.action_space = self._game.action_space
        self._buttons = self._game._action_set
        self._fire = self._options.fire_reset and "FIRE" in self._game.get_action_meanings()
        size, colours = self._options.screen_size, 1 if self._options.grayscale else 3
        height, width = self._ale.getScreenDims()
        self._raw = np.zeros((2, height, width, colours), np.uint8)  # the last two frames
        self._resize = AreaResize(height, width, size)
        self._stack = np.zeros((size, size, colours * self._options.frame_stack), np.uint8)
        self.observation_space = Box(0, 255, self._stack.shape, np.uint8)
        self._lives = 0
        self.life_lost, self.paid = False, 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Pixels, dict[str, Any]]:
        """Begin a game."""
        super().reset(seed=seed)
        self._game.reset(seed=seed)
        if self._options.noop_max > 0:
            for _ in range(int(self.np_random.integers(1, self._options.noop_max + 1))):
                self._ale.act(0)
        self._look()
        if self._fire:
            self._press_fire()
        self._lives = self._ale.lives()
        self._fill_stack()
        return self._stack, {}

    def step(self, action: int) -> tuple[Pixels, float, bool, bool, dict[str, Any]]:
        """Take one action; it ends with the game, not with a life."""
        self.paid = self._act(int(action))
        points = self.paid
        lives = self._ale.lives()
        over = self._ale.game_over(with_truncation=False)
        # At 0 lives some games go on for a while; the life ends with the game then.
        self.life_lost = 0 < lives < self._lives and not over and self._options.episodic_life
        self._lives = lives
        if self.life_lost:
            points += self._act(0)
            if self._fire:
                points += self._press_fire()
            self._fill_stack()
            over = self._ale.game_over(with_truncation=False)
        else:
            colours = self._raw.shape[3]
            self._stack[..., :-colours] = self._stack[..., colours:]
            self._stack[..., -colours:] = self._screen()
        return self._stack, points, over, self._ale.game_truncated(), {}

    def render(self) -> Pixels:
        """The emulator's own picture, [210, 160, 3] for most games."""
        picture: Pixels = self._ale.getScreenRGB()
        return picture

    def close(self) -> None:
        """Release the emulator."""
        self._game.close()

    def take_snapshot(self) -> dict[str, Any]:
        """All that changes, as JSON can hold it: the emulator's state, its chance and the stack."""
        state = self._ale.cloneState(include_rng=True)
        return {
            "emulator": _packed(state.serialize()),
            "stack": _packed(self._stack.tobytes()),
            "generator": to_plain(self.np_random.bit_generator.state),
            "lives": self._lives,
        }

    def go_back(self, snapshot: dict[str, Any]) -> None:
        """Be as when the snapshot was taken."""
        from ale_py import ALEState

        self._ale.restoreState(ALEState(_unpacked(snapshot["emulator"])))
        stack = np.frombuffer(_unpacked(snapshot["stack"]), np.uint8)
        self._stack[:] = stack.reshape(self._stack.shape)
        self.np_random.bit_generator.state = from_plain(snapshot["generator"])
        self._lives = snapshot["lives"]

    def _act(self, action: int) -> float:
        """Hold a button for some frames; keep the last two; return the points they brought."""
        button, points, skip = self._buttons[action], 0.0, self._options.frame_skip
        for frame in range(skip):
            if frame == skip - 1 and self._options.max_pool:
                self._look()
            points += self._ale.act(button)
            if self._ale.game_over():
                break
        self._look()
        return points

    def _press_fire(self) -> float:
        """Fire starts a ball or a life; the button after it helps games that wait for a move."""
        return self._act(1) + self._act(2)

    def _look(self) -> None:
        """Keep what the screen shows now, and what was kept last."""
        self._raw[0] = self._raw[1]
        if self._options.grayscale:
            self._ale.getScreenGrayscale(self._raw[1, ..., 0])
        else:
            self._ale.getScreenRGB(self._raw[1])

    def _screen(self) -> Pixels:
        """The screen as the policy sees it, [screen_size, screen_size, colours]."""
        seen = self._raw.max(0) if self._options.max_pool else self._raw[1]
        return self._resize(seen)

    def _fill_stack(self) -> None:
        self._stack[:] = np.tile(self._screen(), self._options.frame_stack)


class AtariEnvironment(VectorEnvironment):
    """Copies of a game whose lives end what the policy is paid for, and whose points are clipped.

    `dones` and `rewards` are what the policy learns from: a lost life is an end, though not that of
    an episode, and points count by their sign. Finished episodes are whole games with their points.
    """

    def __init__(
        self, environment_id: str, count: int, seed: int, options: Mapping[str, Any]
    ) -> None:
        super().__init__(environment_id, count, seed, options)
        self._clip = AtariOptions.taken_from(options)[0].clip_rewards

    def step(self, actions: NDArray[Any]) -> None:
        """Take one step in every copy; `actions` is [count]."""
        super().step(actions)
        for i, game in enumerate(self._environments):
            assert isinstance(game, Atari)
            self.rewards[i] = np.sign(game.paid) if self._clip else game.paid
            if game.life_lost:
                self.dones[i] = 1.0


def _unfit(name: str, value: object, must: str) -> InvalidSettingError:
    return InvalidSettingError(name, value, f"is not {must}", f"Give {must}")


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 1)).decode("ascii")


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
