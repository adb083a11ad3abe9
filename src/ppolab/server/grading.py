"""Grades submissions one after another in a thread of its own.

One at a time, because a grading takes a core and verdicts of slow code depend on having it. The
queue is bounded, so that a page gone wild meets a clear refusal and not a full disk.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from ppolab.assessment import MAX_SOURCE_BYTES, ChallengeFolder, Grade
from ppolab.course import Course
from ppolab.errors import PPOLabError, UnavailableError
from ppolab.server.grader import Isolation
from ppolab.server.records import Records
from ppolab.server.schema import Attempt, CheckResult

log = logging.getLogger("ppolab.server")

QUEUE_LENGTH = 16
OUTPUT_LIMIT = 64 * 1024  # characters of a submission's output that are kept


class Grader(Protocol):
    """Whatever can turn a source into a grade; the sandboxed one or a test's."""

    def grade(
        self, challenge: ChallengeFolder, source: str, on_update: Callable[[Grade], None]
    ) -> Grade:
        """Grade a source, telling of each check as it ends."""
        ...

    def warm_up(self) -> None:
        """Prepare for a submission that is likely to come."""
        ...

    def isolation(self) -> Isolation:
        """How submissions are kept apart from this machine."""
        ...


class SubmissionTooLargeError(PPOLabError):
    """A source over the limit."""

    status = 413

    def __init__(self, size: int) -> None:
        super().__init__(
            "source",
            f"{size:,} bytes",
            f"is over the limit of {MAX_SOURCE_BYTES:,} bytes",
            "Submit the function alone, without data or generated code.",
        )


class GradingQueue:
    """Takes submissions, grades them in order, and tells how each stands."""

    def __init__(self, course: Course, records: Records, grader: Grader) -> None:
        self.course = course
        self.records = records
        self.grader = grader
        self.waiting: queue.Queue[Attempt | None] = queue.Queue(QUEUE_LENGTH)
        self.current: Attempt | None = None  # replaced as a whole, so that readers need no lock
        self.stopping = False
        self.thread = threading.Thread(target=self._work, name="grading", daemon=True)

    def start(self) -> None:
        """Begin to grade; first tell the truth about attempts that a stopped server left."""
        self.records.end_interrupted_attempts()
        self.thread.start()

    def stop(self) -> None:
        """Stop after what is being graded; attempts that wait are ended and said to be."""
        self.stopping = True
        # Where the queue is full, the worker sees `stopping` after the attempt it has at hand.
        with suppress(queue.Full):
            self.waiting.put_nowait(None)
        self.thread.join(timeout=10)
        self.records.end_interrupted_attempts()

    def warm_up(self) -> None:
        """Prepare for a submission, in the background."""
        threading.Thread(target=self._warm_up, name="grading-warm-up", daemon=True).start()

    def submit(self, slug: str, source: str) -> Attempt:
        """Queue a submission. Raises SubmissionTooLargeError, or UnavailableError when full."""
        size = len(source.encode("utf-8", "replace"))
        if size > MAX_SOURCE_BYTES:
            raise SubmissionTooLargeError(size)
        if self.waiting.full() or self.stopping:
            raise UnavailableError(
                "submission",
                slug,
                f"would be number {QUEUE_LENGTH + 1} in the queue",
                "Wait for a verdict, then submit again. Your draft is kept.",
            )
        checks = [
            CheckResult(
                name=check.name,
                title=check.title,
                status="pending",
                message="",
                visible=check.visible,
            )
            for check in self.course.challenge(slug).checks
        ]
        attempt = self.records.add_attempt(slug, source, checks, self.grader.isolation().name)
        self.waiting.put(attempt)
        return attempt

    def attempt(self, attempt_id: int) -> Attempt:
        """How an attempt stands now. Raises UnknownNameError."""
        current = self.current
        if current is not None and current.id == attempt_id:
            return current
        return self.records.attempt(attempt_id)

    def _warm_up(self) -> None:
        try:
            self.grader.warm_up()
        except PPOLabError as error:
            log.warning("Grading could not be prepared: %s", error)

    def _work(self) -> None:
        while not self.stopping:
            attempt = self.waiting.get()
            if attempt is None:
                return
            self._grade(attempt)

    def _grade(self, attempt: Attempt) -> None:
        self.current = attempt.model_copy(
            update={"status": "running", "summary": "Running your code."}
        )
        self.records.keep_attempt(self.current)
        try:
            challenge = self.course.challenge(attempt.challenge)
            grade = self.grader.grade(challenge, attempt.source, self._update)
            verdict = grade.verdict or "error"
            done = with_grade(attempt, grade, "done").model_copy(update={"verdict": verdict})
            if verdict == "pass":
                self._mark_done(attempt.challenge)
        except PPOLabError as error:
            done = failed(attempt, str(error))
        except Exception:  # whatever it is, the attempt must get an answer and the queue go on
            log.exception("Grading attempt %d failed", attempt.id)
            done = failed(
                attempt,
                "The grader itself failed, which is no fault of your code. The server's log has "
                "the details; submit again.",
            )
        self.records.keep_attempt(done)
        self.current = None

    def _update(self, grade: Grade) -> None:
        if self.current is not None:
            self.current = with_grade(self.current, grade, "running")

    def _mark_done(self, slug: str) -> None:
        for chapter, item in self.course.outline().walk():
            if (item.kind, item.slug) == ("challenge", slug):
                self.records.set_done("challenge", chapter.slug, slug, True)


def with_grade(attempt: Attempt, grade: Grade, status: str) -> Attempt:
    """An attempt with what a grade says."""
    return attempt.model_copy(
        update={
            "status": status,
            "verdict": grade.verdict if status == "done" else None,
            "summary": grade.summary,
            "checks": [
                CheckResult.model_validate(check, from_attributes=True) for check in grade.checks
            ],
            "output": grade.output[:OUTPUT_LIMIT],
            "backend": grade.backend,
            "seconds": grade.seconds,
        }
    )


def keep_graded(records: Records, challenge: ChallengeFolder, source: str, grade: Grade) -> Attempt:
    """Keep what was graded outside the server as an attempt like any other."""
    waiting = [
        CheckResult(name=check.name, title=check.title, status="pending", message="")
        for check in grade.checks
    ]
    attempt = records.add_attempt(challenge.slug, source, waiting, grade.backend)
    done = with_grade(attempt, grade, "done")
    records.keep_attempt(done)
    if grade.verdict == "pass":
        chapter = challenge.chapter.partition("-")[2]
        records.set_done("challenge", chapter, challenge.slug, True)
    return done


def failed(attempt: Attempt, summary: str) -> Attempt:
    """An attempt that got no verdict, for a reason outside the submission."""
    checks = [check.model_copy(update={"status": "not_run"}) for check in attempt.checks]
    return attempt.model_copy(
        update={"status": "done", "verdict": "error", "summary": summary, "checks": checks}
    )
