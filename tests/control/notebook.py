from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np


class Notebook:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, dict[str, float]]] = []
        self.histograms: list[tuple[int, str, np.ndarray]] = []
        self.stages: list[str] = []
        self.alerts: list[tuple[str, dict[str, Any]]] = []

    def metrics(self, step: int, **scalars: float) -> None:
        self.told.append((step, scalars))

    def stage(self, name: str) -> nullcontext[None]:
        self.stages.append(name)
        return nullcontext()

    def histogram(self, step: int, name: str, low: float, high: float, counts: np.ndarray) -> None:
        self.histograms.append((step, name, counts))

    def tensors(self, step: int, name: str, **arrays: np.ndarray) -> None: ...

    def sample(self, step: int, **data: Any) -> None: ...

    def alert(self, kind: str, evidence: Mapping[str, Any]) -> None:
        self.alerts.append((kind, dict(evidence)))
