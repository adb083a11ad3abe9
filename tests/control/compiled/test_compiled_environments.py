"""The compiled environments against Gymnasium, against hand-counted steps, and their rollouts."""

from __future__ import annotations

import json

import gymnasium
import numpy as np
import pytest
from compiled_cases import Side, settings

from ppolab.control.compiled import CartPole, CompiledBackend, GridWorld
from ppolab.control.compiled.backend import SMALLEST_SHARED_ROLLOUT
from ppolab.control.compiled.copies import CompiledEnvironment
from ppolab.control.rollout import Rollout, collect
from ppolab.errors import InvalidSettingError


def test_the_pole_moves_as_gymnasiums_does_bit_for_bit() -> None:
    environment = CartPole(count=3, seed=1)
    reference = gymnasium.make("CartPole-v1").unwrapped
    generator = np.random.default_rng(0)
    ended = 0
    for _ in range(400):
        states = environment.copies.states.copy()
        actions = generator.integers(0, 2, 3)
        environment.step(actions)
        for i in range(3):
            reference.reset()
            reference.state = tuple(states[i])
            observation, reward, terminated, _, _ = reference.step(int(actions[i]))
            assert bool(environment.dones[i]) == terminated
            assert environment.rewards[i] == reward
            seen = environment.observations[i]
            if terminated:
                ended += 1
                seen = next(e for e in environment.finished if e.environment == i)[4]
            assert np.array_equal(seen, observation)
    assert ended > 20


def test_an_episode_of_the_pole_is_cut_off_at_its_limit_and_begins_anew() -> None:
    environment = CartPole(count=2, seed=1, limit=4)
    for step in range(1, 9):
        environment.step(np.array([step % 2, step % 2]))
        assert len(environment.finished) == (2 if step % 4 == 0 else 0)
        for episode in environment.finished:
            assert episode[1:4] == (4.0, 4, True)
            assert not np.array_equal(
                episode.final_observation, environment.observations[episode.environment]
            )
            assert np.abs(environment.observations[episode.environment]).max() <= 0.05


def test_first_states_spread_evenly_and_differ_between_copies_and_seeds() -> None:
    states = CartPole(count=4000, seed=3).copies.states
    assert states.min() >= -0.05
    assert states.max() <= 0.05
    # A uniform on ±0.05 has standard deviation 0.1/√12; 16,000 numbers fix it to half a percent.
    assert states.std() == pytest.approx(0.1 / np.sqrt(12), rel=0.02)
    assert abs(np.corrcoef(states.T) - np.eye(4)).max() < 0.06
    assert len(np.unique(states)) == states.size
    assert not np.array_equal(states, CartPole(count=4000, seed=4).copies.states)


def test_a_walk_over_the_grid_pays_what_the_map_says() -> None:
    grid = GridWorld(1, seed=0, rows=("S.P", "#.G"), step_cost=0.25)
    up, right, down, left = range(4)
    for action, row, column, reward in (
        (left, 0, 0, -0.25),  # the edge
        (down, 0, 0, -0.25),  # the wall
        (right, 0, 1, -0.25),
        (down, 1, 1, -0.25),
        (up, 0, 1, -0.25),
    ):
        grid.step(np.array([action]))
        assert grid.rewards[0] == pytest.approx(reward)
        assert np.flatnonzero(grid.observations[0]).tolist() == [row * 3 + column]
        assert grid.finished == []
    grid.step(np.array([right]))
    episode = grid.finished[0]
    assert episode.episode_return == pytest.approx(5 * -0.25 - 1.25)
    assert episode.length == 6
    assert not episode.truncated
    assert np.flatnonzero(episode.final_observation).tolist() == [2]
    assert np.flatnonzero(grid.observations[0]).tolist() == [0]  # back at the start


def test_an_episode_that_ends_at_its_very_limit_was_not_cut_off() -> None:
    grid = GridWorld(1, seed=0, rows=("S.G",), limit=2)
    grid.step(np.array([1]))
    grid.step(np.array([1]))
    assert [(episode.length, episode.truncated) for episode in grid.finished] == [(2, False)]


def test_a_reward_that_is_moved_pays_from_the_next_step_on() -> None:
    grid = GridWorld(1, seed=0, rows=("S..",), step_cost=0.0)
    grid.set_reward(0, 1, 7.0)
    grid.step(np.array([1]))
    assert grid.rewards[0] == 7.0


def test_slipping_goes_each_way_as_often() -> None:
    grid = GridWorld(4000, seed=0, rows=("...", ".S.", "..."), slip=0.4)
    grid.step(np.full(4000, 1))
    cells = np.bincount(grid.observations.argmax(1), minlength=9) / 4000
    # Right: 0.6 and a quarter of 0.4; each other way a quarter of 0.4.
    assert cells[[5, 1, 3, 7]] == pytest.approx([0.7, 0.1, 0.1, 0.1], abs=0.03)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("S.", "."), "different lengths"),
        (("..",), "0 starts"),
        (("S?",), r"\?"),
        ((), "none"),
    ],
)
def test_a_map_that_cannot_be_walked_is_refused(rows: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidSettingError, match=said):
        GridWorld(1, seed=0, rows=rows)


@pytest.mark.parametrize("kind", [CartPole, GridWorld])
def test_an_environment_goes_on_exactly_from_its_state(kind: type[CompiledEnvironment]) -> None:
    options = {"slip": 0.3} if kind is GridWorld else {}
    first = kind(3, seed=1, **options)  # type: ignore[arg-type, call-arg]
    chance = np.random.default_rng(0)
    actions = chance.integers(0, first.action_count, (300, 3))
    for row in actions[:150]:
        first.step(row)
    second = kind(3, seed=2, **options)  # type: ignore[arg-type, call-arg]
    second.restore(json.loads(json.dumps(first.state())))
    for row in actions[150:]:
        first.step(row)
        second.step(row)
        assert np.array_equal(first.observations, second.observations)
        assert [e[:4] for e in first.finished] == [e[:4] for e in second.finished]
    assert first.state() == second.state()


@pytest.mark.parametrize("kind", [CartPole, GridWorld])
def test_two_threads_fill_a_rollout_with_the_bits_of_one(kind: type[CompiledEnvironment]) -> None:
    copies = SMALLEST_SHARED_ROLLOUT + 3  # halves of different sizes
    config = settings(rollout_steps=128, minibatch_size=256)
    first = kind(copies, seed=1, limit=9)  # type: ignore[arg-type, call-arg]
    side = Side.begin(config, first.observation_size, first.action_count)
    filled = []
    for threads, environment in ((1, first), (2, first.twin())):
        rollout = Rollout.small(40, copies, first.observation_size)
        chance = np.random.default_rng(2)
        episodes = side.backend(config, threads).collect(rollout, environment, chance, 0.9)
        filled.append((rollout, episodes, environment))
    (one, episodes, _), (two, others, environment) = filled
    for name in ("observations", "actions", "log_probs", "rewards", "dones", "values",
                 "last_values"):  # fmt: skip
        assert np.array_equal(getattr(one, name).numpy(), getattr(two, name).numpy()), name
    assert len({episode.environment for episode in episodes}) == copies
    assert [e[:4] for e in episodes] == [e[:4] for e in others]
    for ours, theirs in zip(episodes, others, strict=True):
        assert np.array_equal(ours.final_observation, theirs.final_observation)
    assert first.state() == environment.state()


class Uniform:
    """Hands the back end's chance to the readable loop."""

    def __init__(self, backend: CompiledBackend, generator: np.random.Generator) -> None:
        self.backend, self.generator = backend, generator

    def values(self, observations: np.ndarray, environments: object = None) -> np.ndarray:
        return self.backend.values(observations)

    def act(
        self, observations: np.ndarray, masks: None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        uniforms = self.generator.random((len(observations), 1), np.float32)
        actions, log_probs, values = self.backend.act(observations, uniforms)
        return actions[:, 0], log_probs, values


@pytest.mark.parametrize("kind", [CartPole, GridWorld])
def test_a_rollout_in_one_call_is_the_one_taken_step_by_step(
    kind: type[CompiledEnvironment],
) -> None:
    """Limits are short, so that bootstrapped truncations are among the rewards."""
    one = kind(3, seed=1, limit=9)  # type: ignore[arg-type, call-arg]
    other = one.twin()
    side = Side.begin(settings(), one.observation_size, one.action_count)
    backend = side.backend(settings())
    whole = Rollout.small(50, 3, one.observation_size)
    stepwise = Rollout.small(50, 3, one.observation_size)
    episodes = backend.collect(whole, one, np.random.default_rng(2), 0.9)
    actor = Uniform(backend, np.random.default_rng(2))
    expected = collect(stepwise, other, actor, 0.9)  # type: ignore[arg-type]
    for name in ("observations", "actions", "log_probs", "rewards", "dones", "values",
                 "last_values"):  # fmt: skip
        assert np.array_equal(getattr(whole, name).numpy(), getattr(stepwise, name).numpy()), name
    assert [e[:4] for e in episodes] == [e[:4] for e in expected]
    assert any(e.truncated for e in episodes)
    assert np.array_equal(episodes[-1].final_observation, expected[-1].final_observation)
    assert one.state() == other.state()
