"""Grades a submission: runs it in a box, compares its answers here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ppolab.assessment.challenge import ChallengeFolder
from ppolab.sandbox import Backend

MAX_SOURCE_BYTES = 256 * 1024

CheckStatus = Literal["pending", "pass", "fail", "error", "not_run"]
Verdict = Literal["pass", "fail", "error", "timeout", "memory", "protocol"]


@dataclass(frozen=True)
class CheckOutcome:
    """How one check went; `message` says in words what was expected and what came."""

    name: str
    title: str
    status: CheckStatus
    message: str = ""


@dataclass(frozen=True)
class Grade:
    """A verdict, or, while `verdict` is None, a snapshot of one in the making."""

    verdict: Verdict | None
    summary: str  # one sentence for people
    checks: tuple[CheckOutcome, ...]
    output: str  # what the submission printed
    backend: str
    seconds: float


def grade(
    challenge: ChallengeFolder,
    source: str,
    backend: Backend,
    seed: int | None = None,
    on_update: Callable[[Grade], None] | None = None,
) -> Grade:
    """Grade `source`; see below."""
    raise NotImplementedError
