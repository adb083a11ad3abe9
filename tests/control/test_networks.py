from __future__ import annotations

import numpy as np
import pytest
import torch

from ppolab.control.acting import NumpyActor
from ppolab.control.networks import ActorCritic


def model(actions: int = 3) -> ActorCritic:
    torch.manual_seed(1)
    return ActorCritic.small(5, actions, 16)


def test_acting_through_numpy_equals_the_torch_forward_pass() -> None:
    network = model()
    with torch.no_grad():
        network.actor.output.weight.mul_(100)  # far from uniform
    observations = torch.randn(64, 5)
    actor = NumpyActor(network, np.random.default_rng(1))
    actions, log_probs, values = actor.act(observations.numpy())
    with torch.no_grad():
        expected, _, expected_values = network.evaluate(observations, torch.from_numpy(actions))
    np.testing.assert_allclose(log_probs, expected.numpy(), atol=2e-6)
    np.testing.assert_allclose(values, expected_values.numpy(), atol=2e-6)


def test_an_update_of_the_weights_is_seen_at_once() -> None:
    network = model()
    actor = NumpyActor(network, np.random.default_rng(1))
    with torch.no_grad():
        network.critic.output.bias.fill_(3.0)
        network.critic.output.weight.zero_()
    assert actor.values(np.ones((2, 5), np.float32)).tolist() == [3.0, 3.0]


def test_sampled_actions_follow_the_probabilities() -> None:
    network = model()
    probabilities = np.array([0.2, 0.3, 0.5])
    with torch.no_grad():
        network.actor.output.weight.zero_()
        network.actor.output.bias.copy_(torch.from_numpy(np.log(probabilities)))
    actor = NumpyActor(network, np.random.default_rng(7))
    count = 30_000
    actions, log_probs, _ = actor.act(np.zeros((count, 5), np.float32))
    observed = np.bincount(actions, minlength=3)
    expected = count * probabilities
    chi_square = float(((observed - expected) ** 2 / expected).sum())
    assert chi_square < 13.8  # two degrees of freedom, one in a thousand
    np.testing.assert_allclose(np.exp(log_probs), probabilities[actions], atol=1e-6)


def test_an_action_that_is_almost_impossible_is_never_drawn() -> None:
    network = model(2)
    with torch.no_grad():
        network.actor.output.weight.zero_()
        network.actor.output.bias.copy_(torch.tensor([200.0, -200.0]))
    actor = NumpyActor(network, np.random.default_rng(7))
    actions, log_probs, _ = actor.act(np.zeros((1000, 5), np.float32))
    assert not actions.any()
    assert not log_probs.any()  # log 1 = 0, and no overflow


def test_entropy_and_log_probabilities_of_a_known_policy() -> None:
    network = model(2)
    with torch.no_grad():
        network.actor.output.weight.zero_()
        network.actor.output.bias.copy_(torch.tensor([0.25, 0.75]).log())
        log_probs, entropy, _ = network.evaluate(torch.zeros(2, 5), torch.tensor([0, 1]))
    assert log_probs.exp().tolist() == pytest.approx([0.25, 0.75])
    # −(0.25 ln 0.25 + 0.75 ln 0.75) = 0.562335
    assert entropy.tolist() == pytest.approx([0.562335, 0.562335], abs=1e-6)


def test_first_policy_is_nearly_uniform_and_weights_are_orthogonal() -> None:
    network = model()
    with torch.no_grad():
        log_probs, _, _ = network.evaluate(torch.randn(20, 5), torch.zeros(20, dtype=torch.long))
        first = network.actor.first.weight  # [16, 5]: orthogonal columns of length √2
        second = network.critic.second.weight  # [16, 16]
    assert log_probs.exp().tolist() == pytest.approx([1 / 3] * 20, abs=0.02)
    torch.testing.assert_close(first.T @ first, 2 * torch.eye(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(second.T @ second, 2 * torch.eye(16), atol=1e-5, rtol=0)
    assert not network.actor.first.bias.any()
