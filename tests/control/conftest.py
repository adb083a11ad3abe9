from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
import probes
import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def known_probes() -> None:
    probes.register()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()
