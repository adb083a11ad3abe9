"""Our mathematics against Stable-Baselines3's own code, run on the same numbers.

Nothing of theirs is retold here: their buffer sums up advantages, their `collect_rollouts` meets
time limits, their `train` takes the gradient steps. All of it is in single precision, as theirs is.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import configure
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.utils import explained_variance as their_explained_variance
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from torch import Tensor, nn

from ppolab.algorithms.advantages import generalized_advantages
from ppolab.algorithms.diagnostics import explained_variance
from ppolab.control.acting import actor_for
from ppolab.control.config import PPOConfig
from ppolab.control.environments import VectorEnvironment
from ppolab.control.networks import MLP, ActorCritic
from ppolab.control.normalization import NormalizedEnvironment, RunningMoments
from ppolab.control.optimizer import Adam
from ppolab.control.rollout import Rollout, collect
from ppolab.control.update import FlatParameters, Parts, UpdateReport, update

TIME, ENVIRONMENTS = 32, 4
SAMPLES = TIME * ENVIRONMENTS
MINIBATCH = 32
GAMMA, LAMBDA = 0.97, 0.9


class Clockwork(gymnasium.Env[np.ndarray, int]):
    """Does the same whatever one does: ends after three steps, is cut off after five, in turn."""

    def __init__(self) -> None:
        self.observation_space = Box(-10, 10, (2,), np.float32)
        self.action_space = Discrete(2)
        self._episode, self._taken = 0, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        self._episode, self._taken = self._episode + 1, 0
        return self._seen(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self._taken += 1
        over = self._episode % 2 == 1 and self._taken == 3
        return self._seen(), float(np.sin(self._taken + self._episode)), over, False, {}

    def _seen(self) -> np.ndarray:
        return np.array([self._taken, np.cos(self._episode)], np.float32)


@pytest.fixture(scope="module", autouse=True)
def clockwork() -> None:
    gymnasium.register("Clockwork-v0", Clockwork, max_episode_steps=5)


def theirs(environment_id: str, **settings: Any) -> PPO:
    """Their PPO; its coefficient of the value loss is half of ours, for it does not halve."""
    venv = DummyVecEnv([lambda: gymnasium.make(environment_id)] * ENVIRONMENTS)
    model = PPO(
        "MlpPolicy", venv, n_steps=TIME, batch_size=MINIBATCH, n_epochs=2, learning_rate=1e-3,
        gamma=GAMMA, gae_lambda=LAMBDA, ent_coef=0.02, vf_coef=0.25, seed=3, device="cpu",
        **settings,
    )  # fmt: skip
    model.set_logger(configure(format_strings=[]))
    return model


def with_their_weights(model: PPO, environment_id: str) -> ActorCritic:
    environment = VectorEnvironment(environment_id, 1, seed=1)
    ours = ActorCritic(environment.layout, environment.distribution, hidden_size=64)
    assert isinstance(ours.actor, MLP)
    assert isinstance(ours.critic, MLP)
    policy = model.policy
    extractor = policy.mlp_extractor
    pairs: list[tuple[nn.Linear, Any]] = [
        (ours.actor.first, extractor.policy_net[0]), (ours.actor.second, extractor.policy_net[2]),
        (ours.actor.output, policy.action_net), (ours.critic.first, extractor.value_net[0]),
        (ours.critic.second, extractor.value_net[2]), (ours.critic.output, policy.value_net),
    ]  # fmt: skip
    with torch.no_grad():
        for own, other in pairs:
            own.weight.copy_(other.weight)
            own.bias.copy_(other.bias)
        if ours.log_std is not None:
            ours.log_std.copy_(policy.log_std)
    return ours


def their_weights(model: PPO, environment_id: str) -> Tensor:
    return FlatParameters(with_their_weights(model, environment_id)).vector.detach()


def made_up_rollout(model: ActorCritic, environment_id: str) -> Rollout:
    """Numbers of no environment, close enough to the policy that ratios lie on both sides of ε."""
    generator = torch.Generator().manual_seed(11)
    environment = VectorEnvironment(environment_id, ENVIRONMENTS, seed=1)
    rollout = Rollout.allocate(TIME, environment)
    for part in (rollout.observations, rollout.rewards, rollout.values, rollout.last_values):
        part.normal_(generator=generator)
    rollout.dones.copy_(torch.rand(TIME, ENVIRONMENTS, generator=generator) < 0.1)
    rows = rollout.observations.flatten(0, 1)
    with torch.no_grad():
        parameters, _ = model(rows)
        actions = environment.distribution.sample(parameters, generator)
        log_probs, _ = environment.distribution.evaluate(parameters, actions)
    rollout.actions.copy_(actions.view_as(rollout.actions))
    noise = 0.3 * torch.randn(SAMPLES, generator=generator)
    rollout.log_probs.copy_((log_probs + noise).view(TIME, ENVIRONMENTS))
    return rollout


def fill(buffer: RolloutBuffer, rollout: Rollout) -> None:
    """Give their buffer the same samples; it marks where episodes begin, we mark where they end."""
    buffer.reset()
    buffer.observations[:] = rollout.observations.numpy()
    buffer.actions[:] = rollout.actions.reshape(TIME, ENVIRONMENTS, -1).numpy()
    buffer.rewards[:] = rollout.rewards.numpy()
    buffer.values[:] = rollout.values.numpy()
    buffer.log_probs[:] = rollout.log_probs.numpy()
    buffer.episode_starts[1:] = rollout.dones[:-1].numpy()
    buffer.full = True
    buffer.compute_returns_and_advantage(rollout.last_values, rollout.dones[-1].numpy())


def update_ours(
    model: ActorCritic, rollout: Rollout, epochs: int = 2, value_clip_range: float | None = None
) -> UpdateReport:
    config = PPOConfig(
        environments=ENVIRONMENTS, rollout_steps=TIME, minibatch_size=MINIBATCH, epochs=epochs,
        total_steps=SAMPLES, learning_rate=1e-3, gamma=GAMMA, gae_lambda=LAMBDA, entropy_coef=0.02,
        value_coef=0.5, value_clip_range=value_clip_range,
    )  # fmt: skip
    parameters = FlatParameters(model)
    optimizer = Adam(parameters, config.learning_rate, config.adam_epsilon)
    report, _ = update(
        model, parameters, optimizer, rollout, config, Parts(), torch.Generator().manual_seed(5)
    )
    return report


def train_theirs(model: PPO, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Their gradient steps on minibatches of our draw; what they logged."""
    generator = torch.Generator().manual_seed(5)

    def permutation(count: int) -> np.ndarray:
        # Their samples lie copy after copy, ours step after step.
        ours = torch.randperm(count, generator=generator).numpy()
        return (ours % ENVIRONMENTS) * TIME + ours // ENVIRONMENTS

    monkeypatch.setattr(np.random, "permutation", permutation)
    model.train()
    logged: dict[str, Any] = model.logger.name_to_value
    return logged


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1"])
def test_eight_gradient_steps_lead_where_theirs_lead(
    environment_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = theirs(environment_id)
    ours = with_their_weights(model, environment_id)
    rollout = made_up_rollout(ours, environment_id)
    fill(model.rollout_buffer, rollout)
    before = their_weights(model, environment_id)

    report = update_ours(ours, rollout)
    logged = train_theirs(model, monkeypatch)

    assert report.policy_loss == pytest.approx(logged["train/policy_gradient_loss"], abs=1e-6)
    assert report.value_loss == pytest.approx(logged["train/value_loss"] / 2, rel=1e-5)
    assert report.entropy == pytest.approx(-logged["train/entropy_loss"], rel=1e-5)
    assert report.clip_fraction == pytest.approx(logged["train/clip_fraction"], abs=1e-7)
    assert 0.2 < report.clip_fraction < 0.8, "otherwise nothing would have been compared"
    after = their_weights(model, environment_id)
    moved = (after - before).abs().max()
    assert 4e-3 < moved < 1e-2, "eight steps of Adam at 0.001"
    difference = (FlatParameters(ours).vector.detach() - after).abs().max()
    assert difference < 1e-5


def test_the_divergence_of_one_epoch_is_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    model = theirs("CartPole-v1")
    model.n_epochs = 1  # they report the last epoch alone, we the mean of all
    ours = with_their_weights(model, "CartPole-v1")
    rollout = made_up_rollout(ours, "CartPole-v1")
    fill(model.rollout_buffer, rollout)
    report = update_ours(ours, rollout, epochs=1)
    logged = train_theirs(model, monkeypatch)
    assert report.approx_kl == pytest.approx(float(logged["train/approx_kl"]), rel=1e-5)
    assert report.approx_kl > 0.01


def test_a_clipped_value_costs_what_theirs_costs_where_clipping_binds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # They take the clipped error alone, we the larger of the two as openai/baselines does. Values
    # near 0 that came from −5 on their way to 5 are clipped to −4.8: there the two agree.
    model = theirs("CartPole-v1", clip_range_vf=0.2)
    ours = with_their_weights(model, "CartPole-v1")
    rollout = made_up_rollout(ours, "CartPole-v1")
    rollout.values.fill_(-5.0)
    rollout.rewards.fill_(5.0)
    rollout.dones.fill_(1.0)
    fill(model.rollout_buffer, rollout)
    report = update_ours(ours, rollout, value_clip_range=0.2)
    logged = train_theirs(model, monkeypatch)
    assert report.value_loss == pytest.approx(logged["train/value_loss"] / 2, rel=1e-6)
    assert report.value_loss == pytest.approx(0.5 * 9.8**2, rel=1e-6)


@pytest.mark.parametrize(("gamma", "gae_lambda"), [(0.99, 0.95), (1.0, 1.0), (0.9, 0.0)])
def test_advantages_and_returns_are_those_of_their_buffer(gamma: float, gae_lambda: float) -> None:
    model = theirs("CartPole-v1")
    rollout = made_up_rollout(with_their_weights(model, "CartPole-v1"), "CartPole-v1")
    buffer = model.rollout_buffer
    buffer.gamma, buffer.gae_lambda = gamma, gae_lambda
    fill(buffer, rollout)
    advantages = generalized_advantages(
        rollout.rewards, rollout.values, rollout.dones, rollout.last_values, gamma, gae_lambda
    )
    assert rollout.dones[:-1].any()
    np.testing.assert_allclose(advantages.numpy(), buffer.advantages, rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        (advantages + rollout.values).numpy(), buffer.returns, rtol=0, atol=1e-5
    )


def test_an_episode_that_is_cut_off_counts_as_theirs_does() -> None:
    model = theirs("Clockwork-v0")
    ours = with_their_weights(model, "Clockwork-v0")
    _, callback = model._setup_learn(total_timesteps=SAMPLES)
    buffer = model.rollout_buffer
    model.collect_rollouts(model.env, callback, buffer, n_rollout_steps=TIME)

    environment = VectorEnvironment("Clockwork-v0", ENVIRONMENTS, seed=1)
    rollout = Rollout.allocate(TIME, environment)
    actor = actor_for(ours, np.random.default_rng(1))
    finished = collect(rollout, environment, actor, GAMMA)

    assert {(episode.length, episode.truncated) for episode in finished} == {(3, False), (5, True)}
    np.testing.assert_allclose(rollout.rewards.numpy(), buffer.rewards, rtol=0, atol=1e-6)
    np.testing.assert_allclose(rollout.values.numpy(), buffer.values, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(rollout.dones[:-1].numpy(), buffer.episode_starts[1:])
    advantages = generalized_advantages(
        rollout.rewards, rollout.values, rollout.dones, rollout.last_values, GAMMA, LAMBDA
    )
    np.testing.assert_allclose(advantages.numpy(), buffer.advantages, rtol=0, atol=1e-5)


def test_explained_variance_is_theirs() -> None:
    generator = torch.Generator().manual_seed(2)
    targets = torch.randn(200, generator=generator, dtype=torch.float64)
    predictions = targets + 0.5 * torch.randn(200, generator=generator, dtype=torch.float64) + 3.0
    expected = their_explained_variance(predictions.numpy(), targets.numpy())
    assert explained_variance(predictions, targets) == pytest.approx(expected, abs=1e-12)
    assert 0.5 < expected < 0.9


def test_running_moments_are_theirs() -> None:
    generator = np.random.default_rng(4)
    ours, other = RunningMoments(3), RunningMeanStd(shape=(3,))
    for size in (1, 2, 7, 100):
        batch = generator.normal(5, [0.1, 1, 10], (size, 3))
        ours.update(batch)
        other.update(batch)
        np.testing.assert_allclose(ours.mean, other.mean, rtol=1e-12)
        np.testing.assert_allclose(ours.variance, other.var, rtol=1e-12)


def test_normalised_observations_and_rewards_are_theirs() -> None:
    seeds = [int(s) for s in np.random.SeedSequence(1).generate_state(ENVIRONMENTS)]
    inner = VectorEnvironment("Pendulum-v1", ENVIRONMENTS, seed=1)
    ours = NormalizedEnvironment(inner, GAMMA, observations=True, rewards=True)
    venv = DummyVecEnv([lambda: gymnasium.make("Pendulum-v1")] * ENVIRONMENTS)
    venv._seeds = list(seeds)  # their `seed` would count up from one number
    other = VecNormalize(venv, gamma=GAMMA)
    np.testing.assert_allclose(ours.observations, other.reset(), rtol=0, atol=1e-6)
    generator = np.random.default_rng(0)
    for step in range(1, 411):  # past two time limits
        actions = generator.uniform(-2, 2, (ENVIRONMENTS, 1)).astype(np.float32)
        ours.step(actions)
        observations, rewards, dones, infos = other.step(actions)
        np.testing.assert_allclose(ours.observations, observations, rtol=0, atol=1e-6)
        np.testing.assert_allclose(ours.rewards, rewards, rtol=1e-5, atol=1e-6)
        assert dones.all() == (step % 200 == 0)
        for episode, info in zip(ours.finished, infos, strict=False):
            last = info["terminal_observation"]
            np.testing.assert_allclose(episode.final_observation, last, rtol=0, atol=1e-6)
