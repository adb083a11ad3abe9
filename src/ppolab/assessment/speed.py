"""How much faster a submission is than the slow version that was given.

Both run in the same box, one after the other and in turns, so that a busy machine slows both. Of
the slow version the quickest run counts, of the submission the quickest but one or two: on a busy
machine a single lucky run proves nothing. The slow version is also timed before the submission is
loaded, so that a submission cannot gain by slowing it down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ppolab.assessment.checking import Ask, CheckFailed

WARM_UP = 4  # timings of the slow version before a submission is loaded
ROUNDS = 3  # timings of each, in turns
CHANCES = 3  # groups of rounds before a submission is called too slow
HOPELESS = 0.7  # of what is asked for, with its luckiest run: more rounds would not help

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
    slow, times_of_fast = ask.slow_seconds, []
    for _ in range(CHANCES):
        for _ in range(ROUNDS):
            args = workload(rng)
            ask("slow", *args)
            slow = min(slow, ask.seconds)
            answer = ask("fast", *args)
            times_of_fast.append(ask.seconds)
            right(answer, args)
        fast = sorted(times_of_fast)[max(1, len(times_of_fast) // 4)]
        if slow >= times * fast:
            return
        if slow < HOPELESS * times * min(times_of_fast):
            break
    raise CheckFailed(
        f"Your version is {slow / fast:.1f} times as fast as the given one "
        f"({fast * 1000:.0f} ms against {slow * 1000:.0f} ms, the luckiest left out); "
        f"{times:g} times are asked for."
    )
