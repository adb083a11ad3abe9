"""Grades a submission: it answers in a box, and its answers are compared here."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

from ppolab.assessment.challenge import ChallengeFolder
from ppolab.assessment.checking import load_checks
from ppolab.assessment.marking import NO_BOX, Marking, open_box
from ppolab.assessment.outcome import CheckOutcome, Grade, OnUpdate, harmless
from ppolab.errors import InvalidSettingError
from ppolab.sandbox import Backend, keep_warm

MAX_SOURCE_BYTES = 256 * 1024


def grade(
    challenge: ChallengeFolder,
    source: str,
    backend: Backend,
    seed: int | None = None,
    on_update: OnUpdate | None = None,
) -> Grade:
    """Grade `source` and return the verdict.

    `on_update` receives a snapshot at the start, after each check, and at the end. Without `seed`
    the cases are drawn from one made now, after the submission came in.

    Raises `InvalidSettingError` for a source over the size limit and `UnavailableError` when no
    box can be started. Whatever the submission itself does ends in a verdict.
    """
    require_size(source)
    checks = load_checks(challenge)
    started = time.monotonic()
    seed = secrets.randbits(63) if seed is None else seed
    if on_update:
        on_update(_waiting(challenge, backend))
    if challenge.kind == "configuration":
        result = Marking(challenge, checks, None, started, on_update).run(source, seed)
    else:
        with open_box(challenge, backend) as session:
            result = Marking(challenge, checks, session, started, on_update).run(source, seed)
        keep_warm(backend)
        # The last of the output arrives when the box ends.
        result = replace(result, output=harmless(session.output, None))
    result = replace(result, seconds=time.monotonic() - started)
    if on_update:
        on_update(result)
    return result


def require_size(source: str) -> None:
    """Refuse a source that no solution could need."""
    size = len(source.encode("utf-8", errors="replace"))
    if size > MAX_SOURCE_BYTES:
        raise InvalidSettingError(
            "source",
            f"{size:,} bytes",
            f"is larger than the limit of {MAX_SOURCE_BYTES:,} bytes ({MAX_SOURCE_BYTES >> 10} KB)",
            "Send only the code of the solution; data does not belong in it",
        )


def _waiting(challenge: ChallengeFolder, backend: Backend) -> Grade:
    outcomes = tuple(
        CheckOutcome(check.name, check.title, visible=check.visible) for check in challenge.checks
    )
    runs = challenge.kind != "configuration"
    words = "Starting a sandbox" if runs else "Reading the configuration"
    return Grade(None, words, outcomes, "", backend.name if runs else NO_BOX, 0.0)
