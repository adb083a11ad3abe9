"""Whether a reward model has learnt what people meant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ppolab.runs.fold import Column
from ppolab.runs.monitors import Finding, Series


@dataclass(frozen=True)
class DeadReward:
    """Every answer is worth the same, so that there is nothing to learn."""

    kind: ClassVar[str] = "dead reward"
    keys: ClassVar[tuple[str, ...]] = ("reward_std", "rm_spread")
    spread: float = 1e-4
    """Reward units. A normalised reward has a spread of 1; rounding alone gives less than this."""
    window: int = 3
    """Updates in a row: a small batch may have equal scores by chance."""

    def judge(self, series: Series) -> Finding | None:
        """Look at the spread of the scores."""
        for key, needed in (("reward_std", self.window), ("rm_spread", 1)):
            if key not in series or len(series[key].values) < needed:
                continue
            widest = max(series[key].values[-needed:])
            if widest <= self.spread:
                return Finding(
                    f"all scores are the same to within {widest:.1g}",
                    "Look at what the reward model was trained on and by which loss; retrain it",
                    {"spread": widest},
                )
        return None


@dataclass(frozen=True)
class UninformativeReward:
    """A reward model that orders pairs no better than a coin."""

    kind: ClassVar[str] = "uninformative reward model"
    keys: ClassVar[tuple[str, ...]] = ("rm_accuracy",)
    held_out: int
    """Held-out pairs; below 100 accuracies differ too much by chance to be judged."""
    errors: float = 1.5
    """Standard errors above one half that one of the last two accuracies must reach. A small reward
    model on noisy pairs may be right in 55 of 100; published ones are in 62 to 70."""
    evaluations: int = 3
    """After the one at step 0; before the third the model has hardly begun."""

    def judge(self, series: Series) -> Finding | None:
        """Look at the newest accuracy."""
        values = _learnt(series["rm_accuracy"])
        if self.held_out < 100 or len(values) < self.evaluations:
            return None
        limit = 0.5 + self.errors * 0.5 / math.sqrt(self.held_out)
        if not max(values[-2:]) < limit:
            return None
        return Finding(
            f"{values[-1]:.1%} of {self.held_out} held-out pairs are in the rater's order; a coin "
            "gets 50%",
            "Look at the loss and the labels, take more pairs or a larger step",
            {"accuracy": values[-1], "held_out": float(self.held_out)},
        )


@dataclass(frozen=True)
class SwappedLabels:
    """A reward model that has learnt the opposite: chosen and rejected were mixed up."""

    kind: ClassVar[str] = "swapped labels"
    keys: ClassVar[tuple[str, ...]] = ("rm_gold_accuracy", "rm_accuracy")
    held_out: int
    """Held-out pairs of which the right order is known."""
    errors: float = 3.0
    """Standard errors below one half: chance does it once in 700 times."""

    def judge(self, series: Series) -> Finding | None:
        """Look whether the model orders known pairs worse than chance."""
        values = _learnt(series["rm_gold_accuracy"]) if "rm_gold_accuracy" in series else []
        limit = 0.5 - self.errors * 0.5 / math.sqrt(self.held_out)
        if not values or not values[-1] < limit:
            return None
        if "rm_accuracy" in series and not series["rm_accuracy"].values[-1] > 0.5:
            return None  # it has not learnt the labels either: scores that are the same order none
        now = values[-1]
        return Finding(
            f"{now:.1%} of the held-out pairs whose right order is known are ordered rightly: "
            "worse than a coin",
            "Check which answer of each pair is written as chosen",
            {"gold_accuracy": now, "limit": limit},
        )


@dataclass(frozen=True)
class LengthBias:
    """A reward model that prefers the longer answer where the shorter one is better."""

    kind: ClassVar[str] = "length bias"
    keys: ClassVar[tuple[str, ...]] = ("rm_shorter_accuracy", "rm_gold_accuracy")
    held_out: int
    """Held-out pairs in all."""
    share: float = 1 / 3
    """Of them that are taken to have the shorter one better; by chance it is a little less than
    half."""
    errors: float = 3.0
    """Standard errors below one half: chance does it once in 700 times. A sound model was right in
    66 % of such pairs, one whose raters liked long answers in 20 %."""
    evaluations: int = 3
    """Before the third it says nothing, and then it asks for the last two: a sound model learnt
    length first, and had 24 % right after 50 steps and 65 % after 150."""

    def judge(self, series: Series) -> Finding | None:
        """Look whether short answers lose although they are better, and long ones do not."""
        if "rm_shorter_accuracy" not in series:
            return None
        values = _learnt(series["rm_shorter_accuracy"])
        if len(values) < self.evaluations:
            return None
        if "rm_gold_accuracy" in series and series["rm_gold_accuracy"].values[-1] < 0.5:
            return None  # whatever the length, the worse answer wins: labels were swapped
        limit = 0.5 - self.errors * 0.5 / math.sqrt(max(self.share * self.held_out, 1.0))
        now, before = values[-1], values[-2]
        if not (now < limit and before < limit):
            return None
        return Finding(
            f"where the shorter answer is the better one, {now:.1%} of the pairs are ordered "
            "rightly: worse than a coin",
            "Balance the pairs by length, or tell raters to look at what is said",
            {"shorter_accuracy": now, "limit": limit},
        )


def _learnt(column: Column) -> list[float]:
    """What was measured after something was learnt: before, order is a matter of chance."""
    return [value for step, value in zip(column.steps, column.values, strict=True) if step > 0]
