"""What can go wrong in the stages of RLHF, and the numbers by which it is seen.

Thresholds stand in the monitors' fields, each with its reason. Those that compare with the first
measurement ask how far a run has gone from where it began, whatever the task's own level is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ppolab.runs.fold import Column
from ppolab.runs.monitors import Finding, Monitor, Series


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
class RewardHacking:
    """The proxy is pleased, and what it stands for is not.

    Three signs, each only while the held-out reward is higher than before: the gold score has
    fallen from its best; the reward has risen by as much as single rewards differ and gold has not
    moved; the texts become strange to the reference or alike. The last needs no gold judge.
    """

    kind: ClassVar[str] = "reward hacking"
    keys: ClassVar[tuple[str, ...]] = (
        "eval_reward", "eval_gold", "eval_gold_error", "eval_reference_nll", "eval_distinct_2",
        "reward_std",
    )  # fmt: skip
    errors: float = 4.0
    """Standard errors by which gold must have fallen: among many evaluations chance alone makes
    falls of two or three."""
    surprise: float = 1.5
    """Nats per token by which the reference's surprise must have risen: e^1.5, so that each token
    is four to five times less likely to it than at first."""
    diversity: float = 0.5
    """Share that is left of the distinct pairs of words: half are repetitions that were none."""

    def judge(self, series: Series) -> Finding | None:
        """Compare the newest evaluation with those before it."""
        proxy = series.get("eval_reward")
        if proxy is None or len(proxy.values) < 2:
            return None
        now, signs, numbers = proxy.values[-1], [], {"reward": proxy.values[-1]}
        gold, error = series.get("eval_gold"), series.get("eval_gold_error")
        paired = (
            gold is not None
            and error is not None
            and (len(proxy.values) == len(gold.values) == len(error.values))
        )
        if gold is not None and error is not None and paired:
            best = max(range(len(gold.values)), key=gold.values.__getitem__)
            spread = max(error.values[best], error.values[-1])
            fall = gold.values[best] - gold.values[-1]
            if fall > self.errors * spread and now > proxy.values[best]:
                numbers |= {"gold": gold.values[-1], "best_gold": gold.values[best],
                            "best_step": float(gold.steps[best])}  # fmt: skip
                signs.append(f"the gold score fell from {gold.values[best]:.2f} at step "
                             f"{gold.steps[best]} to {gold.values[-1]:.2f}")  # fmt: skip
            elif self._ignored(series, gold, error):
                numbers |= {"gold": gold.values[-1], "first_gold": gold.values[0]}
                signs.append(f"the gold score stayed at {gold.values[-1]:.2f}, from "
                             f"{gold.values[0]:.2f}")  # fmt: skip
        nll, distinct = series.get("eval_reference_nll"), series.get("eval_distinct_2")
        if now > proxy.values[0]:
            if nll is not None and nll.values[-1] > nll.values[0] + self.surprise:
                numbers["reference_nll"] = nll.values[-1]
                signs.append(f"the reference's surprise rose from {nll.values[0]:.2f} to "
                             f"{nll.values[-1]:.2f} nats per token")  # fmt: skip
            if distinct is not None and distinct.values[-1] < self.diversity * distinct.values[0]:
                numbers["distinct_2"] = distinct.values[-1]
                signs.append(f"distinct pairs of words fell from {distinct.values[0]:.2f} to "
                             f"{distinct.values[-1]:.2f}")  # fmt: skip
        if not signs:
            return None
        return Finding(
            f"the held-out reward went from {proxy.values[0]:.2f} to {now:.2f} while "
            + " and ".join(signs),
            "Read the samples; raise kl_coef or lower kl_target, stop at the best gold score, or "
            "train the reward model on more and newer answers",
            numbers,
        )

    def _ignored(self, series: Series, gold: Column, error: Column) -> bool:
        """Whether the reward rose by the spread of single rewards and gold did not follow."""
        proxy, spread = series["eval_reward"].values, series.get("reward_std")
        if spread is None or len(proxy) < 4:
            return False
        risen = proxy[-1] - proxy[0] > max(spread.values[0], 1e-6)
        return risen and gold.values[-1] - gold.values[0] < error.values[-1]


@dataclass(frozen=True)
class KLRunaway:
    """The policy goes far from the reference and nothing brings it back."""

    kind: ClassVar[str] = "KL runaway"
    keys: ClassVar[tuple[str, ...]] = ("kl",)
    limit: float
    """Nats per response: three times the target, which a controller in working order overshoots by
    less than half."""
    window: int = 5
    """Updates that are averaged: a single batch may have an odd response in it."""

    def judge(self, series: Series) -> Finding | None:
        """Look at the mean of the newest updates."""
        kl = series["kl"].values
        mean = sum(kl[-self.window :]) / self.window
        if len(kl) < self.window or not mean > self.limit:
            return None
        return Finding(
            f"the KL to the reference is {mean:.1f} nats per response, over the last "
            f"{self.window} updates; more than {self.limit:.1f} is a runaway",
            "Raise kl_coef, let the controller steer (kl_controller adaptive), shorten kl_horizon, "
            "or lower the learning rate",
            {"kl": mean, "limit": self.limit},
        )


@dataclass(frozen=True)
class ModeCollapse:
    """All answers become one."""

    kind: ClassVar[str] = "mode collapse"
    keys: ClassVar[tuple[str, ...]] = ("eval_distinct_2", "entropy")
    distinct: float = 0.5
    """Share left of the distinct pairs of words that there were at first."""
    entropy: float = 0.25
    """Share left of the entropy: a quarter of 3 nats is to hesitate between two tokens, where it
    was between twenty."""
    window: int = 5
    """Updates over which entropy is averaged."""

    def judge(self, series: Series) -> Finding | None:
        """Compare diversity and entropy with those at the start."""
        advice = "Raise kl_coef, lower the learning rate or the epochs, or stop earlier"
        pairs, entropy = series.get("eval_distinct_2"), series.get("entropy")
        if pairs is not None and pairs.values[-1] < self.distinct * pairs.values[0]:
            return Finding(
                f"{pairs.values[-1]:.0%} of the pairs of words in the answers are different; at "
                f"first {pairs.values[0]:.0%} were",
                advice, {"distinct_2": pairs.values[-1], "first": pairs.values[0]},
            )  # fmt: skip
        if entropy is None or len(entropy.values) < 2 * self.window:
            return None
        first = sum(entropy.values[: self.window]) / self.window
        now = sum(entropy.values[-self.window :]) / self.window
        if now >= self.entropy * first:
            return None
        return Finding(
            f"the entropy fell from {first:.2f} to {now:.2f} nats per token",
            advice, {"entropy": now, "first": first},
        )  # fmt: skip


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
    """Before the third the model has hardly begun."""

    def judge(self, series: Series) -> Finding | None:
        """Look at the newest accuracy."""
        values = series["rm_accuracy"].values
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
    keys: ClassVar[tuple[str, ...]] = ("rm_gold_accuracy",)
    held_out: int
    """Held-out pairs of which the right order is known."""
    errors: float = 3.0
    """Standard errors below one half: chance does it once in 700 times."""

    def judge(self, series: Series) -> Finding | None:
        """Look whether the model orders known pairs worse than chance."""
        now = series["rm_gold_accuracy"].values[-1]
        limit = 0.5 - self.errors * 0.5 / math.sqrt(self.held_out)
        if not now < limit:
            return None
        return Finding(
            f"{now:.1%} of the held-out pairs whose right order is known are ordered rightly: "
            "worse than a coin",
            "Check which answer of each pair is written as chosen",
            {"gold_accuracy": now, "limit": limit},
        )


@dataclass(frozen=True)
class DistributionShift:
    """The answers are no longer of the kind on which reward model and reference were made."""

    kind: ClassVar[str] = "distribution shift"
    keys: ClassVar[tuple[str, ...]] = ("eval_reference_nll",)
    rise: float = 1.0
    """Nats per token above the first: each token e times less likely to the reference."""

    def judge(self, series: Series) -> Finding | None:
        """Compare the reference's surprise with that at the start."""
        nll = series["eval_reference_nll"].values
        if not nll[-1] > nll[0] + self.rise:
            return None
        return Finding(
            f"the reference is surprised by {nll[-1]:.2f} nats per token of the answers; at first "
            f"by {nll[0]:.2f}",
            "Raise kl_coef, or compare new answers and train the reward model on them too",
            {"reference_nll": nll[-1], "first": nll[0]},
        )


@dataclass(frozen=True)
class LengthDrift:
    """Answers become longer (or shorter), which a reward model may take for better."""

    kind: ClassVar[str] = "length drift"
    keys: ClassVar[tuple[str, ...]] = ("response_length",)
    factor: float = 1.3
    """Mean lengths of sound runs stay within a tenth or so of where they began."""
    window: int = 5
    """Updates that are averaged at either end."""

    def judge(self, series: Series) -> Finding | None:
        """Compare the newest lengths with the first."""
        lengths = series["response_length"].values
        if len(lengths) < 2 * self.window:
            return None
        first = sum(lengths[: self.window]) / self.window
        now = sum(lengths[-self.window :]) / self.window
        if first / self.factor <= now <= first * self.factor:
            return None
        return Finding(
            f"answers went from {first:.1f} to {now:.1f} tokens",
            "Compare the reward model's accuracy on pairs where the shorter answer is the better; "
            "balance the pairs by length, or let missing_end_penalty weigh more",
            {"length": now, "first": first},
        )


@dataclass(frozen=True)
class Forgetting:
    """What was taught before is lost."""

    kind: ClassVar[str] = "forgetting"
    keys: ClassVar[tuple[str, ...]] = ("eval_perplexity",)
    factor: float = 2.0
    """Times the first perplexity on the corpus: a nat in three more per token."""

    def judge(self, series: Series) -> Finding | None:
        """Compare the perplexity on the corpus with that at the start."""
        perplexity = series["eval_perplexity"].values
        if not perplexity[-1] > self.factor * perplexity[0]:
            return None
        return Finding(
            f"the perplexity on held-out texts rose from {perplexity[0]:.1f} to "
            f"{perplexity[-1]:.1f}",
            "Raise kl_coef, lower the learning rate, or mix the fine-tuning loss in",
            {"perplexity": perplexity[-1], "first": perplexity[0]},
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
class Overfitting:
    """Examples are learnt by heart."""

    kind: ClassVar[str] = "overfitting"
    keys: ClassVar[tuple[str, ...]] = ("sft_validation_loss",)
    rise: float = 0.05
    """Nats per token above the lowest held-out loss: a twentieth more perplexity."""

    def judge(self, series: Series) -> Finding | None:
        """Compare the held-out loss with its lowest."""
        losses = series["sft_validation_loss"].values
        if not losses[-1] > min(losses) + self.rise:
            return None
        return Finding(
            f"the held-out loss rose from {min(losses):.3f} to {losses[-1]:.3f}",
            "Stop earlier, or take more examples",
            {"loss": losses[-1], "lowest": min(losses)},
        )


def sft_monitors() -> tuple[Monitor, ...]:
    """Of fine-tuning."""
    return NonFinite(), Overfitting()


def reward_monitors(held_out: int) -> tuple[Monitor, ...]:
    """Of a reward model that is measured on so many pairs."""
    return NonFinite(), DeadReward(), UninformativeReward(held_out), SwappedLabels(held_out)


def answer_monitors() -> tuple[Monitor, ...]:
    """Of a policy that learns from comparisons, by what it answers in evaluations."""
    return NonFinite(), RewardHacking(), ModeCollapse(), DistributionShift(), Forgetting()


def policy_monitors(kl_target: float) -> tuple[Monitor, ...]:
    """Of a policy that is improved by a reward and held near a reference, nats per response."""
    return (
        NonFinite(), RewardHacking(), KLRunaway(3 * kl_target), ModeCollapse(), DeadReward(),
        DistributionShift(), LengthDrift(), Forgetting(), MisplacedReward(), NoLearning(),
        ReadingDisagrees(),
    )  # fmt: skip


def _mean_and_error(values: list[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))
