"""Whether the numbers of a training are numbers, lie where they should, and move."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ppolab.runs.monitors import Finding, Series


@dataclass(frozen=True)
class NonFinite:
    """A loss, gradient or KL that is no number any more; nothing after it means anything."""

    kind: ClassVar[str] = "non-finite number"
    keys: ClassVar[tuple[str, ...]] = (
        "policy_loss", "gradient_norm", "kl", "reward", "entropy", "sft_loss", "rm_train_loss",
        "dpo_loss",
    )  # fmt: skip

    def judge(self, series: Series) -> Finding | None:
        """Name the first that is not finite."""
        broken = [k for k in self.keys if k in series and not math.isfinite(series[k].values[-1])]
        if not broken:
            return None
        return Finding(
            f"{', '.join(broken)} stopped being finite",
            "Lower the learning rate or the maximum gradient norm, and go on from a checkpoint",
        )


@dataclass(frozen=True)
class MisplacedReward:
    """Reward lies where no token is, and teaches nothing."""

    kind: ClassVar[str] = "misplaced reward"
    keys: ClassVar[tuple[str, ...]] = ("misplaced_reward",)
    amount: float = 1e-6
    """Reward units: sound code has exactly 0."""

    def judge(self, series: Series) -> Finding | None:
        """Look for any reward outside the responses."""
        now = series["misplaced_reward"].values[-1]
        if not now > self.amount:
            return None
        return Finding(
            f"on average {now:.3g} of a response's reward lies after its last token",
            "Pay the score at the last token of the response, not at the end of the padded row",
            {"misplaced_reward": now},
        )


@dataclass(frozen=True)
class ReadingDisagrees:
    """The probabilities written down while writing are not those of the same texts read."""

    kind: ClassVar[str] = "writing and reading disagree"
    keys: ClassVar[tuple[str, ...]] = ("first_minibatch_kl",)
    limit: float = 0.01
    """Nats per token before the first step; rounding to bfloat16 gives far less, a temperature
    forgotten on one side far more."""

    def judge(self, series: Series) -> Finding | None:
        """Look at the KL before anything was learnt."""
        now = series["first_minibatch_kl"].values[-1]
        if not now > self.limit:
            return None
        return Finding(
            f"before the first step the policy lies {now:.3g} nats per token from itself",
            "Use one temperature, one padding rule and no dropout in writing and learning",
            {"first_minibatch_kl": now},
        )


@dataclass(frozen=True)
class NoLearning:
    """The reward does not rise."""

    kind: ClassVar[str] = "no learning"
    keys: ClassVar[tuple[str, ...]] = ("reward",)
    updates: int = 40
    """Updates to wait: rewards of sound runs have risen clearly by then."""
    window: int = 10
    """Updates that are compared at either end."""
    errors: float = 2.0
    """Standard errors by which the newest must exceed the first."""

    def judge(self, series: Series) -> Finding | None:
        """Compare the newest rewards with the first."""
        rewards = series["reward"].values
        if len(rewards) < self.updates:
            return None
        first, error = _mean_and_error(list(rewards[: self.window]))
        now, other = _mean_and_error(list(rewards[-self.window :]))
        if not now - first < self.errors * math.hypot(error, other):
            return None
        return Finding(
            f"after {len(rewards)} updates the reward is {now:.2f}; it was {first:.2f} at first",
            "Check that the reward reaches the loss (misplaced_reward, reward_std), lower kl_coef, "
            "or raise the learning rate",
            {"reward": now, "first": first},
        )


def _mean_and_error(values: list[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))
