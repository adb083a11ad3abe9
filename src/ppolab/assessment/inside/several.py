"""Calls any function that a submission defines, for tasks that ask for more than one."""

from __future__ import annotations

from typing import Any


def answer(
    submission: dict[str, Any], entry: str, given: dict[str, str], name: str, *args: Any
) -> Any:
    """Call the function `name`."""
    return submission[name](*args)
