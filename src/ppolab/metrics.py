"""How recorded numbers are described to those who show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["actor", "critic", "reward", "reference", "none"]


@dataclass(frozen=True)
class Metric:
    """A recorded number: its words, its unit and whose colour it carries."""

    key: str
    label: str
    unit: str
    role: Role
    description: str


def undescribed(key: str) -> Metric:
    """What can be said of a number that nobody described: its key as a label."""
    return Metric(key, key.replace("_", " "), "", "none", "")
