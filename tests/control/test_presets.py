"""The presets: each can be trained, and those of published results learn what they claim."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace

import gymnasium
import pytest

from ppolab.control.config import PPOConfig
from ppolab.control.distributions import Categorical, DiagonalGaussian
from ppolab.control.making import make_environment
from ppolab.control.presets import load_preset, preset_names
from ppolab.control.trainer import PPOTrainer

# Sizes of observations and kinds of actions as Gymnasium's pages give them.
SPACES = {
    "CartPole-v1": (4, Categorical),
    "Acrobot-v1": (6, Categorical),
    "MountainCar-v0": (2, Categorical),
    "Pendulum-v1": (3, DiagonalGaussian),
    "LunarLander-v3": (8, Categorical),
    "HalfCheetah-v4": (17, DiagonalGaussian),
    "Hopper-v4": (11, DiagonalGaussian),
    "ppolab/CartPole-no-velocity": (2, Categorical),
    "MinAtar/Breakout-v1": (10 * 10 * 4, Categorical),
    "PongNoFrameskip-v4": (84 * 84 * 4, Categorical),
    "multi/Guide": (25 + 2 + 25, Categorical),  # own view, which agent, and the state
}
# Steps that the published run was planned for, and the longest episode.
BENCHMARKS = {
    "cartpole-baseline": (500_000, 500),
    "acrobot": (500_000, 500),
    "mountain-car": (1_000_000, 200),
    "pendulum": (100_000, 200),
    "lunar-lander": (1_000_000, 1000),
    "half-cheetah": (1_000_000, 1000),
    "hopper": (1_000_000, 1000),
}
# The Stable-Baselines3 zoo takes whole rollouts until it has its steps, the others stop before.
ROUNDED_UP = ("mountain-car", "pendulum", "lunar-lander")
EXTRAS = {
    "atari-pong": "ale_py",
    "lunar-lander": "Box2D",
    "half-cheetah": "mujoco",
    "hopper": "mujoco",
}


@pytest.fixture(params=preset_names())
def config(request: pytest.FixtureRequest) -> PPOConfig:
    if request.param in EXTRAS:
        pytest.importorskip(EXTRAS[request.param], reason="the preset needs an extra")
    config = load_preset(request.param).config
    if config.environment.startswith("MinAtar/") and importlib.util.find_spec("minatar") is None:
        pytest.skip("MinAtar is not installed")
    return config


@pytest.fixture
def trainer(config: PPOConfig) -> Iterator[PPOTrainer]:
    if config.environment == "PongNoFrameskip-v4":  # the same minibatches, but a quarter of them
        config = replace(config, environments=2)
    # The readable back end needs no kernel compiled first, which would take longer than the test.
    trainer = PPOTrainer(replace(config, backend="torch"))
    yield trainer
    trainer.close()


def test_the_environment_of_each_preset_is_made_as_its_settings_say(config: PPOConfig) -> None:
    environment = make_environment(config)
    size, distribution = SPACES[config.environment]
    rows = config.environments * max(1, len(environment.agents))
    assert environment.observations.shape == (rows, size)
    assert type(environment.distribution) is distribution
    environment.close()


def test_one_iteration_of_each_preset_learns_from_one_whole_rollout(trainer: PPOTrainer) -> None:
    before = trainer.parameters.vector.detach().clone()
    metrics = trainer.iterate()
    assert trainer.step == trainer.config.environments * trainer.config.rollout_steps
    assert metrics["epochs"] == trainer.config.epochs
    assert metrics["gradient_norm"] > 0
    moved = (trainer.parameters.vector.detach() - before).abs().max()
    assert 0 < moved < 1, "Adam's steps are small, and so is what one rollout may change"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_s_preset_takes_the_published_steps_to_within_one_rollout(name: str) -> None:
    config = load_preset(name).config
    published, _ = BENCHMARKS[name]
    beyond = config.planned_steps - published
    if name in ROUNDED_UP:
        assert config.total_steps == config.planned_steps, "the preset names whole rollouts"
        assert 0 <= beyond < config.batch_size
    else:
        assert config.total_steps == published
        assert -config.batch_size < beyond <= 0
    assert config.stop_return is None, "stopping at a good moment would flatter the result"


def test_acrobot_changes_nothing_but_its_task() -> None:
    config = load_preset("acrobot").config
    assert config == PPOConfig(environment="Acrobot-v1")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_time_limit_of_a_benchmark_is_the_published_one(name: str) -> None:
    specification = gymnasium.spec(load_preset(name).config.environment)
    assert specification.max_episode_steps == BENCHMARKS[name][1]


def test_half_cheetah_and_hopper_differ_in_their_robot_alone() -> None:
    half_cheetah, hopper = load_preset("half-cheetah").config, load_preset("hopper").config
    assert replace(half_cheetah, environment="Hopper-v4") == hopper


def test_pendulum_s_episodes_are_cut_off_and_never_ended() -> None:
    base = load_preset("pendulum").config
    config = replace(base, rollout_steps=200, minibatch_size=200, backend="torch")
    trainer = PPOTrainer(config)
    trainer.iterate()
    # Every copy's first episode ends at its 200th step, with what would have followed put in.
    assert trainer.episodes == config.environments
    assert list(trainer.recent_lengths) == [200] * config.environments
    raw = trainer.environment.rewards
    last = trainer.rollout.rewards[-1].numpy()
    assert (last != raw).all()
    trainer.close()


@pytest.mark.slow
def test_acrobot_reaches_minus_100_within_300_000_steps() -> None:
    trainer = PPOTrainer(load_preset("acrobot").config)
    while trainer.step < 300_000 and not (trainer.episodes >= 100 and trainer.mean_return >= -100):
        trainer.iterate()
    assert trainer.mean_return >= -100  # random actions get about -499
    trainer.close()
