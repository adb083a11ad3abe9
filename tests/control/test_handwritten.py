"""The gradient derived on paper against autograd, and against nudging each weight."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray

from ppolab.algorithms.advantages import normalize
from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.algorithms.value_losses import clipped_value_loss, squared_value_loss
from ppolab.control.config import PPOConfig
from ppolab.control.distributions import DiagonalGaussian
from ppolab.control.handwritten import (
    Gradient,
    Minibatch,
    Network,
    adam,
    minibatch_gradient,
    normal_slopes,
    shorten,
)
from ppolab.control.networks import ActorCritic
from ppolab.control.observations import ObservationLayout
from ppolab.control.parameters import FlatParameters

SAMPLES, OBSERVATION, ACTIONS, HIDDEN = 40, 3, 4, 7
KINDS = ("choices", "allowed choices", "numbers")


def made_up(
    dtype: type[np.floating], kind: str = "choices", seed: int = 0
) -> tuple[ActorCritic, Minibatch]:
    torch.manual_seed(seed)
    model = ActorCritic.small(OBSERVATION, ACTIONS, HIDDEN)
    if kind == "numbers":
        high = np.ones(ACTIONS, np.float32)
        space = Box(-np.inf, np.inf, (OBSERVATION,), np.float32)
        layout = ObservationLayout("none", space)
        model = ActorCritic(layout, DiagonalGaussian(-high, high), HIDDEN)
    with torch.no_grad():
        model.actor.output.weight.mul_(100.0)
        if model.log_std is not None:
            model.log_std.uniform_(-1.0, 0.5)
    generator = np.random.default_rng(seed + 1)

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
    if kind == "allowed choices":
        masks = generator.random((SAMPLES, ACTIONS)) < 0.5
        masks[np.arange(SAMPLES), batch.actions] = True
        batch = dataclasses.replace(batch, masks=masks)
    if kind == "numbers":
        actions = normal(SAMPLES, ACTIONS)
        with torch.no_grad():
            log_probs, _, _ = model.evaluate(
                *(torch.from_numpy(x.astype(np.float32)) for x in (batch.observations, actions))
            )
        near = (log_probs.numpy() + 0.5 * normal(SAMPLES)).astype(dtype)
        batch = dataclasses.replace(batch, actions=actions, log_probs=near)
    return (model.double() if dtype is np.float64 else model), batch


def gradient_of(model: ActorCritic, batch: Minibatch, config: PPOConfig) -> Gradient:
    log_std = None if model.log_std is None else model.log_std.detach().numpy()
    actor, critic = Network.of(model.actor), Network.of(model.critic)
    return minibatch_gradient(actor, critic, batch, config, log_std)


def loss_of(model: ActorCritic, batch: Minibatch, config: PPOConfig) -> torch.Tensor:
    tensors = {
        field.name: torch.from_numpy(getattr(batch, field.name))
        for field in dataclasses.fields(batch)
        if getattr(batch, field.name) is not None
    }
    log_probs, entropy, values = model.evaluate(
        tensors["observations"], tensors["actions"], tensors.get("masks")
    )
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
@pytest.mark.parametrize("kind", KINDS)
def test_every_gradient_is_that_of_autograd(
    kind: str,
    dtype: type[np.floating],
    tolerance: float,
    normalized: bool,
    value_clip_range: float | None,
) -> None:
    config = PPOConfig(
        normalize_advantages=normalized, value_clip_range=value_clip_range, entropy_coef=0.05
    )
    model, batch = made_up(dtype, kind)
    expected = torch.autograd.grad(loss_of(model, batch, config), list(model.parameters()))
    ours = gradient_of(model, batch, config)
    clipped = np.abs(ours.ratios - 1.0) > config.clip_range
    assert 0.2 < clipped.mean() < 0.95  # both branches of the clip are met
    first = () if ours.log_std is None else (ours.log_std,)
    for measured, reference in zip((*first, *ours.actor, *ours.critic), expected, strict=True):
        assert measured.dtype == dtype
        length = float(reference.norm())
        assert np.linalg.norm(measured - reference.numpy()) < tolerance * length
    whole = (
        ours.policy_loss - config.entropy_coef * ours.entropy + config.value_coef * ours.value_loss
    )
    assert whole == pytest.approx(float(loss_of(model, batch, config).detach()), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_nudging_a_weight_changes_the_loss_as_its_gradient_says(kind: str) -> None:
    """Needs no autograd: (L(w + h) − L(w − h)) / 2h for each of the 150 weights or so."""
    config = PPOConfig(value_clip_range=0.3, entropy_coef=0.05)
    model, batch = made_up(np.float64, kind)
    actor, critic = Network.of(model.actor), Network.of(model.critic)
    log_std = None if model.log_std is None else model.log_std.detach().numpy()

    def loss() -> float:
        result = minibatch_gradient(actor, critic, batch, config, log_std)
        return (
            result.policy_loss
            - config.entropy_coef * result.entropy
            + config.value_coef * result.value_loss
        )

    gradient = minibatch_gradient(actor, critic, batch, config, log_std)
    nudge = 1e-6
    pairs = list(zip((*actor, *critic), (*gradient.actor, *gradient.critic), strict=True))
    if log_std is not None:
        pairs.append((log_std, gradient.log_std))
    for weights, slopes in pairs:
        for place in np.ndindex(weights.shape):
            before = weights[place]
            weights[place] = before + nudge
            above = loss()
            weights[place] = before - nudge
            below = loss()
            weights[place] = before
            assert (above - below) / (2 * nudge) == pytest.approx(slopes[place], abs=1e-8)


def test_a_good_number_further_out_than_one_deviation_widens_the_policy() -> None:
    """By hand: μ = 0, σ = 2, r = 1, so g = −A / batch; ∂/∂μ = g z/σ and ∂/∂log σ = g (z² − 1)."""
    means, log_std = np.zeros((2, 1)), np.array([np.log(2.0)])
    actions, advantages = np.array([[4.0], [1.0]]), np.array([3.0, 5.0])  # z = 2 and 0.5
    z = actions[:, 0] / 2.0
    old = -0.5 * z**2 - np.log(2.0) - 0.5 * np.log(2.0 * np.pi)
    slopes = normal_slopes(means, log_std, actions, old, advantages, 0.2, entropy_coef=0.1)
    assert slopes.ratios == pytest.approx([1.0, 1.0])
    assert slopes.output[:, 0] == pytest.approx([-1.5 * 2.0 / 2.0, -2.5 * 0.5 / 2.0])
    assert slopes.log_std == pytest.approx([-1.5 * 3.0 + 2.5 * 0.75 - 0.1])
    assert slopes.entropy == pytest.approx(0.5 * np.log(2.0 * np.pi * np.e * 4.0))


def test_nothing_is_learned_about_a_forbidden_choice() -> None:
    model, batch = made_up(np.float64, "allowed choices")
    slopes = gradient_of(model, batch, PPOConfig(entropy_coef=0.05)).actor.output_bias
    assert batch.masks is not None
    only = dataclasses.replace(batch, masks=np.eye(ACTIONS, dtype=bool)[batch.actions])
    assert np.abs(slopes).min() > 0
    unmoved = gradient_of(model, only, PPOConfig(entropy_coef=0.05)).actor
    assert [float(np.abs(part).max()) for part in unmoved] == [0.0] * 6


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
