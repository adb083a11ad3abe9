"""Vector environments that begin episodes in each of the three ways, beside one copy at a time."""

from __future__ import annotations

import json
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from ppolab.control.batched import BatchedEnvironment
from ppolab.control.config import PPOConfig
from ppolab.control.environments import VectorEnvironment
from ppolab.control.making import make_environment
from ppolab.control.normalization import NormalizedEnvironment
from ppolab.control.trainer import PPOTrainer
from ppolab.control.vectorized import GymnasiumVector
from ppolab.errors import InvalidSettingError, UnknownNameError

MODES = list(AutoresetMode)


class Walk(gymnasium.Env[Any, Any]):
    """Shows the episode and the step; action 1 ends it, a limit of four steps cuts it off."""

    observation_space: Any = Box(-100.0, 100.0, (2,), np.float32)
    action_space: Any = Discrete(2)
    episode = 0

    def __init__(self, render_mode: str | None = None) -> None:
        self.taken = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.episode, self.taken = self.episode + 1, 0
        return self.show(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.taken += 1
        return self.show(), 10.0 * self.episode + self.taken, bool(action), False, {}

    def show(self) -> Any:
        return np.array([self.episode, self.taken], np.float32)


class WalkWithMask(Walk):
    """The same as a Dict, whose mask allows the end on odd steps alone."""

    observation_space = Dict(
        {
            "walk": Walk.observation_space,
            "gear": Discrete(3),
            "action_mask": Box(0, 1, (2,), np.int8),
        }
    )

    def show(self) -> Any:
        mask = np.array([1, self.taken % 2], np.int8)
        return {"walk": super().show(), "gear": self.taken % 3, "action_mask": mask}


@pytest.fixture(scope="module", autouse=True)
def walks() -> None:
    for kind in (Walk, WalkWithMask):
        gymnasium.register(f"Probe{kind.__name__}-v0", kind, max_episode_steps=4)


def in_mode(mode: AutoresetMode, count: int, name: str = "ProbeWalk-v0") -> GymnasiumVector:
    vector = SyncVectorEnv([lambda: gymnasium.make(name)] * count, autoreset_mode=mode)
    return GymnasiumVector(name, vector, seed=1)


Lived = list[tuple[Any, ...]]


def live(
    environment: BatchedEnvironment | VectorEnvironment, steps: int
) -> tuple[list[Lived], list[Lived]]:
    """Per copy, each with a plan of its own: transitions and episodes.

    Actions follow from what is seen, so that a step that nobody takes does not shift them.
    """
    count = len(environment)
    transitions: list[Lived] = [[] for _ in range(count)]
    episodes: list[Lived] = [[] for _ in range(count)]
    for _ in range(steps):
        before = environment.observations.copy()
        present = np.ones(count, bool) if environment.present is None else environment.present
        present = present.copy()
        # Copy i ends its episodes e after 1 + (e · (i + 2)) mod 5 steps; the fifth is never taken.
        ends = 1 + (before[:, -2] * (np.arange(count) + 2)) % 5
        actions = (before[:, -1] + 1 >= ends).astype(np.int64)
        environment.step(actions)
        for i in np.flatnonzero(present):
            row = before[i].tolist()
            done = bool(environment.dones[i])
            transitions[i].append((*row, int(actions[i]), float(environment.rewards[i]), done))
        for e in environment.finished:
            told = (e.episode_return, e.length, e.truncated, *e.final_observation.tolist())
            episodes[e.environment].append(told)
    return transitions, episodes


@pytest.mark.parametrize("name", ["ProbeWalk-v0", "ProbeWalkWithMask-v0"])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_lives_through_the_same_episodes(mode: AutoresetMode, name: str) -> None:
    expected, expected_episodes = live(VectorEnvironment(name, 3, seed=1), 60)
    lived, episodes = live(in_mode(mode, 3, name), 60)
    for i in range(3):
        assert lived[i] == expected[i][: len(lived[i])]
        assert episodes[i] == expected_episodes[i][: len(episodes[i])]
        truncated = {episode[2] for episode in episodes[i]}
        assert truncated == {True, False}
        # Only where the next step begins an episode are steps lost, one for each.
        lost = len(episodes[i]) if mode is AutoresetMode.NEXT_STEP else 0
        assert 60 - len(lived[i]) in (lost, lost - 1)


def test_a_step_that_only_begins_an_episode_is_nobody_s() -> None:
    environment = in_mode(AutoresetMode.NEXT_STEP, 1)
    environment.step(np.array([1]))
    assert environment.present is not None
    assert (environment.present.tolist(), environment.dones.tolist()) == ([False], [1.0])
    assert environment.observations.tolist() == [[1.0, 1.0]]  # the end, seen by nobody
    environment.step(np.array([1]))
    assert (environment.present.tolist(), environment.rewards.tolist()) == ([True], [0.0])
    assert environment.finished == []
    assert environment.dones.tolist() == [1.0]  # whatever a policy remembers is forgotten here
    assert environment.observations.tolist() == [[2.0, 0.0]]
    environment.step(np.array([1]))
    assert environment.finished[0].episode_return == 21.0


def test_whatever_is_said_of_a_step_that_only_begins_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = in_mode(AutoresetMode.NEXT_STEP, 1)
    environment.step(np.array([1]))
    yes, no = np.array([True]), np.array([False])
    answer = (np.array([[2.0, 0.0]]), np.array([7.0]), yes, no, {})
    monkeypatch.setattr(environment._environment, "step", lambda actions: answer)
    environment.step(np.array([1]))
    assert environment.finished == []
    assert environment.rewards.tolist() == [0.0]
    assert environment.present is not None
    assert environment.present.tolist() == [True]


def test_the_moments_of_normalisation_see_no_step_of_nobody() -> None:
    environment = NormalizedEnvironment(in_mode(AutoresetMode.NEXT_STEP, 1), 0.99, True, False)
    for _ in range(3):
        environment.step(np.array([1]))
    # Seen: (1, 0), (2, 0); the ends (1, 1) and (2, 1) are followed by steps of nobody.
    assert environment.state()["moments"]["mean"] == pytest.approx([1.5, 0.0], abs=1e-3)


@pytest.mark.parametrize("mode", MODES)
def test_masks_arrive(mode: AutoresetMode) -> None:
    environment = in_mode(mode, 2, "ProbeWalkWithMask-v0")
    assert environment.masks is not None
    assert environment.masks.tolist() == [[True, False]] * 2
    environment.step(np.zeros(2, np.int64))
    assert environment.masks.tolist() == [[True, True]] * 2


def test_a_rollout_marks_the_steps_after_each_end_and_only_those() -> None:
    settings = PPOConfig(environment="vector/CartPole-v1", environments=8, rollout_steps=64)
    trainer = PPOTrainer(settings)
    trainer.iterate()
    present, dones = trainer.rollout.present, trainer.rollout.dones > 0
    assert present is not None
    ends = dones & present
    assert ends.any()
    assert torch.equal(~present[1:], ends[:-1])
    assert (trainer.rollout.rewards[~present] == 0).all()
    assert trainer.episodes == int(ends.sum())
    assert trainer.backend.name == "torch"
    trainer.close()


def test_gymnasium_s_own_vectorised_cart_pole_falls_like_the_single_one() -> None:
    environment = make_environment(PPOConfig(environment="vector/CartPole-v1"), 4)
    single = gymnasium.make("CartPole-v1").unwrapped
    single.reset(seed=1)
    single.state = tuple(environment.observations[2].astype(float))
    while not any(episode.environment == 2 for episode in environment.finished):
        environment.step(np.array([0, 1, 1, 0]))
        expected, _, fell, _, _ = single.step(1)
        np.testing.assert_allclose(environment.observations[2], expected, atol=1e-4)
    episode = next(e for e in environment.finished if e.environment == 2)
    assert fell
    assert not episode.truncated
    np.testing.assert_allclose(episode.final_observation, expected, atol=1e-4)


def test_a_resumed_run_equals_an_uninterrupted_one() -> None:
    settings = PPOConfig(environment="vector/CartPole-v1", environments=4, rollout_steps=32)
    first, second = PPOTrainer(settings), PPOTrainer(settings)
    first.iterate()
    tensors, extra = first.state()
    assert second.restore(tensors, json.loads(json.dumps(extra)))
    for trainer in (first, second):
        trainer.iterate()
        trainer.iterate()
    assert torch.equal(first.parameters.vector, second.parameters.vector)
    assert first.episodes == second.episodes > 0


def test_copies_in_processes_live_as_copies_in_one() -> None:
    settings = PPOConfig(environment="async/ProbeAsyncCartPole-v0", seed=3)
    gymnasium.register(  # a name that spawned processes know only from what is sent to them
        "ProbeAsyncCartPole-v0", "gymnasium.envs.classic_control:CartPoleEnv", max_episode_steps=12
    )
    environment = make_environment(settings, 2)
    try:
        seed = int(np.random.SeedSequence(3).generate_state(1)[0]) >> 1
        vector = SyncVectorEnv(
            [lambda: gymnasium.make("ProbeAsyncCartPole-v0")] * 2,
            autoreset_mode=AutoresetMode.DISABLED,
        )
        twin = GymnasiumVector("twin", vector, seed=3)
        assert vector.np_random_seed == (seed, seed + 1)
        endings = set()
        for t in range(60):
            np.testing.assert_array_equal(environment.observations, twin.observations)
            actions = np.array([t % 2, 1])
            for either in (environment, twin):
                either.step(actions)
            np.testing.assert_array_equal(environment.dones, twin.dones)
            endings |= {episode.truncated for episode in environment.finished}
        assert endings == {True, False}
        assert environment.state() is None
    finally:
        environment.close()


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("vector/MountainCar-v0", InvalidSettingError, "Take MountainCar-v0, or async/MountainCar"),
        ("vector/CartPool-v1", UnknownNameError, "Did you mean CartPole-v1"),
        ("async/CartPool-v1", UnknownNameError, "Did you mean CartPole-v1"),
    ],
)
def test_a_name_that_cannot_be_had_is_answered_in_words(
    name: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make_environment(PPOConfig(environment=name))


def test_options_reach_the_vectorised_environment_or_are_refused() -> None:
    settings = PPOConfig(
        environment="vector/CartPole-v1", environment_options={"sutton_barto_reward": True}
    )
    environment = make_environment(settings)
    environment.step(np.zeros(4, np.int64))
    assert environment.rewards.tolist() == [0.0] * 4  # −1 at the fall, else nothing
    wrong = PPOConfig(environment="vector/CartPole-v1", environment_options={"wheels": 3})
    with pytest.raises(InvalidSettingError, match="wheels"):
        make_environment(wrong)


def test_a_vector_environment_that_hides_its_mode_is_refused() -> None:
    vector = SyncVectorEnv([lambda: gymnasium.make("ProbeWalk-v0")])
    vector.metadata = {}
    with pytest.raises(InvalidSettingError, match="autoreset_mode"):
        GymnasiumVector("ProbeWalk-v0", vector, seed=1)
