"""Makes an object of a submitted class and goes through steps with it."""

from __future__ import annotations

from typing import Any


def answer(
    submission: dict[str, Any],
    entry: str,
    given: dict[str, str],
    settings: dict[str, Any],
    steps: list[list[Any]],
) -> list[Any]:
    """Make an object with `settings`; each step is a method with its arguments, or an attribute.

    Returns what each step gave: what the method returned, or the attribute's value.
    """
    subject = submission[entry](**settings)
    results: list[Any] = []
    for name, *args in steps:
        member = getattr(subject, name)
        results.append(member(*args) if callable(member) else member)
    return results
