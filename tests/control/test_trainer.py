from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from notebook import Notebook

from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.control.config import PPOConfig
from ppolab.control.divergence import TrainingDivergedError
from ppolab.control.metrics import METRICS
from ppolab.control.trainer import PPOTrainer
from ppolab.control.update import Parts
from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.runs.checkpoints import load_newest_checkpoint, save_checkpoint


def small(environment: str = "CartPole-v1", **changes: Any) -> PPOConfig:
    return PPOConfig.from_mapping(
        {"environment": environment, "total_steps": 1024, "environments": 2, "rollout_steps": 64,
         "minibatch_size": 32, "epochs": 2, "learning_rate": 0.003, "hidden_size": 16, **changes}
    )  # fmt: skip


def comparable(metrics: dict[str, float]) -> dict[str, float | None]:
    """Metrics that must repeat exactly: all but the speed, with None for NaN, which equals none."""
    return {
        key: None if math.isnan(value) else value
        for key, value in metrics.items()
        if key != "steps_per_second"
    }


def iterate(trainer: PPOTrainer, count: int) -> list[dict[str, float | None]]:
    return [comparable(trainer.iterate()) for _ in range(count)]


def test_same_seed_same_bits() -> None:
    torch.manual_seed(123)  # the state of torch's own generator must not matter
    first = PPOTrainer(small())
    told = iterate(first, 3)
    torch.manual_seed(456)
    second = PPOTrainer(small())
    assert iterate(second, 3) == told
    assert torch.equal(first.parameters.vector, second.parameters.vector)


def test_another_seed_another_run() -> None:
    first, second = PPOTrainer(small(seed=1)), PPOTrainer(small(seed=2))
    assert iterate(first, 1) != iterate(second, 1)
    assert not torch.equal(first.parameters.vector, second.parameters.vector)


@pytest.mark.parametrize("backend", ["torch", "compiled"])
@pytest.mark.parametrize(
    "environment", ["CartPole-v1", "Acrobot-v1", "MountainCar-v0", "ProbeVaried-v0"]
)
def test_a_resumed_trainer_equals_an_uninterrupted_one(
    environment: str, backend: str, tmp_path: Path
) -> None:
    uninterrupted = PPOTrainer(small(environment, backend=backend))
    assert uninterrupted.backend.name == backend
    iterate(uninterrupted, 3)
    uninterrupted.change("clip_range", 0.1)
    save_checkpoint(tmp_path, uninterrupted.step, *uninterrupted.state())
    expected = iterate(uninterrupted, 4)

    newest = load_newest_checkpoint(tmp_path)
    assert newest is not None
    step, tensors, extra = newest
    resumed = PPOTrainer(small(environment, backend=backend))
    iterate(resumed, 1)  # whatever it did before must not show
    assert resumed.restore(tensors, extra)
    assert resumed.step == step == 3 * 128
    assert iterate(resumed, 4) == expected
    assert torch.equal(resumed.parameters.vector, uninterrupted.parameters.vector)


def test_a_state_kept_in_memory_does_not_move_on() -> None:
    trainer = PPOTrainer(small())
    iterate(trainer, 2)
    tensors, extra = trainer.state()
    expected = iterate(trainer, 2)
    assert trainer.restore(tensors, extra)
    assert iterate(trainer, 2) == expected


def test_a_state_from_before_the_first_update_can_be_restored() -> None:
    trainer = PPOTrainer(small())
    tensors, extra = trainer.state()
    expected = iterate(trainer, 2)
    trainer.restore(tensors, extra)
    assert iterate(trainer, 2) == expected


def test_an_environment_that_cannot_be_captured_is_not_claimed_to_be() -> None:
    trainer = PPOTrainer(small("ProbeSecretive-v0"))
    iterate(trainer, 1)
    tensors, extra = trainer.state()
    assert extra["environment"] is None
    resumed = PPOTrainer(small("ProbeSecretive-v0"))
    assert not resumed.restore(tensors, extra)
    assert torch.equal(resumed.parameters.vector, trainer.parameters.vector)


def test_everything_is_told_to_the_recorder(notebook: Notebook) -> None:
    trainer = PPOTrainer(small(), notebook)
    returned = [trainer.iterate() for _ in range(2)]
    assert [step for step, _ in notebook.told] == [128, 256]
    assert [metrics for _, metrics in notebook.told] == returned
    assert set(returned[0]) == {metric.key for metric in METRICS}
    assert notebook.stages == ["rollout", "update"] * 2
    last = {name: (step, counts) for step, name, counts in notebook.histograms}
    step, counts = last["ratio"]
    assert (step, counts.shape) == (256, (2, 50))
    assert counts.sum() == 2 * 128
    assert (last["ratio_positive"][1] + last["ratio_negative"][1] == counts).all()


def test_episodes_are_counted_and_averaged() -> None:
    trainer = PPOTrainer(small("ProbeEndless-v0"))  # cut off after 4 steps, return 4
    metrics = trainer.iterate()
    assert metrics["episodes"] == 128 / 4
    assert metrics["return_mean_100"] == metrics["episode_return"] == 4.0
    assert metrics["episode_length"] == 4.0


def test_before_any_episode_ended_there_is_no_mean_return() -> None:
    metrics = PPOTrainer(small("Acrobot-v1")).iterate()  # 64 steps of at least 500 without luck
    assert math.isnan(metrics["return_mean_100"])
    assert math.isnan(metrics["episode_length"])
    assert metrics["episodes"] == 0.0


@pytest.mark.parametrize(
    ("schedule", "expected"), [("linear", [0.8, 0.6, 0.4, 0.2]), ("constant", [0.8] * 4)]
)
def test_the_learning_rate_follows_its_schedule(schedule: str, expected: list[float]) -> None:
    trainer = PPOTrainer(
        small("ProbeValueOnly-v0", total_steps=512, learning_rate=0.8,
              learning_rate_schedule=schedule, backend="torch")
    )  # fmt: skip
    rates = [trainer.iterate()["learning_rate"] for _ in range(4)]
    assert rates == pytest.approx(expected)
    assert trainer.optimizer.learning_rate == rates[-1]
    assert trainer.finished


def test_it_finishes_early_once_a_hundred_episodes_reach_the_return_asked_for() -> None:
    # Four-step episodes of return 4: 32 an iteration, so 100 are full after the fourth.
    trainer = PPOTrainer(small("ProbeEndless-v0", stop_return=4.0))
    iterations = 0
    while not trainer.finished:
        trainer.iterate()
        iterations += 1
    assert iterations == 4
    assert not PPOTrainer(small("ProbeEndless-v0", stop_return=4.1)).finished


def test_a_live_setting_reaches_the_loss() -> None:
    seen: list[float] = []

    def listening(*arguments: Any) -> Any:
        seen.append(arguments[3])
        return clipped_policy_loss(*arguments)

    trainer = PPOTrainer(small(), parts=Parts(policy_loss=listening))
    assert trainer.iterate()["clip_range"] == 0.2
    assert trainer.change("clip_range", 0.06) == 0.2
    assert trainer.iterate()["clip_range"] == 0.06
    assert set(seen[:8]) == {0.2}
    assert set(seen[8:]) == {0.06}


@pytest.mark.parametrize("value", [0.0, -1.0, 1.5, math.nan, math.inf])
def test_a_live_setting_out_of_range_changes_nothing(value: float) -> None:
    trainer = PPOTrainer(small())
    with pytest.raises(InvalidSettingError, match=r"from 0\.02 to 1\.0"):
        trainer.change("clip_range", value)
    assert trainer.config.clip_range == 0.2


def test_a_setting_that_is_not_live_is_answered_with_those_that_are() -> None:
    with pytest.raises(UnknownNameError, match="Known: clip_range"):
        PPOTrainer(small()).change("gamma", 0.5)


def test_a_reward_that_is_not_a_number_ends_training_with_an_alert(notebook: Notebook) -> None:
    trainer = PPOTrainer(small("ProbeNotANumber-v0"), notebook)
    trainer.iterate()  # 64 steps a copy; the seventieth pays NaN
    with pytest.raises(TrainingDivergedError, match="not finite at step 256"):
        trainer.iterate()
    kind, evidence = notebook.alerts[-1]
    assert kind == "non-finite"
    assert evidence["metric"] == "policy_loss"
    assert len(notebook.told) == 2  # what it last measured is on record


def test_training_leaves_torchs_own_generator_alone() -> None:
    torch.manual_seed(9)
    before = torch.get_rng_state()
    iterate(PPOTrainer(small()), 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_both_back_ends_take_the_same_actions_and_nearly_the_same_steps() -> None:
    sides = [PPOTrainer(small(backend=backend)) for backend in ("torch", "compiled")]
    told = [side.iterate() for side in sides]
    assert torch.equal(sides[0].rollout.actions, sides[1].rollout.actions)
    for key in ("policy_loss", "value_loss", "entropy", "approx_kl", "gradient_norm"):
        assert told[1][key] == pytest.approx(told[0][key], rel=1e-4, abs=1e-6), key
    vectors = [side.parameters.vector for side in sides]
    torch.testing.assert_close(vectors[0], vectors[1], rtol=0, atol=1e-5)


def test_a_run_may_change_its_back_end_at_a_checkpoint() -> None:
    first = PPOTrainer(small(backend="compiled"))
    iterate(first, 2)
    second = PPOTrainer(small(backend="torch"))
    assert second.restore(*first.state())
    expected, actual = first.iterate(), second.iterate()
    assert actual["value_loss"] == pytest.approx(expected["value_loss"], rel=1e-3)


def test_a_back_end_that_cannot_serve_is_refused_and_auto_takes_the_other() -> None:
    with pytest.raises(InvalidSettingError, match="Bernoulli"):
        PPOTrainer(small("ProbeSwitches-v0", backend="compiled"))
    assert PPOTrainer(small("ProbeSwitches-v0")).backend.name == "torch"
    for environment in ("CartPole-v1", "Pendulum-v1", "ProbeMaskedByMethod-v0"):
        assert PPOTrainer(small(environment)).backend.name == "compiled"
