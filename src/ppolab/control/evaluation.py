"""How good a policy is, apart from training: whole episodes in environments of their own.

What a training run reports is biased: the policy explores, it changes from step to step, and of
the episodes under way only those that ended are counted. Here the policy stands still.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppolab.control.camera import Camera
from ppolab.control.config import PPOConfig
from ppolab.control.distributions import Bernoulli, Categorical, DiagonalGaussian, Distribution
from ppolab.control.environments import Finished, Team, whole_episodes
from ppolab.control.making import in_own_units, make_environment
from ppolab.control.networks import ActorCritic
from ppolab.control.normalization import NormalizedEnvironment
from ppolab.control.rollout import Environment
from ppolab.errors import InvalidSettingError

Normalization = Callable[[NDArray[Any]], NDArray[Any]]  # rows [..., row] to the policy's scale

MOST_COPIES = 16  # environments side by side; more give little speed and cost memory
LONGEST = 100_000  # steps after which an episode is taken to have no end
RESAMPLES = 10_000  # of the bootstrap

# Each use of the caller's seed draws numbers of its own. Training seeds its environments by the
# seed as it is, so that evaluating with a training seed still begins in other states.
_ENVIRONMENTS, _ACTIONS, _BOOTSTRAP = 101, 102, 103


@dataclass(frozen=True)
class Evaluation:
    """What whole episodes gave.

    Attributes:
        returns: [episodes], sums of rewards in the environment's own units, undiscounted; with
            several agents, over all of them.
        lengths: [episodes], steps.
        mean: of the returns.
        std: of the returns, between episodes (n − 1 in the denominator); NaN for one episode.
        interval: 95 % bootstrap interval of the mean; None for one episode, which shows no spread.
        agent_means: with several agents, each one's mean return over the episodes it took part in.
    """

    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]
    mean: float
    std: float
    interval: tuple[float, float] | None
    agent_means: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordedEpisode:
    """One episode, step by step; `t` counts steps from 0.

    With several agents every array but `frames` and `truncated` has an axis [agents] after the
    first, in the order of `agents`. Where one of them is not present its numbers mean nothing.

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
        agents: names; empty where only one acts.
        present: [steps, agents] bool, who acted in step t; None where only one acts.
        frames: [count, height, width, 3] uint8, pictures; None if there are none, and then
            `frames_absent` says why.
        frame_steps: [count], the step before which each was taken, the first 0, the last `steps`;
            of a long episode only some moments have one.
    """

    observations: NDArray[Any]
    actions: NDArray[Any]
    rewards: NDArray[np.float32]
    values: NDArray[np.float32]
    policy: dict[str, NDArray[np.float32]]
    truncated: bool
    frames: NDArray[np.uint8] | None
    frame_steps: NDArray[np.int64] | None
    frames_absent: str
    agents: tuple[str, ...] = ()
    present: NDArray[np.bool_] | None = None

    @property
    def episode_return(self) -> float:
        """Sum of the rewards, of all agents."""
        return float(self.rewards.sum(dtype=np.float64))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything but frames, as arrays that `numpy.savez` keeps without pickle."""
        named = {
            name: getattr(self, name) for name in ("observations", "actions", "rewards", "values")
        }
        named |= self.policy | {"truncated": np.array(self.truncated)}
        if self.present is not None:
            named |= {"agents": np.array(self.agents), "present": self.present}
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
    kept: list[list[Finished | Team]] = [[] for _ in range(copies)]
    begun = np.zeros(copies, np.int64)  # the step at which each copy's episode began
    step = 0
    try:
        while sum(map(len, kept)) < episodes:
            actions, _, _ = policy.act(environment)
            environment.step(actions)
            step += 1
            policy.forget(environment.dones)
            for episode in whole_episodes(environment.finished):
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
        returns, lengths, float(returns.mean()), std, bootstrap_interval(returns, seed),
        _agent_means(environment.agents, counted),
    )  # fmt: skip


def _agent_means(agents: tuple[str, ...], episodes: Sequence[Finished | Team]) -> dict[str, float]:
    teams = [episode for episode in episodes if isinstance(episode, Team)]
    returns = {
        agent: [team.agent_returns[agent] for team in teams if agent in team.agent_returns]
        for agent in agents
    }
    return {agent: float(np.mean(told)) if told else math.nan for agent, told in returns.items()}


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
    camera = Camera(config, environment, _derived(seed, _ENVIRONMENTS))
    observations, actions, rewards, values, present = [], [], [], [], []
    parameters: list[Tensor] = []
    ended: list[Finished | Team] = []
    try:
        camera.begin(environment.observations)
        while not ended:
            observations.append(environment.observations.copy())
            present.append(_all_or(environment.present, len(environment)))
            action, parameter, value = policy.act(environment)
            environment.step(action)
            policy.forget(environment.dones)
            actions.append(action.copy())
            parameters.append(parameter)
            values.append(value)
            rewards.append(environment.rewards.copy())
            ended = whole_episodes(environment.finished)
            # After the end, the environment already shows the next episode.
            seen = (observations[-1] if ended else environment.observations).copy()
            for episode in environment.finished:
                seen[episode.environment] = episode.final_observation
            camera.step(environment.distribution.to_environment(action), seen, present[-1])
            _require_an_end(config, len(actions))
        observations.append(seen)
    finally:
        environment.close()
        camera.close()
    told = _told(environment.distribution, torch.cat(parameters))
    frames, frame_steps = camera.frames() or (None, None)
    agents = environment.agents

    def rows(values: Any) -> NDArray[Any]:
        """[steps, rows, …], or [steps, …] where there is one row."""
        stacked = np.stack(values)
        return stacked if agents else stacked[:, 0]

    return RecordedEpisode(
        observations=rows(observations),
        actions=rows(actions),
        rewards=rows(rewards),
        values=rows(values),
        policy={
            name: rows(told_.reshape(len(actions), -1, *told_.shape[1:]))
            for name, told_ in told.items()
        },
        truncated=ended[0].truncated,
        frames=frames,
        frame_steps=frame_steps,
        frames_absent=camera.absent,
        agents=agents,
        present=np.stack(present) if agents else None,
    )


def _all_or(present: NDArray[np.bool_] | None, count: int) -> NDArray[np.bool_]:
    return np.ones(count, np.bool_) if present is None else present.copy()


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
        self._states: Tensor | None = None  # [rows, state], what is remembered of each

    @torch.inference_mode()
    def act(self, environment: Environment) -> tuple[NDArray[Any], Tensor, NDArray[np.float32]]:
        """Actions, parameters of the distribution and values, [batch, …] each."""
        rows = environment.observations
        rows = rows if self._normalization is None else self._normalization(rows)
        allowed = None if environment.masks is None else torch.from_numpy(environment.masks)
        if self._states is None:
            self._states = torch.zeros(len(rows), self._model.state_size)
        parameters, values, self._states = self._model.step(
            torch.from_numpy(rows), self._states, allowed
        )
        if environment.present is not None:  # nothing was shown to agents that had left
            self._states = self._states * torch.from_numpy(environment.present).unsqueeze(1)
        distribution = self._model.distribution
        if self._deterministic:
            actions = distribution.mode(parameters)
        else:
            actions = distribution.sample(parameters, self._draws)
        return actions.numpy(), parameters, values.numpy()

    @torch.inference_mode()
    def forget(self, dones: NDArray[np.float32]) -> None:
        """Remember nothing of what just ended, `dones` [rows]."""
        assert self._states is not None
        self._states[torch.from_numpy(dones > 0)] = 0.0


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
    own = dataclasses.replace(in_own_units(config), seed=_derived(seed, _ENVIRONMENTS))
    return make_environment(own, copies)


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
