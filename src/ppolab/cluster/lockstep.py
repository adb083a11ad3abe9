"""One trainer leads, those of the other ranks do what it does.

Only rank 0 is driven from outside. Before each thing that takes all ranks it announces what comes,
so that the others need know nothing of checkpoints, pauses or the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from ppolab.language.stage_trainer import StageTrainer

_END = "end"


class LeadTrainer:
    """The trainer of rank 0, after it has joined the others; all else is the trainer's own."""

    def __init__(self, trainer: StageTrainer) -> None:
        self.trainer = trainer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.trainer, name)

    def iterate(self) -> dict[str, float]:
        """Do the next piece of work, on all ranks."""
        return self._together("iterate")  # type: ignore[no-any-return]

    def evaluate(self) -> Any:
        """Evaluate, on all ranks."""
        return self._together("evaluate")

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything needed to go on, gathered from all ranks."""
        return self._together("state")  # type: ignore[no-any-return]

    def restore(self, tensors: Mapping[str, Tensor], extra: Mapping[str, Any]) -> bool:
        """Go back to a state, on all ranks."""
        return self._together("restore", dict(tensors), dict(extra))  # type: ignore[no-any-return]

    def change(self, name: str, value: float) -> float:
        """Change a live setting, on all ranks."""
        return self._together("change", name, value)  # type: ignore[no-any-return]

    def dismiss(self) -> None:
        """Let the other ranks go."""
        _announce((_END,))

    def _together(self, name: str, *arguments: Any) -> Any:
        _announce((name, *arguments))
        return getattr(self.trainer, name)(*arguments)


def follow(trainer: StageTrainer) -> None:
    """Do what rank 0 announces, until it lets go."""
    while True:
        name, *arguments = _announce(None)
        if name == _END:
            return
        getattr(trainer, name)(*arguments)


def _announce(said: Any) -> Any:
    """Tell what rank 0 says to all; returns it."""
    device = torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
    words = [said]
    dist.broadcast_object_list(words, 0, device=device)
    return words[0]
