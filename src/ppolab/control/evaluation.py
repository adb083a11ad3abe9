"""How good a policy is, apart from training: whole episodes in environments of their own.

What a training run reports is biased: the policy explores, it changes from step to step, and of
the episodes under way only those that ended are counted. Here the policy stands still.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppolab.control.config import PPOConfig
from ppolab.control.distributions import Bernoulli, Categorical, DiagonalGaussian, Distribution
from ppolab.control.environments import Finished
from ppolab.control.making import COMPILED, make_environment
from ppolab.control.networks import ActorCritic
from ppolab.control.normalization import NormalizedEnvironment
from ppolab.control.rollout import Environment
from ppolab.errors import InvalidSettingError

Normalization = Callable[[NDArray[Any]], NDArray[Any]]  # rows [..., row] to the policy's scale

MOST_COPIES = 16  # environments side by side; more give little speed and cost memory
LONGEST = 100_000  # steps after which an episode is taken to have no end
RESAMPLES = 10_000  # of the bootstrap
FRAME_SIDE = 320  # pixels of a kept frame's longer side, at most

# Each use of the caller's seed draws numbers of its own. Training seeds its environments by the
# seed as it is, so that evaluating with a training seed still begins in other states.
_ENVIRONMENTS, _ACTIONS, _BOOTSTRAP = 101, 102, 103


@dataclass(frozen=True)
class Evaluation:
    """What whole episodes gave.

    Attributes:
        returns: [episodes], sums of rewards in the environment's own units, undiscounted.
        lengths: [episodes], steps.
        mean: of the returns.
        std: of the returns, between episodes (n − 1 in the denominator); NaN for one episode.
        interval: 95 % bootstrap interval of the mean; None for one episode, which shows no spread.
    """

    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]
    mean: float
    std: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class RecordedEpisode:
    """One episode, step by step; `t` counts steps from 0.

    Attributes:
        observations: [steps + 1, row], what the policy saw before step t, in the environment's own
            units; the last one is what the episode ended in.
        actions: [steps, *action_shape], as drawn, before an environment's bounds cut them.
        rewards: [steps].
        values: [steps], the critic's value before step t.
        policy: what the policy's distribution was before each step, [steps, …] each:
            "action_probabilities" for choices (for switches: of "on"), "action_means" and
            "action_stds" for numbers, "action_logits" for several choices at once.
        truncated: whether the time limit cut the episode off.
        frames: [steps + 1, height, width, 3] uint8, pictures of the same moments; None if there
            are none, and then `frames_absent` says why.
    """

    observations: NDArray[Any]
    actions: NDArray[Any]
    rewards: NDArray[np.float32]
    values: NDArray[np.float32]
    policy: dict[str, NDArray[np.float32]]
    truncated: bool
    frames: NDArray[np.uint8] | None
    frames_absent: str

    @property
    def episode_return(self) -> float:
        """Sum of the rewards."""
        return float(self.rewards.sum(dtype=np.float64))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as arrays that `numpy.savez` keeps without pickle; no frames, no entry."""
        named = {
            name: getattr(self, name) for name in ("observations", "actions", "rewards", "values")
        }
        named |= self.policy | {"truncated": np.array(self.truncated)}
        if self.frames is not None:
            named["frames"] = self.frames
        return named


def normalization_of(environment: Environment) -> Normalization | None:
    """How a policy trained in this environment expects its observations; None: as they are.

    Only stepping the training environment moves its moments, so they stand still for as long as
    an evaluation lasts.
    """
    return environment.normalize if isinstance(environment, NormalizedEnvironment) else None


def evaluate(
    model: ActorCritic,
    config: PPOConfig,
    episodes: int,
    seed: int,
    deterministic: bool,
    normalization: Normalization | None = None,
) -> Evaluation:
    """Let a policy play whole episodes.

    How many episodes each copy of the environment gives is fixed beforehand. Taking the first ones
    that end in any copy would prefer short ones: where episodes last 1 or 100 steps with equal
    chance, it counts hardly any long one.

    Args:
        model: the policy; nothing about it changes.
        config: the settings it was trained with; they name the environment.
        episodes: how many, at least 1.
        seed: of the environments, the actions drawn and the bootstrap.
        deterministic: take the likeliest action instead of drawing one.
        normalization: what brings observations to the policy's scale; see `normalization_of`.

    Raises:
        InvalidSettingError: too few episodes, a seed out of range, an environment whose episodes
            do not end, or no normalization for a policy that was trained with one.
    """
    if episodes < 1:
        raise InvalidSettingError("episodes", episodes, "is too few", "Give 1 or more")
    rounds = math.ceil(episodes / MOST_COPIES)
    copies = math.ceil(episodes / rounds)
    quotas = [episodes // copies + (i < episodes % copies) for i in range(copies)]
    policy = _Policy(model, config, seed, deterministic, normalization)
    environment = _own_environment(config, copies, seed)
    kept: list[list[Finished]] = [[] for _ in range(copies)]
    begun = np.zeros(copies, np.int64)  # the step at which each copy's episode began
    step = 0
    try:
        while sum(map(len, kept)) < episodes:
            actions, _, _ = policy.act(environment.observations, environment.masks)
            environment.step(actions)
            step += 1
            for episode in environment.finished:
                i = episode.environment
                begun[i] = step
                if len(kept[i]) < quotas[i]:
                    kept[i].append(episode)
            _require_an_end(config, step - int(begun.min()))
    finally:
        environment.close()
    counted = [episode for of_copy in kept for episode in of_copy]
    returns = np.array([episode.episode_return for episode in counted])
    lengths = np.array([episode.length for episode in counted], np.int64)
    std = float(returns.std(ddof=1)) if episodes > 1 else math.nan
    return Evaluation(
        returns, lengths, float(returns.mean()), std, bootstrap_interval(returns, seed)
    )


def bootstrap_interval(values: NDArray[np.float64], seed: int) -> tuple[float, float] | None:
    """95 % interval of the mean of `values` [n]; None where n is 1.

    The 2.5th and 97.5th percentile of the means of samples drawn from the values with replacement
    (Efron 1979, "Bootstrap methods"). It supposes nothing about their distribution; for a handful
    of values it is somewhat too narrow.
    """
    if len(values) < 2:
        return None
    generator = np.random.default_rng([seed, _BOOTSTRAP])
    pieces = [  # a hundredth at a time, so that many values do not fill the memory
        values[generator.integers(len(values), size=(RESAMPLES // 100, len(values)))].mean(1)
        for _ in range(100)
    ]
    low, high = np.percentile(np.concatenate(pieces), (2.5, 97.5))
    return float(low), float(high)


def record_episode(
    model: ActorCritic,
    config: PPOConfig,
    seed: int,
    deterministic: bool,
    normalization: Normalization | None = None,
) -> RecordedEpisode:
    """Let a policy play one episode and keep every step; arguments and errors as in `evaluate`."""
    policy = _Policy(model, config, seed, deterministic, normalization)
    environment = _own_environment(config, 1, seed)
    camera = _Camera(config.environment, environment, _derived(seed, _ENVIRONMENTS))
    observations, actions, rewards, values = [], [], [], []
    parameters: list[Tensor] = []
    try:
        camera.begin(environment.observations[0])
        while not environment.finished:
            observations.append(environment.observations[0].copy())
            action, parameter, value = policy.act(environment.observations, environment.masks)
            environment.step(action)
            actions.append(action[0].copy())
            parameters.append(parameter)
            values.append(value[0])
            rewards.append(environment.rewards[0])
            over = environment.finished
            seen = over[0].final_observation if over else environment.observations[0]
            camera.step(environment.distribution.to_environment(action)[0], seen)
            _require_an_end(config, len(actions))
        (episode,) = environment.finished
    finally:
        environment.close()
        camera.close()
    return RecordedEpisode(
        observations=np.stack([*observations, episode.final_observation]),
        actions=np.stack(actions),
        rewards=np.array(rewards, np.float32),
        values=np.array(values, np.float32),
        policy=_told(environment.distribution, torch.cat(parameters)),
        truncated=episode.truncated,
        frames=camera.frames(),
        frames_absent=camera.absent,
    )


class _Policy:
    """A policy that stands still: what it sees normalised, its action drawn or the likeliest."""

    def __init__(
        self,
        model: ActorCritic,
        config: PPOConfig,
        seed: int,
        deterministic: bool,
        normalization: Normalization | None,
    ) -> None:
        if config.normalize_observations and normalization is None:
            raise InvalidSettingError(
                "normalization", None, "is missing, and the policy was trained on normalised "
                "observations", "Give normalization_of(trainer.environment)",
            )  # fmt: skip
        self._model = model
        self._normalization = normalization
        self._deterministic = deterministic
        self._draws = torch.Generator().manual_seed(_derived(seed, _ACTIONS))

    @torch.inference_mode()
    def act(
        self, observations: NDArray[Any], masks: NDArray[np.bool_] | None
    ) -> tuple[NDArray[Any], Tensor, NDArray[np.float32]]:
        """Actions, parameters of the distribution and values, [batch, …] each."""
        rows = observations if self._normalization is None else self._normalization(observations)
        allowed = None if masks is None else torch.from_numpy(masks)
        parameters, values = self._model(torch.from_numpy(rows), allowed)
        distribution = self._model.distribution
        if self._deterministic:
            actions = distribution.mode(parameters)
        else:
            actions = distribution.sample(parameters, self._draws)
        return actions.numpy(), parameters, values.numpy()


class _Camera:
    """Takes pictures of an episode by a double of the environment that does the same.

    Environments are told to render when they are made, and some then cost many times as much; the
    one that is evaluated is left alone. The double starts from the same seed and takes the same
    actions. Should it ever show anything else, it was not the same episode: no frames then.
    """

    def __init__(self, environment_id: str, original: Environment, seed: int) -> None:
        self.absent = ""
        self._frames: list[NDArray[np.uint8]] = []
        self._layout = original.layout
        self._row = np.empty_like(original.observations[0])
        # A vector environment spreads its seed over its copies, here over one.
        self._seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
        self._double: gymnasium.Env[Any, Any] | None = None
        if environment_id.startswith(COMPILED):
            self.absent = f"{environment_id} has no pictures"
            return
        plain = gymnasium.make(environment_id, disable_env_checker=True)
        plain.close()
        if "rgb_array" not in (plain.metadata.get("render_modes") or ()):
            self.absent = f"{environment_id} does not render pictures"
            return
        self._try(lambda: self._make(environment_id))

    def begin(self, observation: NDArray[Any]) -> None:
        """Take the picture of the first moment."""
        double = self._double
        if double is not None:
            self._try(lambda: self._look(double.reset(seed=self._seed)[0], observation))

    def step(self, action: Any, observation: NDArray[Any]) -> None:
        """Take the picture of what an action led to; `observation` [row] is what was seen."""
        double = self._double
        if double is not None:
            chosen = action.item() if np.ndim(action) == 0 else action
            self._try(lambda: self._look(double.step(chosen)[0], observation))

    def frames(self) -> NDArray[np.uint8] | None:
        """All pictures, [steps + 1, height, width, 3], or None."""
        return None if self.absent else np.stack(self._frames)

    def close(self) -> None:
        """Release the double."""
        if self._double is not None:
            self._double.close()

    def _make(self, environment_id: str) -> None:
        self._double = gymnasium.make(
            environment_id, render_mode="rgb_array", disable_env_checker=True
        )

    def _look(self, shown: Any, observation: NDArray[Any]) -> None:
        assert self._double is not None
        self._layout.write(shown, self._row)
        if not np.array_equal(self._row, observation, equal_nan=True):
            self._give_up("the environment does not repeat an episode from its seed")
            return
        frame = np.asarray(self._double.render())
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            self._give_up(f"render() gave {frame.dtype} of shape {frame.shape}, not RGB")
            return
        stride = math.ceil(max(frame.shape[:2]) / FRAME_SIDE)
        self._frames.append(frame[::stride, ::stride].copy())

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


def _told(distribution: Distribution, parameters: Tensor) -> dict[str, NDArray[np.float32]]:
    """A policy's parameters [steps, parameter_count] as a person reads them."""
    if isinstance(distribution, Categorical):
        return {"action_probabilities": torch.softmax(parameters, 1).numpy()}
    if isinstance(distribution, Bernoulli):
        return {"action_probabilities": torch.sigmoid(parameters).numpy()}
    if isinstance(distribution, DiagonalGaussian):
        means, log_stds = parameters.chunk(2, 1)
        return {"action_means": means.numpy(), "action_stds": log_stds.exp().numpy()}
    return {"action_logits": parameters.numpy()}


def _own_environment(config: PPOConfig, copies: int, seed: int) -> Environment:
    """Fresh copies in the environment's own units; whoever acts sees to the normalisation."""
    return make_environment(
        dataclasses.replace(
            config, seed=_derived(seed, _ENVIRONMENTS), normalize_observations=False,
            normalize_rewards=False,
        ),
        copies,
    )  # fmt: skip


def _derived(seed: int, use: int) -> int:
    """A seed of its own for one use of the caller's, below 2³¹ like that one."""
    if not 0 <= seed < 2**31:
        raise InvalidSettingError("seed", seed, "is out of range", "Give 0 to 2147483647")
    return int(np.random.SeedSequence([seed, use]).generate_state(1)[0]) >> 1


def _require_an_end(config: PPOConfig, steps: int) -> None:
    if steps > LONGEST:
        raise InvalidSettingError(
            "environment", config.environment,
            f"has an episode that did not end in {LONGEST:,} steps, so it cannot be evaluated",
            "Register the environment with max_episode_steps",
        )  # fmt: skip
