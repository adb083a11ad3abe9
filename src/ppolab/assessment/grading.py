"""Grades a submission: it answers in a box, and its answers are compared here."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ppolab.assessment.challenge import ChallengeFolder
from ppolab.assessment.checking import Ask, CheckFailed, CheckFunction, load_checks
from ppolab.errors import InvalidSettingError
from ppolab.sandbox import (
    Backend,
    BoxFault,
    Session,
    SubmissionError,
    keep_warm,
    open_session,
)

logger = logging.getLogger(__name__)

MAX_SOURCE_BYTES = 256 * 1024

CheckStatus = Literal["pending", "pass", "fail", "error", "not_run"]
Verdict = Literal["pass", "fail", "error", "timeout", "memory", "protocol"]


@dataclass(frozen=True)
class CheckOutcome:
    """How one check went; `message` says in words what was expected and what came."""

    name: str
    title: str
    status: CheckStatus = "pending"
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


OnUpdate = Callable[[Grade], None]


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
    if on_update:
        on_update(_waiting(challenge, backend))
    with open_session(backend) as session:
        marking = Marking(challenge, checks, session, started, on_update)
        result = marking.run(source, secrets.randbits(63) if seed is None else seed)
    keep_warm(backend)
    # The last of the output arrives when the box ends.
    result = replace(result, output=session.output, seconds=time.monotonic() - started)
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
    outcomes = tuple(CheckOutcome(check.name, check.title) for check in challenge.checks)
    return Grade(None, "Starting a sandbox", outcomes, "", backend.name, 0.0)


class Marking:
    """One submission on its way through the checks. Until proven otherwise it has failed."""

    def __init__(
        self,
        challenge: ChallengeFolder,
        checks: dict[str, CheckFunction],
        session: Session,
        started: float,
        on_update: OnUpdate | None = None,
    ) -> None:
        self.challenge = challenge
        self.checks = checks
        self.session = session
        self.started = started
        self.on_update = on_update
        self.outcomes = [CheckOutcome(check.name, check.title) for check in challenge.checks]

    def run(self, source: str, seed: int) -> Grade:
        """Load the submission and go through all checks."""
        try:
            self.session.load(source, self.challenge.entry)
        except SubmissionError as error:
            words = f"Your code could not be loaded{_raised(error)}"
            return self.stopped(_verdict_of(error), words)
        except BoxFault as fault:
            return self.stopped(_verdict_of(fault), str(fault))
        ask = Ask(self.session)
        for index, outcome in enumerate(self.outcomes):
            rng = np.random.default_rng([seed, index])
            try:
                self.outcomes[index] = self.check(outcome, ask, rng)
            except BoxFault as fault:
                words = f"{fault} It was called with {ask.latest_case}."
                self.outcomes[index] = replace(outcome, status="error", message=words)
                return self.stopped(_verdict_of(fault), str(fault))
            except SubmissionError as error:
                if _verdict_of(error) == "memory":
                    words = f"Your function ran out of memory{_raised(error)}"
                    self.outcomes[index] = replace(outcome, status="error", message=words)
                    return self.stopped("memory", words)
                # The call comes last: the page shows what all checks raised alike only once.
                words = (
                    f"Your function raised an error{_raised(error)} "
                    f"It was called with {ask.latest_case}."
                )
                self.outcomes[index] = replace(outcome, status="error", message=words)
            self.report()
        return self.finished()

    def check(self, outcome: CheckOutcome, ask: Ask, rng: np.random.Generator) -> CheckOutcome:
        """Run one check."""
        try:
            self.checks[outcome.name](ask, rng)
        except CheckFailed as failure:
            return replace(outcome, status="fail", message=str(failure))
        except (BoxFault, SubmissionError):
            raise
        except Exception:  # an answer so odd that comparing it failed: never a pass
            logger.exception("Check %s of %s broke", outcome.name, self.challenge.slug)
            return replace(
                outcome, status="fail", message="What your function returned cannot be compared."
            )
        return replace(outcome, status="pass", message="")

    def finished(self) -> Grade:
        """Sum up after the last check."""
        total = len(self.outcomes)
        missed = [outcome for outcome in self.outcomes if outcome.status != "pass"]
        if not missed:
            return self.snapshot("pass", f"All {total} checks pass.")
        errors = [outcome for outcome in missed if outcome.status == "error"]
        passed = f"{total - len(missed)} of {total} checks pass."
        if errors:
            return self.snapshot("error", f"{passed} {len(errors)} ended in an error.")
        return self.snapshot("fail", f"{passed} First to mend: {missed[0].title}.")

    def stopped(self, verdict: Verdict, summary: str) -> Grade:
        """Sum up when the submission cannot go on; what is left was not run."""
        self.outcomes = [
            replace(outcome, status="not_run") if outcome.status == "pending" else outcome
            for outcome in self.outcomes
        ]
        return self.snapshot(verdict, summary)

    def report(self) -> None:
        """Send a snapshot to whoever listens."""
        if self.on_update:
            done = sum(outcome.status != "pending" for outcome in self.outcomes)
            words = f"{done} of {len(self.outcomes)} checks done"
            self.on_update(self.snapshot(None, words))

    def snapshot(self, verdict: Verdict | None, summary: str) -> Grade:
        """Freeze the present state."""
        return Grade(
            verdict=verdict,
            summary=summary,
            checks=tuple(self.outcomes),
            output=self.session.output,
            backend=self.session.backend.name,
            seconds=time.monotonic() - self.started,
        )


def _raised(error: SubmissionError) -> str:
    """Continue a sentence with where an error was raised and what it said, and end it."""
    where = f" in line {error.line}" if error.line else ""
    said = f"{error.kind}: {error.message}" if error.message else error.kind
    return f"{where}: {said.rstrip()}" + ("" if said.rstrip().endswith((".", "!", "?")) else ".")


def _verdict_of(error: BoxFault | SubmissionError) -> Verdict:
    if isinstance(error, BoxFault):
        return "error" if error.kind == "ended" else error.kind
    out_of_memory = error.kind == "MemoryError" or "can't allocate memory" in error.message
    return "memory" if out_of_memory else "error"
