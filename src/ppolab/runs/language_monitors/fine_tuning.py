"""Whether examples are learnt or learnt by heart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ppolab.runs.monitors import Finding, Series


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
