"""How far a policy has gone from the model it began as, and what it lost on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ppolab.runs.monitors import Finding, Series


@dataclass(frozen=True)
class KLRunaway:
    """The policy goes far from the reference and nothing brings it back."""

    kind: ClassVar[str] = "KL runaway"
    keys: ClassVar[tuple[str, ...]] = ("kl", "kl_target")
    limit: float
    """Nats per response, where the run records no target."""
    times: ClassVar[float] = 3.0
    """The target: a controller in working order overshoots it by less than half."""
    window: int = 5
    """Updates that are averaged: a single batch may have an odd response in it."""

    def judge(self, series: Series) -> Finding | None:
        """Look at the mean of the newest updates."""
        kl = series["kl"].values if "kl" in series else ()
        mean = sum(kl[-self.window :]) / self.window
        target = series.get("kl_target")
        # It may be changed while the run goes; to a lower one the KL comes down by and by.
        limit = self.limit if target is None else self.times * max(target.values)
        if len(kl) < self.window or not mean > limit:
            return None
        return Finding(
            f"the KL to the reference is {mean:.1f} nats per response, over the last "
            f"{self.window} updates; more than {limit:.1f} is a runaway",
            "Raise kl_coef, let the controller steer (kl_controller adaptive), shorten kl_horizon, "
            "or lower the learning rate",
            {"kl": mean, "limit": limit},
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
    """Answers become longer (or shorter) because the reward pays for it.

    That lengths change is no fault: of a sound run they fell by a third, as answers learnt to end
    by themselves and each token cost its KL. What gives a taste for length away is that the scores
    of a batch go up and down with the lengths, in the direction in which those have gone.
    """

    kind: ClassVar[str] = "length drift"
    keys: ClassVar[tuple[str, ...]] = ("response_length", "length_correlation")
    factor: float = 1.2
    """Beyond what the means of a few batches vary by."""
    correlation: float = 0.4
    """Mean correlation of score and length: length then tells a sixth of the scores' variance. It
    was 0.1 by a sound reward model, and 0.6 to 0.9 by one whose raters liked long answers."""
    window: int = 5
    """Newest updates that are averaged."""
    start: int = 2
    """First updates that are: by the fifth, answers paid for their length had grown by a third."""

    def judge(self, series: Series) -> Finding | None:
        """Compare the newest lengths with the first, and with what is paid for them."""
        needed = self.window + self.start
        if any(key not in series or len(series[key].values) < needed for key in self.keys):
            return None
        lengths = series["response_length"].values
        first = sum(lengths[: self.start]) / self.start
        now = sum(lengths[-self.window :]) / self.window
        paid = sum(series["length_correlation"].values[-self.window :]) / self.window
        longer = now > self.factor * first and paid > self.correlation
        shorter = now < first / self.factor and paid < -self.correlation
        if not longer and not shorter:
            return None
        return Finding(
            f"answers went from {first:.1f} to {now:.1f} tokens, and the reward's correlation with "
            f"length is {paid:.2f}",
            "Compare the reward model's accuracy on pairs where the shorter answer is the better; "
            "balance the pairs by length, or take a price per token off the reward",
            {"length": now, "first": first, "length_correlation": paid},
        )


@dataclass(frozen=True)
class Forgetting:
    """What was taught before is lost, beyond what the run was allowed to spend.

    To leave the reference by k nats per token makes the reference's own texts about k nats per
    token more surprising to the policy: both are the same to second order in the step. A run whose
    answers may leave it by `budget` nats has been allowed to forget that much, spread over their
    tokens.
    """

    kind: ClassVar[str] = "forgetting"
    keys: ClassVar[tuple[str, ...]] = ("eval_perplexity", "eval_length")
    budget: float = 0.0
    """KL per response that the run aims at, nats; 0 where it has no aim."""
    overshoot: float = 2.0
    """Times the budget: a controller in working order overshot to twice its target, where the
    perplexity of sound runs rose by 1.1 nats per token of 1.4 that this allows."""
    least: float = math.log(2.0)
    """Nats per token that are never called forgetting: twice the perplexity."""

    def judge(self, series: Series) -> Finding | None:
        """Compare the perplexity on the corpus with that at the start."""
        if "eval_perplexity" not in series:
            return None
        perplexity, allowed = series["eval_perplexity"].values, self.least
        if "eval_length" in series:
            tokens = max(series["eval_length"].values[-1], 1.0)
            allowed = max(allowed, self.overshoot * self.budget / tokens)
        if not perplexity[-1] > math.exp(allowed) * perplexity[0]:
            return None
        return Finding(
            f"the perplexity on held-out texts rose from {perplexity[0]:.1f} to "
            f"{perplexity[-1]:.1f}; {math.exp(allowed) * perplexity[0]:.1f} is what the KL target "
            "accounts for",
            "Raise kl_coef, lower the learning rate, or mix the fine-tuning loss in",
            {"perplexity": perplexity[-1], "first": perplexity[0]},
        )
