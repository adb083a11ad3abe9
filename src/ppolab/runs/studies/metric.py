"""What a study judges a run by, read from the run's own log."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppolab.control.config import PPOConfig
from ppolab.control.trainer import RECENT_EPISODES
from ppolab.errors import InvalidSettingError
from ppolab.runs.fold import RunFold

KNOWN = "return_mean_100, auc, steps_to:RETURN"


@dataclass(frozen=True)
class Metric:
    """One number for a run.

    - "return_mean_100": mean return of the last 100 training episodes.
    - "auc": the same averaged over all steps, that is, the area under the learning curve divided by
      its width; it rewards learning early. Steps before the first episode is over do not count.
    - "steps_to": environment steps until the mean return of 100 episodes reaches `target`. A run
      that never does counts as all its steps, which is less than it would have needed.
    """

    name: str
    target: float | None = None

    @classmethod
    def parse(cls, text: str) -> Metric:
        """Read "return_mean_100", "auc" or "steps_to:475"."""
        name, _, number = text.partition(":")
        if name in ("return_mean_100", "auc") and not number:
            return cls(name)
        if name == "steps_to":
            try:
                target = float(number)
            except ValueError:
                target = math.nan
            if math.isfinite(target):
                return cls(name, target)
            raise InvalidSettingError(
                "metric", text, "does not say which return", "Write one, such as steps_to:475"
            )
        raise InvalidSettingError("metric", text, "is not known", f"Known: {KNOWN}")

    def __str__(self) -> str:
        return self.name if self.target is None else f"{self.name}:{self.target:g}"

    @property
    def maximize(self) -> bool:
        """Whether more is better."""
        return self.target is None

    def settings(self) -> dict[str, Any]:
        """What runs are told because of this metric: not to go on once it is decided."""
        return {} if self.target is None else {"stop_return": self.target}

    def of(self, fold: RunFold, config: PPOConfig) -> float:
        """The number of a finished run; NaN where no episode was over."""
        if self.target is None:
            return self.so_far(fold)
        reached = self.reached_at(fold)
        return float(config.total_steps if reached is None else reached)

    def so_far(self, fold: RunFold, until: float = math.inf) -> float:
        """What a run promises up to the first iteration that ends at or after step `until`.

        More is better exactly where more of the metric is: for "steps_to" it is the mean return,
        negated. NaN where no episode was over.
        """
        steps, returns, _ = _columns(fold)
        count = int(np.searchsorted(steps, until)) + 1
        steps, returns = steps[:count], returns[:count]
        if not len(returns):
            return math.nan
        if self.name == "auc":
            known = np.isfinite(returns)
            widths = np.diff(steps, prepend=0)[known]
            return float(returns[known] @ widths / widths.sum()) if known.any() else math.nan
        return float(returns[-1]) if self.maximize else -float(returns[-1])

    def reached_at(self, fold: RunFold) -> int | None:
        """The step at which the mean of 100 episodes had reached `target`; None: never."""
        assert self.target is not None
        steps, returns, episodes = _columns(fold)
        reached = np.flatnonzero((returns >= self.target) & (episodes >= RECENT_EPISODES))
        return int(steps[reached[0]]) if len(reached) else None


def _columns(
    fold: RunFold,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Steps, mean returns and counts of episodes, [iterations] each."""
    if "return_mean_100" not in fold.columns:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    returns = fold.columns["return_mean_100"]
    return (
        np.array(returns.steps, np.int64),
        np.array(returns.values, np.float64),
        np.array(fold.columns["episodes"].values, np.float64),
    )
