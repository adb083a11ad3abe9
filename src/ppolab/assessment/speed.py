"""How much faster a submission is than the slow version that was given.

Both run in the same box, one after the other and in turns, so that a busy machine slows both. Of
each the quickest run counts: what is added to it by others is noise. The slow version is also timed
before the submission is loaded, so that a submission cannot gain by slowing it down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ppolab.assessment.checking import Ask, CheckFailed

WARM_UP = 3  # timings of the slow version before a submission is loaded
ROUNDS = 3  # timings of each, in turns
CHANCES = 3  # groups of rounds before a submission is called too slow

Workload = Callable[[np.random.Generator], tuple[Any, ...]]


def time_slow(ask: Ask, workload: Workload, rng: np.random.Generator) -> None:
    """Time the slow version in a box where no submission has run yet."""
    for _ in range(WARM_UP):
        ask("slow", *workload(rng))
        ask.slow_seconds = min(ask.slow_seconds, ask.seconds)


def require_speedup(
    ask: Ask,
    rng: np.random.Generator,
    workload: Workload,
    right: Callable[[Any, tuple[Any, ...]], None],
    times: float,
) -> None:
    """Fail unless the submission is `times` as fast as the slow version.

    `right(answer, args)` raises `CheckFailed` for a wrong answer: each timed call must be right.
    """
    slow, fast = ask.slow_seconds, float("inf")
    for _ in range(CHANCES):
        for _ in range(ROUNDS):
            args = workload(rng)
            ask("slow", *args)
            slow = min(slow, ask.seconds)
            answer = ask("fast", *args)
            fast = min(fast, ask.seconds)
            right(answer, args)
        if slow >= times * fast:
            return
    raise CheckFailed(
        f"Your version is {slow / fast:.1f} times as fast as the given one "
        f"({fast * 1000:.0f} ms against {slow * 1000:.0f} ms, the quickest run of each); "
        f"{times:g} times are asked for."
    )
