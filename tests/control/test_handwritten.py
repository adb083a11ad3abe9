"""The gradient derived on paper against autograd, and against nudging each weight."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ppolab.algorithms.advantages import normalize
from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.algorithms.value_losses import clipped_value_loss, squared_value_loss
from ppolab.control.config import PPOConfig
from ppolab.control.handwritten import (
    Minibatch,
    Network,
    adam,
    minibatch_gradient,
    shorten,
)
from ppolab.control.networks import ActorCritic
from ppolab.control.parameters import FlatParameters

SAMPLES, OBSERVATION, ACTIONS, HIDDEN = 40, 3, 4, 7


def made_up(dtype: type[np.floating]) -> tuple[ActorCritic, Minibatch]:
    torch.manual_seed(0)
    model = ActorCritic.small(OBSERVATION, ACTIONS, HIDDEN)
    with torch.no_grad():
        model.actor.output.weight.mul_(100.0)
    generator = np.random.default_rng(1)

    def normal(*shape: int) -> NDArray[np.floating]:
        return generator.normal(size=shape).astype(dtype)

    batch = Minibatch(
        observations=normal(SAMPLES, OBSERVATION),
        actions=generator.integers(0, ACTIONS, SAMPLES),
        log_probs=-generator.uniform(0.5, 2.5, SAMPLES).astype(dtype),
        values=normal(SAMPLES),
        advantages=normal(SAMPLES),
        returns=normal(SAMPLES),
    )
    return (model.double() if dtype is np.float64 else model), batch


def loss_of(model: ActorCritic, batch: Minibatch, config: PPOConfig) -> torch.Tensor:
    tensors = {
        field.name: torch.from_numpy(getattr(batch, field.name))
        for field in dataclasses.fields(batch)
    }
    log_probs, entropy, values = model.evaluate(tensors["observations"], tensors["actions"])
    advantages = tensors["advantages"]
    if config.normalize_advantages:
        advantages = normalize(advantages)
    policy = clipped_policy_loss(log_probs, tensors["log_probs"], advantages, config.clip_range)
    value_loss = (
        squared_value_loss(values, tensors["returns"])
        if config.value_clip_range is None
        else clipped_value_loss(
            values, tensors["values"], tensors["returns"], config.value_clip_range
        )
    )
    return policy.loss - config.entropy_coef * entropy.mean() + config.value_coef * value_loss


@pytest.mark.parametrize("value_clip_range", [None, 0.3])
@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_every_gradient_is_that_of_autograd(
    dtype: type[np.floating], tolerance: float, normalized: bool, value_clip_range: float | None
) -> None:
    config = PPOConfig(
        normalize_advantages=normalized, value_clip_range=value_clip_range, entropy_coef=0.05
    )
    model, batch = made_up(dtype)
    expected = torch.autograd.grad(loss_of(model, batch, config), list(model.parameters()))
    ours = minibatch_gradient(Network.of(model.actor), Network.of(model.critic), batch, config)
    clipped = np.abs(ours.ratios - 1.0) > config.clip_range
    assert 0.2 < clipped.mean() < 0.95  # both branches of the clip are met
    for measured, reference in zip((*ours.actor, *ours.critic), expected, strict=True):
        assert measured.dtype == dtype
        length = float(reference.norm())
        assert np.linalg.norm(measured - reference.numpy()) < tolerance * length
    whole = (
        ours.policy_loss - config.entropy_coef * ours.entropy + config.value_coef * ours.value_loss
    )
    assert whole == pytest.approx(float(loss_of(model, batch, config).detach()), rel=1e-5)


def test_nudging_a_weight_changes_the_loss_as_its_gradient_says() -> None:
    """Needs no autograd: (L(w + h) − L(w − h)) / 2h for each of the 144 weights."""
    config = PPOConfig(value_clip_range=0.3, entropy_coef=0.05)
    model, batch = made_up(np.float64)
    actor, critic = Network.of(model.actor), Network.of(model.critic)

    def loss() -> float:
        result = minibatch_gradient(actor, critic, batch, config)
        return (
            result.policy_loss
            - config.entropy_coef * result.entropy
            + config.value_coef * result.value_loss
        )

    gradient = minibatch_gradient(actor, critic, batch, config)
    nudge = 1e-6
    for weights, slopes in zip((*actor, *critic), (*gradient.actor, *gradient.critic), strict=True):
        for place in np.ndindex(weights.shape):
            before = weights[place]
            weights[place] = before + nudge
            above = loss()
            weights[place] = before - nudge
            below = loss()
            weights[place] = before
            assert (above - below) / (2 * nudge) == pytest.approx(slopes[place], abs=1e-8)


def test_a_gradient_is_shortened_as_torch_does() -> None:
    gradient = np.array([3.0, -4.0])
    assert shorten(gradient, 0.5) == 5.0
    assert gradient == pytest.approx([0.3, -0.4], rel=1e-6)
    short = np.array([0.3, 0.0])
    assert shorten(short, 0.5) == pytest.approx(0.3)
    assert short.tolist() == [0.3, 0.0]


def test_steps_are_adams() -> None:
    generator = np.random.default_rng(3)
    weights = generator.normal(size=6)
    parameter = torch.nn.Parameter(torch.from_numpy(weights.copy()))
    optimizer = torch.optim.Adam([parameter], lr=0.01, eps=1e-5)
    mean, square = np.zeros(6), np.zeros(6)
    for step in range(1, 20):
        gradient = generator.normal(size=6)
        parameter.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        adam(weights, gradient, mean, square, step, 0.01, 1e-5)
    assert weights == pytest.approx(parameter.detach().numpy(), rel=1e-12)


def test_weights_are_shared_with_the_module() -> None:
    model = ActorCritic.small(OBSERVATION, ACTIONS, HIDDEN)
    FlatParameters(model)
    Network.of(model.actor).first[0, 0] = 42.0
    assert model.actor.first.weight[0, 0].item() == 42.0
