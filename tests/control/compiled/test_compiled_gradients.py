"""The compiled gradient against torch autograd in double precision."""

from __future__ import annotations

import pytest
import torch
from compiled_cases import (
    Side,
    in_double,
    made_up_rollout,
    numbers,
    relative_error,
    rollout_near,
    settings,
)
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ppolab.algorithms.advantages import generalized_advantages, normalize
from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.algorithms.value_losses import clipped_value_loss, squared_value_loss
from ppolab.control.config import PPOConfig
from ppolab.control.distributions import Categorical, Distribution, MultiCategorical
from ppolab.control.networks import ActorCritic
from ppolab.control.rollout import Rollout

# Sizes that fill tiles and registers exactly, and sizes that fit neither.
FITTING = {"observation": 4, "actions": 2, "steps": 32, "hidden_size": 64}
ODD = {"observation": 3, "actions": 5, "steps": 27, "hidden_size": 23}


def autograd(model: ActorCritic, rollout: Rollout, config: PPOConfig) -> Tensor:
    """The gradient of the whole rollout as one minibatch, in double precision."""
    model = in_double(model)
    rewards, values = rollout.rewards.double(), rollout.values.double()
    advantages = generalized_advantages(
        rewards, values, rollout.dones.double(), rollout.last_values.double(), config.gamma,
        config.gae_lambda,
    )  # fmt: skip
    returns = (advantages + values).flatten()
    flat = advantages.flatten()
    log_probs, entropy, new_values = model.evaluate(
        rollout.observations.double().flatten(0, 1), rollout.actions.flatten(0, 1),
        None if rollout.masks is None else rollout.masks.flatten(0, 1),
    )  # fmt: skip
    policy = clipped_policy_loss(
        log_probs, rollout.log_probs.double().flatten(),
        normalize(flat) if config.normalize_advantages else flat, config.clip_range,
    )  # fmt: skip
    if config.value_clip_range is None:
        value_loss = squared_value_loss(new_values, returns)
    else:
        value_loss = clipped_value_loss(
            new_values, values.flatten(), returns, config.value_clip_range
        )
    loss = policy.loss - config.entropy_coef * entropy.mean() + config.value_coef * value_loss
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([gradient.flatten() for gradient in gradients])


def compiled_gradient(side: Side, rollout: Rollout, config: PPOConfig) -> Tensor:
    side.backend(config).update(rollout, config, 0.0, side.generator)
    return side.parameters.gradient


@pytest.mark.parametrize("sizes", [FITTING, ODD], ids=["fitting sizes", "odd sizes"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"value_clip_range": 0.2},
        {"normalize_advantages": False},
        {"entropy_coef": 0.0},
        {"clip_range": 0.02, "value_coef": 2.0},
    ],
    ids=["plain", "clipped values", "raw advantages", "no bonus", "tight clip"],
)
def test_the_gradient_is_that_of_autograd(
    sizes: dict[str, int], changes: dict[str, object]
) -> None:
    samples = sizes["steps"] * 4
    config = settings(
        rollout_steps=sizes["steps"], minibatch_size=samples, epochs=1, max_gradient_norm=1e9,
        hidden_size=sizes["hidden_size"], **changes,
    )  # fmt: skip
    side = Side.begin(config, sizes["observation"], sizes["actions"])
    rollout = made_up_rollout(sizes["steps"], 4, sizes["observation"], sizes["actions"])
    expected = autograd(side.model, rollout, config)

    measured = compiled_gradient(side, rollout, config)

    assert relative_error(measured, expected) < 1e-6
    # Each weight of each layer, not only the long ones that rule the norm.
    assert torch.allclose(measured.double(), expected, rtol=1e-4, atol=1e-6 * expected.norm())


@st.composite
def distributions(draw: st.DrawFn) -> tuple[Distribution, bool]:
    """One of the three kinds of policy, and whether some of its choices are forbidden."""
    kind = draw(st.sampled_from(["choice", "choices", "numbers"]))
    if kind == "numbers":
        return numbers(draw(st.integers(1, 18))), False
    masked = draw(st.booleans())
    if kind == "choice":
        return Categorical(draw(st.integers(2, 18))), masked
    return MultiCategorical(draw(st.lists(st.integers(2, 6), min_size=1, max_size=4))), masked


@given(
    policy=distributions(),
    observation=st.integers(1, 40),
    hidden_size=st.integers(1, 70),
    steps=st.integers(1, 80),  # the second thread helps from 64 on
    value_clip_range=st.sampled_from([None, 0.2]),
    threads=st.sampled_from([1, 2]),
)
def test_the_gradient_is_that_of_autograd_for_every_policy_and_shape(
    policy: tuple[Distribution, bool],
    observation: int,
    hidden_size: int,
    steps: int,
    value_clip_range: float | None,
    threads: int,
) -> None:
    distribution, masked = policy
    config = settings(
        rollout_steps=steps, minibatch_size=steps * 4, epochs=1, max_gradient_norm=1e9,
        hidden_size=hidden_size, value_clip_range=value_clip_range,
    )  # fmt: skip
    side = Side.begin(config, observation, distribution)
    rollout = rollout_near(side.model, steps, 4, masked)
    expected = autograd(side.model, rollout, config)

    side.backend(config, threads).update(rollout, config, 0.0, side.generator)

    assert relative_error(side.parameters.gradient, expected) < 1e-6


def test_the_gradient_of_each_log_std_is_that_of_autograd() -> None:
    """They are few, and would not show in the length of the whole gradient."""
    config = settings(rollout_steps=64, minibatch_size=256, epochs=1, max_gradient_norm=1e9)
    side = Side.begin(config, 11, numbers(6))
    rollout = rollout_near(side.model, 64)
    expected = autograd(side.model, rollout, config)[:6]

    measured = compiled_gradient(side, rollout, config)[:6]

    assert relative_error(measured, expected) < 1e-6
    assert side.model.log_std.grad.tolist() == measured.tolist()


def test_parameters_and_their_padding_stay_apart() -> None:
    """Odd sizes leave padding in every row; none of it may leak into what is learned."""
    config = settings(rollout_steps=27, minibatch_size=108, epochs=1, hidden_size=23)
    side = Side.begin(config, 3, 5)
    before = side.vector.clone()
    side.compiled_update(made_up_rollout(27, 4, 3, 5), config)
    moved = side.vector - before
    assert bool((moved != 0).all())
    assert float(moved.abs().max()) <= config.learning_rate * 1.01  # Adam's first step is ±η
