"""What grading says: the outcome of each check, and the verdict on all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

CheckStatus = Literal[
    "pending", "pass", "fail", "error", "timeout", "memory", "protocol", "not_run"
]
Verdict = Literal["pass", "fail", "error", "timeout", "memory", "protocol"]

MAX_WORDS = 4000  # characters of a message
# Characters that a terminal or a page would act upon instead of showing them: control characters
# but for line ends and tabs, and those that turn the direction of writing.
_CONTROLS = {code: chr(0x2400 + code) for code in range(32) if code not in (9, 10)}
_CONTROLS |= {127: "␡"} | {code: f"\\x{code:02x}" for code in range(128, 160)}
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS |= {code: f"\\u{code:04x}" for code in _DIRECTIONS}


@dataclass(frozen=True)
class CheckOutcome:
    """How one check went; `message` says in words what was expected and what came."""

    name: str
    title: str
    status: CheckStatus = "pending"
    message: str = ""
    visible: bool = False  # goes through examples that the learner can see
    case: str = ""  # the smallest visible example that failed, as a call


@dataclass(frozen=True)
class Grade:
    """A verdict, or, while `verdict` is None, a snapshot of one in the making."""

    verdict: Verdict | None
    summary: str  # one sentence for people
    checks: tuple[CheckOutcome, ...]
    output: str  # what the submission printed
    backend: str
    seconds: float


OnUpdate = Callable[[Grade], None]


def harmless(text: str, limit: int | None = MAX_WORDS) -> str:
    """A learner's text with what a terminal or page would obey made visible, cut at the limit."""
    shown = text.translate(_CONTROLS)
    if limit is None or len(shown) <= limit:
        return shown
    return f"{shown[:limit]}… ({len(shown) - limit:,} more characters)"
