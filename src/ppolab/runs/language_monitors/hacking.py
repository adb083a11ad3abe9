"""Whether the reward is pleased for the sake of what it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ppolab.runs.fold import Column
from ppolab.runs.monitors import Finding, Series


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
