"""What the engine tells about its work: the contract between a trainer and whoever listens."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np


class Recorder(Protocol):
    """Receives what a trainer measures. Trainers call it; they never read it back."""

    def metrics(self, step: int, **scalars: float) -> None:
        """Record scalars measured at environment step (or optimizer step) `step`."""
        ...

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Time a stage of the loop, such as "rollout" or "update"."""
        ...

    def histogram(self, step: int, name: str, low: float, high: float, counts: np.ndarray) -> None:
        """Record counts of equal bins on [low, high]; `counts` is [rows, bins], one row per epoch.

        The first and last bins also hold everything beyond the edges.
        """
        ...

    def tensors(self, step: int, name: str, **arrays: np.ndarray) -> None:
        """Record whole arrays as a trace for close inspection."""
        ...

    def sample(self, step: int, **data: Any) -> None:
        """Record a text, an episode or another example for people to read."""
        ...

    def alert(self, kind: str, evidence: Mapping[str, Any]) -> None:
        """Record that a monitor saw something wrong, with what it saw."""
        ...


class NullRecorder:
    """Records nothing and costs nothing."""

    def metrics(self, step: int, **scalars: float) -> None:
        """Drop the scalars."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Time nothing."""
        return nullcontext()

    def histogram(self, step: int, name: str, low: float, high: float, counts: np.ndarray) -> None:
        """Drop the histogram."""

    def tensors(self, step: int, name: str, **arrays: np.ndarray) -> None:
        """Drop the arrays."""

    def sample(self, step: int, **data: Any) -> None:
        """Drop the sample."""

    def alert(self, kind: str, evidence: Mapping[str, Any]) -> None:
        """Drop the alert."""
