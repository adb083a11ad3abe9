"""What can go wrong in the stages of RLHF, and the numbers by which it is seen.

Thresholds stand in the monitors' fields, each with its reason. Those that compare with the first
measurement ask how far a run has gone from where it began, whatever the task's own level is.
"""

from __future__ import annotations

from ppolab.runs.language_monitors.arithmetic import (
    MisplacedReward,
    NoLearning,
    NonFinite,
    ReadingDisagrees,
)
from ppolab.runs.language_monitors.drift import (
    DistributionShift,
    Forgetting,
    KLRunaway,
    LengthDrift,
    ModeCollapse,
)
from ppolab.runs.language_monitors.fine_tuning import Overfitting
from ppolab.runs.language_monitors.hacking import RewardHacking
from ppolab.runs.language_monitors.reward_models import (
    DeadReward,
    LengthBias,
    SwappedLabels,
    UninformativeReward,
)
from ppolab.runs.monitors import Monitor


def sft_monitors() -> tuple[Monitor, ...]:
    """Of fine-tuning."""
    return NonFinite(), Overfitting()


def reward_monitors(held_out: int) -> tuple[Monitor, ...]:
    """Of a reward model that is measured on so many pairs."""
    return (
        NonFinite(), DeadReward(), UninformativeReward(held_out), SwappedLabels(held_out),
        LengthBias(held_out),
    )  # fmt: skip


def answer_monitors() -> tuple[Monitor, ...]:
    """Of a policy that learns from comparisons, by what it answers in evaluations."""
    return NonFinite(), RewardHacking(), ModeCollapse(), DistributionShift(), Forgetting()


def policy_monitors(kl_target: float) -> tuple[Monitor, ...]:
    """Of a policy that is improved by a reward and held near a reference, nats per response."""
    return (
        NonFinite(), RewardHacking(), KLRunaway(KLRunaway.times * kl_target), ModeCollapse(),
        DeadReward(), DistributionShift(), LengthDrift(), Forgetting(kl_target), MisplacedReward(),
        NoLearning(), ReadingDisagrees(),
    )  # fmt: skip
