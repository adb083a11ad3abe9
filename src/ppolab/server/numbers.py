"""Numbers as JSON can hold them."""

from __future__ import annotations

import math


def finite(value: float | None) -> float | None:
    """A number, or null for what is not finite."""
    return float(value) if value is not None and math.isfinite(value) else None
