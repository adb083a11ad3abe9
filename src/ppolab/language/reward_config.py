"""The settings of a reward model and its training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.reward_faults import fault_named
from ppolab.language.reward_heads import RewardShape
from ppolab.language.reward_losses import LOSSES

ENSEMBLES = ("none", "heads", "models", "dropout")


@dataclass(frozen=True)
class RewardConfig:
    """How a reward model is trained. One epoch: a second learns the raters' errors by heart."""

    seed: int = 1
    """Seeds the head and the order of the pairs."""
    epochs: int = 1
    """Passes over the pairs."""
    batch_size: int = 32
    """Pairs per gradient step."""
    learning_rate: float = 1e-3
    """AdamW's step size after warm-up."""
    weight_decay: float = 0.0
    """AdamW's, of matrices."""
    label_smoothing: float = 0.0
    """Share of the comparisons taken to be wrong."""
    held_out: float = 0.1
    """Share of the pairs kept for measuring accuracy."""
    evaluate_every: int = 50
    """Gradient steps between measurements."""
    dtype: str = "auto"
    """Arithmetic: auto, float32 or bfloat16."""
    loss: str = "bradley-terry"
    """bradley-terry, davidson (with ties), all-pairs or plackett-luce (of rankings)."""
    pooling: str = "last"
    """Which hidden states count: last (token), mean or attention."""
    head: str = "linear"
    """What makes a score of them: linear or mlp."""
    ensemble: str = "none"
    """Several opinions: none, heads (on one model), models (trained apart) or dropout."""
    members: int = 4
    """Opinions of an ensemble."""
    dropout: float = 0.1
    """Share of units dropped before the head, for ensemble dropout and the contrastive term."""
    contrastive: float = 0.0
    """Weight of the term that keeps the hidden states of different answers apart."""
    fault: str = "none"
    """A mistake to study: none, placeholder, linear, untrained, swapped or length-bias."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "evaluate_every"):
            self._require(name, getattr(self, name) > 0, "must be positive", "Give more than 0")
        self._require("held_out", 0 < self.held_out < 1, "must lie in (0, 1)",
                      "Give a share such as 0.1")  # fmt: skip
        self._require("label_smoothing", 0 <= self.label_smoothing < 0.5, "must lie in [0, 0.5)",
                      "Give a share below one half")  # fmt: skip
        self._require("dtype", self.dtype in ("auto", "float32", "bfloat16"), "is not known",
                      "Known: auto, float32, bfloat16")  # fmt: skip
        for name, known in (("loss", LOSSES), ("ensemble", ENSEMBLES)):
            if getattr(self, name) not in known:
                raise UnknownNameError(name, getattr(self, name), list(known))
        self._require("members", self.ensemble == "none" or self.members >= 2,
                      "leave no ensemble", "Give 2 or more, or ensemble none")  # fmt: skip
        dropping = self.ensemble == "dropout" or self.contrastive > 0
        self._require("dropout", 0 <= self.dropout < 1 and (self.dropout > 0 or not dropping),
                      "must lie in (0, 1) here", "Give a share such as 0.1")  # fmt: skip
        self._require("contrastive", self.contrastive >= 0, "must not be negative",
                      "Give 0 or more")  # fmt: skip
        smoothing_is_used = self.loss in ("bradley-terry", "all-pairs")
        self._require("label_smoothing", self.label_smoothing == 0 or smoothing_is_used,
                      f"means nothing to the loss {self.loss}",
                      "Give 0, or bradley-terry or all-pairs")  # fmt: skip
        replaced = fault_named(self.fault).loss is not None
        self._require("fault", not replaced or self.loss == "bradley-terry",
                      f"replaces the loss, and {self.loss} was asked for",
                      "Leave the loss at bradley-terry")  # fmt: skip
        _ = self.shape  # which checks pooling and head

    @property
    def shape(self) -> RewardShape:
        """What each model puts on top of its language model."""
        dropping = self.ensemble == "dropout"
        return RewardShape(
            self.pooling,
            self.head,
            self.members if self.ensemble == "heads" else 1,
            self.members if dropping else 0,
            self.dropout if dropping else 0.0,
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data from which `RewardConfig(**data)` builds the same settings."""
        return asdict(self)

    def _require(self, name: str, holds: bool, problem: str, mend: str) -> None:
        if not holds:
            raise InvalidSettingError(name, getattr(self, name), problem, mend)
