"""A whole compiled update against the readable one."""

from __future__ import annotations

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from compiled_cases import (
    Side,
    made_up_rollout,
    numbers,
    relative_error,
    rollout_near,
    settings,
)
from gymnasium.spaces import Box

from ppolab.control.compiled import supports
from ppolab.control.compiled.backend import SMALLEST_SHARED_MINIBATCH
from ppolab.control.distributions import Bernoulli, Distribution, MultiCategorical
from ppolab.control.networks import ActorCritic
from ppolab.control.observations import ObservationLayout
from ppolab.control.update import Parts


def two_sides(config: object) -> tuple[Side, Side]:
    return Side.begin(config), Side.begin(config)


@pytest.mark.parametrize("value_clip_range", [None, 0.2])
def test_forty_minibatches_lead_to_the_same_parameters(value_clip_range: float | None) -> None:
    """Both round to float32 after sums in different orders, an error near 1e-7 per step. Adam
    divides by the gradient's own size, so where a gradient is nearly 0 the error is not: 1e-5 of
    the whole vector's length is what is left after forty steps.
    """
    config = settings(epochs=10, learning_rate=1e-3, value_clip_range=value_clip_range)
    readable, compiled = two_sides(config)
    start = readable.vector.clone()
    expected, expected_returns = readable.torch_update(made_up_rollout(), config)
    measured, returns = compiled.compiled_update(made_up_rollout(), config)

    assert relative_error(compiled.vector, readable.vector) < 1e-5
    # The step itself, which is 1/40 of the weights: the same to three digits.
    assert relative_error(compiled.vector - start, readable.vector - start) < 1e-3
    assert torch.allclose(returns, expected_returns, rtol=1e-6, atol=1e-6)
    for name in ("policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction",
                 "gradient_norm", "ratio_min", "ratio_max"):  # fmt: skip
        assert getattr(measured, name) == pytest.approx(getattr(expected, name), rel=1e-3), name
    assert measured.epochs == expected.epochs == 10
    assert measured.ratio_counts.shape == expected.ratio_counts.shape
    # A ratio within rounding of a bin's edge may be counted next door.
    assert int((measured.ratio_counts - expected.ratio_counts).abs().sum()) <= 4


@pytest.mark.parametrize("distribution", [numbers(6), MultiCategorical([3, 2])])
def test_forty_minibatches_of_any_policy_lead_to_the_same_parameters(
    distribution: Distribution,
) -> None:
    config = settings(epochs=10, learning_rate=1e-3)
    readable, compiled = (Side.begin(config, 4, distribution) for _ in range(2))
    masked = isinstance(distribution, MultiCategorical)
    rollout = rollout_near(readable.model, masked=masked)
    start = readable.vector.clone()
    expected, _ = readable.torch_update(rollout, config)
    measured, _ = compiled.compiled_update(rollout, config)

    assert relative_error(compiled.vector, readable.vector) < 1e-5
    assert relative_error(compiled.vector - start, readable.vector - start) < 1e-3
    for name in ("policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction",
                 "gradient_norm", "ratio_min", "ratio_max"):  # fmt: skip
        assert getattr(measured, name) == pytest.approx(getattr(expected, name), rel=1e-3), name


def test_adams_memory_is_the_optimizers_own_and_goes_on_in_either_back_end() -> None:
    config = settings(learning_rate=1e-3)
    readable, compiled = two_sides(config)
    for _ in range(2):
        readable.torch_update(made_up_rollout(), config)
    compiled.compiled_update(made_up_rollout(), config)
    compiled.torch_update(made_up_rollout(), config)

    adam, expected = compiled.optimizer, readable.optimizer
    assert adam.steps == expected.steps == 16
    assert relative_error(adam.mean, expected.mean) < 1e-3
    assert relative_error(adam.square, expected.square) < 1e-3
    assert relative_error(compiled.vector, readable.vector) < 1e-5


def test_a_long_gradient_is_shortened_and_its_length_before_reported() -> None:
    config = settings(epochs=1, minibatch_size=128, max_gradient_norm=0.01, learning_rate=1e-9)
    readable, compiled = two_sides(config)
    expected, _ = readable.torch_update(made_up_rollout(), config)
    measured, _ = compiled.compiled_update(made_up_rollout(), config)
    assert expected.gradient_norm > 0.1
    assert measured.gradient_norm == pytest.approx(expected.gradient_norm, rel=1e-5)
    assert float(compiled.parameters.gradient.norm()) == pytest.approx(0.01, rel=1e-4)


def test_the_kl_stop_takes_the_same_epochs_and_leaves_the_same_chance_behind() -> None:
    config = settings(epochs=10, learning_rate=3e-3, target_kl=0.065)
    readable, compiled = two_sides(config)
    expected, _ = readable.torch_update(made_up_rollout(), config)
    measured, _ = compiled.compiled_update(made_up_rollout(), config)
    assert expected.epochs == 2  # of divergences 0.060, 0.070
    assert measured.epochs == expected.epochs
    assert measured.ratio_counts.shape[1] == expected.epochs
    assert int(measured.ratio_counts.sum()) == expected.epochs * 128
    assert torch.equal(compiled.generator.get_state(), readable.generator.get_state())
    assert compiled.optimizer.steps == 4 * expected.epochs


def test_two_updates_of_the_same_beginning_have_the_same_bits() -> None:
    config = settings(epochs=3)
    first, second = two_sides(config)
    for side in (first, second):
        side.compiled_update(made_up_rollout(), config)
    assert torch.equal(first.vector, second.vector)


def test_going_on_from_a_copy_of_the_torch_objects_has_the_same_bits() -> None:
    """Nothing of the run's state lives in the back end."""
    config = settings(epochs=3)
    straight = Side.begin(config)
    straight.compiled_update(made_up_rollout(seed=1), config)
    resumed = Side.begin(config, seed=99)
    with torch.no_grad():
        resumed.parameters.vector.copy_(straight.parameters.vector)
    adam = straight.optimizer
    resumed.optimizer.restore(adam.mean, adam.square, adam.steps)
    resumed.generator.set_state(straight.generator.get_state())

    for side in (straight, resumed):
        side.compiled_update(made_up_rollout(seed=2), config)
    assert torch.equal(straight.vector, resumed.vector)


def test_two_threads_are_one_thread_to_rounding_and_repeat_themselves_exactly() -> None:
    minibatch = SMALLEST_SHARED_MINIBATCH
    config = settings(rollout_steps=minibatch // 2, minibatch_size=minibatch, epochs=5)
    sides = [Side.begin(config) for _ in range(3)]
    reports = [
        side.compiled_update(made_up_rollout(minibatch // 2), config, threads)[0]
        for side, threads in zip(sides, (1, 2, 2), strict=True)
    ]
    one, two, again = sides
    assert relative_error(two.vector, one.vector) < 1e-6
    assert not torch.equal(two.vector, one.vector)  # halves add up in another order
    assert torch.equal(two.vector, again.vector)
    assert reports[1].value_loss == pytest.approx(reports[0].value_loss, rel=1e-5)
    assert int(reports[1].ratio_counts.sum()) == 5 * 2 * minibatch


def test_a_weight_that_is_not_finite_shows_in_the_report() -> None:
    config = settings(epochs=1)
    side = Side.begin(config)
    with torch.no_grad():
        side.model.critic.first.weight[0, 0] = math.nan
    report, _ = side.compiled_update(made_up_rollout(), config)
    assert math.isnan(report.value_loss)
    assert math.isnan(report.gradient_norm)


# What the kernels take as an argument, what stands outside them, and what they know one value of
# that shows in the model.
SERVED = {
    "environment", "environment_options", "backend", "threads", "seed", "total_steps",
    "environments", "rollout_steps", "epochs", "minibatch_size", "learning_rate",
    "learning_rate_schedule", "gamma", "gae_lambda", "bootstrap_truncation", "shuffle_minibatches",
    "normalize_advantages", "clip_range", "clip_range_schedule", "value_clip_range", "value_coef",
    "entropy_coef", "max_gradient_norm", "monitor_gradients", "target_kl",
    "normalize_observations", "observation_clip", "normalize_rewards", "reward_clip",
    "initialization", "hidden_size", "adam_epsilon", "stop_return",
}  # fmt: skip
OF_THE_MODEL = {
    "activation", "shared_encoder", "shared_layers", "critic", "agent_index", "memory",
    "memory_size",
}  # fmt: skip
REFUSED: dict[str, object] = {
    "policy_loss": "dual_clip", "precision": "bfloat16", "micro_batch_size": 8
}  # fmt: skip
OF_ANOTHER_LOSS = {"clip_range_high", "dual_clip", "kl_penalty_coef", "kl_penalty_target"}


def test_each_setting_is_served_or_refused() -> None:
    """A new setting has no effect in a kernel; this fails until somebody has decided about it."""
    names = {field.name for field in dataclasses.fields(settings())}
    assert names == SERVED | OF_THE_MODEL | OF_ANOTHER_LOSS | REFUSED.keys()
    model = Side.begin(settings()).model
    for name, value in REFUSED.items():
        assert supports(model, settings(**{name: value})) is not None, name


def test_what_it_cannot_train_is_named() -> None:
    config = settings()
    model = Side.begin(config).model
    assert supports(model, config) is None
    assert supports(model, config, Parts()) is None
    assert "Linear" in str(supports(torch.nn.Linear(2, 2), config))
    assert "float64" in str(supports(copy.deepcopy(model).double(), config))
    assert "others were given" in str(supports(model, config, Parts(policy_loss=max)))  # type: ignore[arg-type]

    class Deeper(ActorCritic):
        pass

    assert "Deeper" in str(supports(Deeper.small(4, 2, 8), config))
    rough = dataclasses.replace(config, precision="bfloat16")
    assert "bfloat16" in str(supports(model, rough))
    pieces = dataclasses.replace(config, micro_batch_size=8)
    assert "nothing to cut" in str(supports(model, pieces))
    layout = ObservationLayout("e", Box(-1, 1, (4,), np.float32))
    switches = ActorCritic(layout, Bernoulli(3), 8)
    assert "Bernoulli" in str(supports(switches, config))
    assert supports(ActorCritic(layout, MultiCategorical([2, 2]), 8), config) is None
    assert supports(ActorCritic(layout, numbers(3), 8), config) is None
