from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Text
from torch import Tensor, distributions

from ppolab.control.distributions import (
    Bernoulli,
    Categorical,
    DiagonalGaussian,
    Distribution,
    MultiCategorical,
    distribution_for,
)
from ppolab.errors import InvalidSettingError

LOW = np.array([-1.0, -2.0], np.float32)
HIGH = np.array([1.0, 2.0], np.float32)
DRAWS = 20_000


def parameters(count: int, batch: int = 6) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(batch, count, generator=generator, dtype=torch.float64)


def drawn(distribution: Distribution, row: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return distribution.sample(row.expand(DRAWS, -1), generator)


def test_categorical_agrees_with_torch() -> None:
    logits = parameters(4)
    actions = torch.tensor([0, 1, 2, 3, 0, 1])
    log_probs, entropy = Categorical(4).evaluate(logits, actions)
    oracle = distributions.Categorical(logits=logits)
    torch.testing.assert_close(log_probs, oracle.log_prob(actions), rtol=0, atol=1e-12)
    torch.testing.assert_close(entropy, oracle.entropy(), rtol=0, atol=1e-12)


def test_multi_categorical_is_a_sum_of_independent_choices() -> None:
    logits = parameters(5)
    actions = torch.tensor([[0, 2], [1, 1], [0, 0], [1, 2], [0, 1], [1, 0]])
    log_probs, entropy = MultiCategorical([2, 3]).evaluate(logits, actions)
    first = distributions.Categorical(logits=logits[:, :2])
    second = distributions.Categorical(logits=logits[:, 2:])
    expected = first.log_prob(actions[:, 0]) + second.log_prob(actions[:, 1])
    torch.testing.assert_close(log_probs, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(entropy, first.entropy() + second.entropy(), rtol=0, atol=1e-12)


def test_bernoulli_agrees_with_torch() -> None:
    logits = parameters(3)
    actions = torch.tensor([[0, 1, 1]] * 6)
    log_probs, entropy = Bernoulli(3).evaluate(logits, actions)
    oracle = distributions.Bernoulli(logits=logits)
    torch.testing.assert_close(
        log_probs, oracle.log_prob(actions.double()).sum(1), rtol=0, atol=1e-12
    )
    torch.testing.assert_close(entropy, oracle.entropy().sum(1), rtol=0, atol=1e-12)


def test_gaussian_agrees_with_torch() -> None:
    values = parameters(4)
    actions = parameters(2) * 3
    log_probs, entropy = DiagonalGaussian(LOW, HIGH).evaluate(values, actions)
    oracle = distributions.Normal(values[:, :2], values[:, 2:].exp())
    torch.testing.assert_close(log_probs, oracle.log_prob(actions).sum(1), rtol=0, atol=1e-12)
    torch.testing.assert_close(entropy, oracle.entropy().sum(1), rtol=0, atol=1e-12)


def test_draws_follow_the_probabilities() -> None:
    # Five standard errors of a frequency: 5 · sqrt(0.25 / 20,000) = 0.018
    logits = torch.tensor([[0.0, 1.0, -1.0]])
    frequency = torch.bincount(drawn(Categorical(3), logits), minlength=3) / DRAWS
    torch.testing.assert_close(frequency, torch.softmax(logits, 1)[0], rtol=0, atol=0.018)
    yes = drawn(Bernoulli(2), torch.tensor([[2.0, -1.0]])).double().mean(0)
    expected = torch.sigmoid(torch.tensor([2.0, -1.0], dtype=torch.float64))
    torch.testing.assert_close(yes, expected, rtol=0, atol=0.018)


def test_gaussian_draws_have_the_mean_and_the_spread() -> None:
    # std = e^0.5 = 1.6487; five standard errors of the mean: 5 · 1.65 / sqrt(20,000) = 0.058
    actions = drawn(DiagonalGaussian(LOW, HIGH), torch.tensor([[1.0, -2.0, 0.5, 0.5]]))
    assert actions.mean(0).tolist() == pytest.approx([1.0, -2.0], abs=0.058)
    assert actions.std(0).tolist() == pytest.approx([1.6487] * 2, abs=0.058)


def test_only_the_environment_s_copy_is_clipped() -> None:
    gaussian = DiagonalGaussian(LOW, HIGH)
    stored = np.array([[5.0, -5.0], [0.5, 0.5]], np.float32)
    assert gaussian.to_environment(stored).tolist() == [[1.0, -2.0], [0.5, 0.5]]
    assert stored[0].tolist() == [5.0, -5.0]


def test_the_mode_is_the_most_likely_action() -> None:
    logits = torch.tensor([[0.1, 2.0, -1.0, 0.0, 3.0]])
    assert Categorical(5).mode(logits).tolist() == [4]
    assert MultiCategorical([2, 3]).mode(logits).tolist() == [[1, 2]]
    assert Bernoulli(5).mode(logits).tolist() == [[1, 1, 0, 0, 1]]
    assert DiagonalGaussian(LOW, HIGH).mode(logits[:, :4])[0].tolist() == pytest.approx([0.1, 2.0])


@pytest.mark.parametrize(
    ("space", "kind", "count"),
    [
        (Discrete(3), Categorical, 3),
        (MultiDiscrete([2, 5]), MultiCategorical, 7),
        (MultiBinary(4), Bernoulli, 4),
        (Box(-1, 1, (2, 3)), DiagonalGaussian, 12),
    ],
)
def test_each_kind_of_space_has_its_distribution(space, kind: type, count: int) -> None:  # type: ignore[no-untyped-def]
    distribution = distribution_for("e", space)
    assert isinstance(distribution, kind)
    assert distribution.parameter_count == count
    batch = drawn(distribution, torch.zeros(1, count)).numpy()[:1]
    assert space.contains(distribution.to_environment(batch)[0].astype(space.dtype))


def test_a_discrete_space_that_begins_elsewhere_is_shifted() -> None:
    distribution = distribution_for("e", Discrete(3, start=5))
    assert distribution.to_environment(np.array([0, 2])).tolist() == [5, 7]


def test_a_space_that_nothing_covers_is_named() -> None:
    with pytest.raises(InvalidSettingError, match=r"Text.*no policy here covers"):
        distribution_for("e", Text(5))
