"""Compiled acting against the NumPy actor, and compiled advantages against the readable ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from compiled_cases import Side, made_up_rollout, numbers, settings

from ppolab.algorithms.advantages import generalized_advantages
from ppolab.control.acting import NumpyActor
from ppolab.control.compiled.bridge import draw_order
from ppolab.control.distributions import Categorical, Distribution, MultiCategorical
from ppolab.control.environments import VectorEnvironment
from ppolab.control.rollout import Rollout, collect
from ppolab.control.trainer import PPOTrainer


@pytest.mark.parametrize("count", [1, 4, 32, 70])
def test_actions_are_those_the_numpy_actor_takes(count: int) -> None:
    side = Side.begin(settings(hidden_size=23), observation=3, actions=5)
    observations = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    actor = NumpyActor(side.model, np.random.default_rng(7))
    actions, log_probs, values = actor.act(observations)

    uniforms = np.random.default_rng(7).random((count, 1), np.float32)
    backend = side.backend(settings())
    measured, measured_log_probs, measured_values = backend.act(observations, uniforms)

    assert measured[:, 0].tolist() == actions.tolist()
    assert measured_log_probs == pytest.approx(log_probs, abs=2e-6)
    assert measured_values == pytest.approx(values, abs=2e-6)
    assert backend.values(observations) == pytest.approx(values, abs=2e-6)


def test_actions_come_as_often_as_the_policy_says() -> None:
    side = Side.begin(settings(), actions=3)
    observation = np.ones((1, 4), np.float32)
    probabilities = torch.softmax(side.model.actor(torch.from_numpy(observation)), 1)[0].tolist()
    uniforms = np.random.default_rng(1).random((20_000, 1), np.float32)
    actions, _, _ = side.backend(settings()).act(np.repeat(observation, 20_000, 0), uniforms)
    # Four standard deviations of a count of 20,000.
    counted = np.bincount(actions[:, 0], minlength=3) / 20_000
    assert counted == pytest.approx(probabilities, abs=4 * 0.5 / np.sqrt(20_000))


def test_numbers_are_those_the_numpy_actor_draws() -> None:
    side = Side.begin(settings(hidden_size=23), 3, numbers(6))
    observations = np.random.default_rng(0).normal(size=(70, 3)).astype(np.float32)
    actor = NumpyActor(side.model, np.random.default_rng(7))
    actions, log_probs, values = actor.act(observations)

    noise = np.random.default_rng(7).standard_normal((70, 6), np.float32)
    measured, measured_log_probs, measured_values = side.backend(settings()).act(
        observations, noise
    )

    assert measured.dtype == np.float32
    assert measured == pytest.approx(actions, abs=2e-6)
    assert measured_log_probs == pytest.approx(log_probs, abs=5e-6)
    assert measured_values == pytest.approx(values, abs=2e-6)


@pytest.mark.parametrize("distribution", [Categorical(9), MultiCategorical([3, 2, 4])])
def test_allowed_choices_are_those_the_numpy_actor_makes(distribution: Distribution) -> None:
    side = Side.begin(settings(), 4, distribution)
    generator = np.random.default_rng(0)
    observations = generator.normal(size=(70, 4)).astype(np.float32)
    masks = generator.random((70, 9)) < 0.5
    masks[:, [0, 3, 5]] = True  # something is allowed in each choice
    actor = NumpyActor(side.model, np.random.default_rng(7))
    actions, log_probs, _ = actor.act(observations, masks)

    choices = getattr(distribution, "counts", [9])
    uniforms = np.random.default_rng(7).random((70, len(choices)), np.float32)
    measured, measured_log_probs, _ = side.backend(settings()).act(observations, uniforms, masks)

    assert measured.tolist() == actions.reshape(70, -1).tolist()
    assert measured_log_probs == pytest.approx(log_probs, abs=5e-6)
    starts = np.cumsum([0, *choices[:-1]])
    assert masks[np.arange(70)[:, None], starts + measured].all()


def test_a_change_of_the_weights_is_seen_by_the_next_action() -> None:
    side = Side.begin(settings())
    backend, observations = side.backend(settings()), np.ones((1, 4), np.float32)
    before = backend.values(observations)[0]
    with torch.no_grad():
        side.model.critic.output.bias += 1.0
    assert backend.values(observations)[0] == pytest.approx(before + 1.0, abs=1e-6)


def test_a_rollout_is_the_one_the_readable_loop_collects() -> None:
    side = Side.begin(settings())
    rollouts, finished = [], []
    for compiled in (False, True):
        environment = VectorEnvironment("CartPole-v1", 4, seed=1)
        rollout, generator = Rollout.small(128, 4, 4), np.random.default_rng(2)
        for _ in range(3):
            if compiled:
                episodes = side.backend(settings()).collect(rollout, environment, generator, 0.99)
            else:
                episodes = collect(rollout, environment, NumpyActor(side.model, generator), 0.99)
        rollouts.append(rollout)
        finished.append(episodes)
    readable, compiled_rollout = rollouts
    assert torch.equal(readable.actions, compiled_rollout.actions)
    for name in ("observations", "dones", "rewards"):
        assert torch.equal(getattr(readable, name), getattr(compiled_rollout, name)), name
    for name in ("log_probs", "values", "last_values"):
        assert torch.allclose(
            getattr(readable, name), getattr(compiled_rollout, name), atol=1e-5
        ), name
    assert [episode[:4] for episode in finished[0]] == [episode[:4] for episode in finished[1]]
    assert len(finished[0]) > 5


@pytest.mark.parametrize("name", ["Pendulum-v1", "ProbeSeveral-v0", "ProbeMaskedByMethod-v0"])
def test_a_rollout_of_any_policy_is_the_one_the_readable_loop_collects(name: str) -> None:
    config = settings(environment=name, hidden_size=16)
    rollouts = []
    for backend in ("torch", "compiled"):
        trainer = PPOTrainer(dataclasses.replace(config, backend=backend))
        assert trainer.backend.name == backend
        trainer.backend.collect(
            trainer.rollout, trainer.environment, trainer.action_generator, 0.99
        )
        rollouts.append(trainer.rollout)
        trainer.close()
    readable, measured = rollouts
    for field in dataclasses.fields(readable):
        expected = getattr(readable, field.name)
        if expected is None:
            assert getattr(measured, field.name) is None
        else:
            assert torch.allclose(getattr(measured, field.name), expected, atol=1e-4), field.name


def test_the_environment_gets_numbers_within_its_bounds_and_the_rollout_keeps_them_as_drawn() -> (
    None
):
    trainer = PPOTrainer(settings(environment="Pendulum-v1", backend="compiled"))
    with torch.no_grad():
        trainer.model.log_std.fill_(2.0)  # σ = 7.4, and the bounds are ±2
    given: list[np.ndarray] = []
    inner = trainer.environment._environments[0]
    step = inner.step
    inner.step = lambda action: (given.append(action.copy()), step(action))[1]
    trainer.backend.collect(trainer.rollout, trainer.environment, trainer.action_generator, 0.99)
    kept = trainer.rollout.actions[:, 0].numpy()
    assert np.abs(kept).max() > 6.0
    assert np.array_equal(np.stack(given), np.clip(kept, -2.0, 2.0))


def test_the_value_of_a_state_cut_off_by_time_is_added_to_its_last_reward() -> None:
    side = Side.begin(settings())
    environment = VectorEnvironment("CartPole-v1", 2, seed=1)
    environment._time_limit = 5
    rollout = Rollout.small(6, 2, 4)
    backend = side.backend(settings())
    episodes = backend.collect(rollout, environment, np.random.default_rng(2), 0.9)
    assert [episode.truncated for episode in episodes] == [True, True]
    for episode in episodes:
        value = backend.values(episode.final_observation[None])[0]
        rewards = rollout.rewards[:, episode.environment].tolist()
        assert rewards == pytest.approx([1, 1, 1, 1, 1 + 0.9 * value, 1], abs=1e-6)


def test_advantages_are_those_of_the_readable_function() -> None:
    rollout = made_up_rollout()
    advantages, returns = Side.begin(settings()).backend(settings()).advantages(rollout, 0.97, 0.9)
    expected = generalized_advantages(
        rollout.rewards, rollout.values, rollout.dones, rollout.last_values, 0.97, 0.9
    )
    assert torch.allclose(advantages, expected, atol=2e-6)
    assert torch.allclose(returns, expected + rollout.values, atol=2e-6)


def test_permutations_are_drawn_as_the_readable_update_draws_them() -> None:
    ours, generator = (torch.Generator().manual_seed(4) for _ in range(2))
    order = torch.empty(50, dtype=torch.int64)
    for _ in range(3):
        draw_order(ours, settings(), order)
        assert torch.equal(order, torch.randperm(50, generator=generator))
    assert torch.equal(ours.get_state(), generator.get_state())
