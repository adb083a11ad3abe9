from __future__ import annotations

import json

import numpy as np
import pytest

from ppolab.control.environments import VectorEnvironment
from ppolab.control.normalization import NormalizedEnvironment, RunningMoments
from ppolab.errors import InvalidSettingError


def test_moments_do_not_depend_on_the_batches() -> None:
    samples = np.random.default_rng(0).normal(3, 2, (500, 4))
    at_once, in_pieces = RunningMoments(4), RunningMoments(4)
    at_once.update(samples)
    for piece in np.array_split(samples, 17):
        in_pieces.update(piece)
    np.testing.assert_allclose(at_once.mean, in_pieces.mean, rtol=1e-9)
    np.testing.assert_allclose(at_once.variance, in_pieces.variance, rtol=1e-9)
    np.testing.assert_allclose(at_once.mean, samples.mean(0), rtol=1e-5)
    np.testing.assert_allclose(at_once.variance, samples.var(0), rtol=1e-5)


def walk(environment: NormalizedEnvironment, steps: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    rows = []
    for _ in range(steps):
        environment.step(generator.normal(size=(len(environment), 1)).astype(np.float32))
        rows.append(np.column_stack([environment.observations, environment.rewards]))
    return np.array(rows)


def pendulum(count: int = 4) -> NormalizedEnvironment:
    inner = VectorEnvironment("Pendulum-v1", count, seed=1)
    return NormalizedEnvironment(inner, 0.99, observations=True, rewards=True)


def test_observations_come_to_mean_0_and_spread_1() -> None:
    rows = walk(pendulum(), 600)[300:, :, :3].reshape(-1, 3)
    assert np.abs(rows.mean(0)).max() < 0.35
    assert 0.7 < rows.std(0).min() <= rows.std(0).max() < 1.3


def test_rewards_are_scaled_and_never_shifted() -> None:
    environment = pendulum(1)
    for _ in range(50):
        environment.step(np.zeros((1, 1), np.float32))
        scale = environment._inner.rewards / environment.rewards
        assert scale > 0  # the sign stays: Pendulum's rewards are all negative
    assert environment._return_moments is not None
    expected = np.sqrt(environment._return_moments.variance[0])
    assert float(scale[0]) == pytest.approx(expected, rel=1e-4)


def test_the_scale_is_the_spread_of_discounted_returns() -> None:
    environment = pendulum(1)
    discounted, seen = 0.0, []
    for _ in range(30):
        environment.step(np.zeros((1, 1), np.float32))
        discounted = 0.99 * discounted + float(environment._inner.rewards[0])
        seen.append(discounted)
    assert environment._return_moments is not None
    assert environment._return_moments.variance[0] == pytest.approx(np.var(seen), rel=1e-3)


def test_finished_episodes_keep_their_own_units() -> None:
    environment = pendulum(1)
    walk(environment, 199)
    environment.step(np.zeros((1, 1), np.float32))
    (episode,) = environment.finished
    assert episode.length == 200
    assert episode.episode_return < -200  # 200 steps at about −1 to −16 each
    assert np.abs(episode.final_observation).max() < 5  # normalised: it is given to the critic


def test_a_restored_environment_goes_on_exactly() -> None:
    first = pendulum()
    walk(first, 50)
    state = json.loads(json.dumps(first.state()))
    expected = walk(first, 50, seed=1)
    second = pendulum()
    assert second.restore(state)
    np.testing.assert_array_equal(walk(second, 50, seed=1), expected)


def test_images_are_not_normalised() -> None:
    inner = VectorEnvironment("ProbeImage-v0", 1, seed=1)
    with pytest.raises(InvalidSettingError, match="normalize_observations"):
        NormalizedEnvironment(inner, 0.99, observations=True, rewards=False)
