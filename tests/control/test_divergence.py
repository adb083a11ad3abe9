"""Where a number that is not finite arose is named, in either back end."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from notebook import Notebook
from torch import Tensor

from ppolab.algorithms import policy_losses
from ppolab.algorithms.policy_losses import PolicyLoss, clipped_policy_loss
from ppolab.algorithms.value_losses import squared_value_loss
from ppolab.control.config import PPOConfig
from ppolab.control.divergence import TrainingDivergedError
from ppolab.control.trainer import PPOTrainer
from ppolab.control.update import Parts

BOTH = pytest.mark.parametrize("backend", ["torch", "compiled"])


def small(environment: str = "ProbeEndless-v0", **changes: Any) -> PPOConfig:
    return PPOConfig.from_mapping(
        {"environment": environment, "total_steps": 512, "environments": 2, "rollout_steps": 64,
         "minibatch_size": 32, "epochs": 3, "learning_rate": 0.003, "hidden_size": 8, **changes}
    )  # fmt: skip


def diverge(
    trainer: PPOTrainer, poison: Any = None
) -> tuple[TrainingDivergedError, dict[str, Any]]:
    """Iterate until it ends badly; `poison` is called between rollout and update."""
    notebook = Notebook()
    trainer.recorder = notebook
    if poison is not None:
        collect = trainer.backend.collect

        def poisoned(*arguments: Any) -> Any:
            ended = collect(*arguments)
            poison(trainer)
            return ended

        trainer.backend.collect = poisoned  # type: ignore[method-assign]

    def train() -> None:
        while not trainer.finished:
            trainer.iterate()

    with pytest.raises(TrainingDivergedError) as caught:
        train()
    kind, evidence = notebook.alerts[-1]
    assert kind == "non-finite"
    assert evidence["try"] == caught.value.mend
    assert evidence["found"] in caught.value.problem
    return caught.value, dict(evidence)


@BOTH
def test_a_reward_is_named_with_its_step_and_copy(backend: str) -> None:
    trainer = PPOTrainer(small("ProbeNotANumber-v0", backend=backend))
    error, evidence = diverge(trainer)  # the seventieth reward of every copy
    assert evidence["where"] == "rewards"
    assert "the reward was nan, at step 6 of the rollout in copy 1" in str(error)
    assert "Mend the environment's rewards" in error.mend
    assert "epoch" not in evidence


@BOTH
def test_an_observation_goes_before_what_it_spoils(backend: str) -> None:
    def poison(trainer: PPOTrainer) -> None:
        trainer.rollout.observations[9, 1, 0] = math.inf
        trainer.rollout.values[9:, 1] = math.nan
        trainer.rollout.log_probs[9, 1] = math.nan
        trainer.rollout.rewards[9, 0] = math.nan

    error, evidence = diverge(PPOTrainer(small(backend=backend)), poison)
    assert evidence["where"] == "observations"
    assert "an observation was not, at step 10 of the rollout in copy 2" in str(error)


def test_of_several_the_earliest_step_is_named() -> None:
    def poison(trainer: PPOTrainer) -> None:
        trainer.rollout.observations[9, 1, 0] = math.inf
        trainer.rollout.rewards[3, 0] = math.nan

    error, evidence = diverge(PPOTrainer(small(backend="torch")), poison)
    assert evidence["where"] == "rewards"
    assert "at step 4 of the rollout in copy 1" in str(error)


@BOTH
def test_a_layer_that_overflows_while_acting_is_named(backend: str) -> None:
    trainer = PPOTrainer(small("CartPole-v1", backend=backend))
    with torch.no_grad():
        dict(trainer.model.named_parameters())["critic.output.weight"].fill_(3e38)
    error, evidence = diverge(trainer)
    assert evidence["where"] == "critic.output"
    assert "the output of critic.output was not, at step" in str(error)


@BOTH
def test_a_layer_that_overflows_in_the_update_is_named_with_epoch_and_minibatch(
    backend: str,
) -> None:
    """After the first step weights are near ±3e37: 64 add up to more than float32 holds."""
    trainer = PPOTrainer(small("CartPole-v1", backend=backend, learning_rate=3e37, hidden_size=64))
    error, evidence = diverge(trainer)
    assert evidence["where"] == "actor.output"
    assert (evidence["epoch"], evidence["minibatch"]) == (1, 2)
    assert "the output of actor.output was not (epoch 1, minibatch 2)" in str(error)


@BOTH
def test_a_step_out_of_range_is_named_by_its_parameter(backend: str) -> None:
    error, evidence = diverge(PPOTrainer(small("CartPole-v1", backend=backend, learning_rate=1e38)))
    assert evidence["where"] == "actor.first.weight"
    assert (evidence["epoch"], evidence["minibatch"]) == (1, 1)
    assert error.mend == "Lower learning_rate"


def test_weights_that_were_not_finite_before_are_named() -> None:
    trainer = PPOTrainer(small("CartPole-v1", backend="torch"))
    with torch.no_grad():
        dict(trainer.model.named_parameters())["critic.first.bias"][3] = math.inf
    _, evidence = diverge(trainer)
    assert evidence["where"] == "critic.first.bias"
    assert "before this update began" in evidence["found"]


def counting_loss(broken_at: int, spoil: Any) -> Any:
    calls = 0

    def loss(*arguments: Any) -> PolicyLoss:
        nonlocal calls
        calls += 1
        result = clipped_policy_loss(*arguments)
        # Twice as many calls: once in the update, once when it is taken again.
        return spoil(result, arguments) if calls % 12 == broken_at else result

    return loss


def test_a_poisoned_policy_loss_is_named_with_epoch_and_minibatch() -> None:
    """12 minibatches an update: the sixth is the second of the second epoch."""

    def spoil(result: PolicyLoss, arguments: Any) -> PolicyLoss:
        return result._replace(loss=result.loss * math.nan)

    parts = Parts(policy_loss=counting_loss(6, spoil))
    error, evidence = diverge(PPOTrainer(small("CartPole-v1"), parts=parts))
    assert evidence["where"] == "policy_loss"
    assert (evidence["epoch"], evidence["minibatch"]) == (2, 2)
    assert "(epoch 2, minibatch 2)" in str(error)


def test_the_update_is_taken_again_with_the_same_minibatches() -> None:
    """A loss that breaks on one sample, wherever the order of chance puts it."""
    places: list[int] = []
    calls = 0

    def loss(*arguments: Any) -> PolicyLoss:
        nonlocal calls
        result = clipped_policy_loss(*arguments)
        calls += 1
        if (arguments[1] == -12.5).any():
            places.append(calls)
            return result._replace(loss=result.loss * math.nan)
        return result

    def poison(trainer: PPOTrainer) -> None:
        trainer.rollout.log_probs[7, 1] = -12.5

    trainer = PPOTrainer(small("CartPole-v1", minibatch_size=4), parts=Parts(policy_loss=loss))
    _, evidence = diverge(trainer, poison)
    assert evidence["where"] == "policy_loss"
    assert (evidence["epoch"], evidence["minibatch"]) == (1, places[0])
    assert places[0] > 1


@BOTH
def test_the_update_is_taken_again_with_what_adam_remembered(backend: str) -> None:
    trainer = PPOTrainer(small("CartPole-v1", backend=backend))
    trainer.iterate()
    trainer.optimizer.mean[3] = 1e37  # over a square of nearly nothing
    trainer.optimizer.square[3] = 0.0
    _, evidence = diverge(trainer)
    assert evidence["where"] in ("actor.first.weight", "actor.first")


def test_a_loss_that_is_finite_and_whose_slope_is_not_is_named_by_the_gradient() -> None:
    def spoil(result: PolicyLoss, arguments: Any) -> PolicyLoss:
        log_probs: Tensor = arguments[0]
        rootless = (log_probs - log_probs.detach()).abs().sqrt().sum()  # 0, with slope 0/0
        return result._replace(loss=result.loss + rootless)

    parts = Parts(policy_loss=counting_loss(1, spoil))
    error, evidence = diverge(PPOTrainer(small("CartPole-v1"), parts=parts))
    assert evidence["where"] == "gradient of actor.output.bias"
    assert (evidence["epoch"], evidence["minibatch"]) == (1, 1)
    assert "the losses were finite, yet the gradient" in str(error)


@BOTH
def test_returns_whose_squares_overflow_are_named_by_the_value_loss(backend: str) -> None:
    def poison(trainer: PPOTrainer) -> None:
        trainer.rollout.rewards[-1] = 1e25

    _, evidence = diverge(PPOTrainer(small(backend=backend)), poison)
    assert evidence["where"] == "value_loss"
    assert "epoch" in evidence


def test_advantages_are_named_where_a_sum_of_rewards_overflows() -> None:
    def poison(trainer: PPOTrainer) -> None:
        trainer.rollout.rewards[:] = 3e38
        trainer.rollout.dones[:] = 0.0

    error, evidence = diverge(PPOTrainer(small(backend="torch")), poison)
    assert evidence["where"] == "advantages"
    assert "epoch" not in evidence
    assert "normalize_rewards" in error.mend


def test_a_ratio_that_overflows_is_named() -> None:
    def poison(trainer: PPOTrainer) -> None:
        trainer.rollout.log_probs[:] = -200.0

    trainer = PPOTrainer(small("CartPole-v1", policy_loss="unclipped"))
    error, evidence = diverge(trainer, poison)
    assert evidence["where"] == "policy_loss"
    assert "for a ratio overflowed" in str(error)


def test_squares_of_a_gradient_that_overflow_are_named() -> None:
    def steep(*arguments: Any) -> PolicyLoss:
        result = policy_losses.policy_gradient_loss(*arguments)
        return result._replace(loss=result.loss * 1e25)

    trainer = PPOTrainer(small("CartPole-v1"), parts=Parts(policy_loss=steep))
    error, evidence = diverge(trainer)
    assert evidence["where"] == "gradient_norm"
    assert error.value == math.inf


def test_the_error_leaves_no_trace_in_the_model_of_being_looked_into() -> None:
    """What is found is found on a copy: the weights stay as the update left them."""
    trainer = PPOTrainer(small("ProbeNotANumber-v0", backend="torch"))
    trainer.iterate()
    names = list(dict(trainer.model.named_parameters()))
    steps = trainer.optimizer.steps
    with pytest.raises(TrainingDivergedError):
        trainer.iterate()
    assert trainer.optimizer.steps == 2 * steps
    assert list(dict(trainer.model.named_parameters())) == names
    assert torch.isnan(trainer.parameters.vector).any()
    first = next(trainer.model.parameters())
    assert first.data_ptr() == trainer.parameters.vector.data_ptr()  # still one memory


def test_a_value_loss_of_ones_own_is_a_part_too() -> None:
    def halved(values: Tensor, old: Tensor, returns: Tensor, clip: float | None) -> Tensor:
        return 0.5 * squared_value_loss(values, returns)

    own = PPOTrainer(small("CartPole-v1"), parts=Parts(value_loss=halved))
    usual = PPOTrainer(small("CartPole-v1", backend="torch"))
    assert own.backend.name == "torch"
    assert own.iterate()["value_loss"] < 0.6 * usual.iterate()["value_loss"]
