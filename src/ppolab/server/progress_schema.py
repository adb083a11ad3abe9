"""A progress file and certificates, as types. Every text has a limit, every moment is checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ppolab.assessment import MAX_SOURCE_BYTES
from ppolab.course.ast import Message

FORMAT, VERSION = "ppolab-progress", 1


def _canonical_moment(text: str) -> str:
    """A moment with a time zone, written as the export writes it."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


Name = Annotated[str, Field(max_length=80)]
Moment = Annotated[str, Field(max_length=40), AfterValidator(_canonical_moment)]
Source = Annotated[str, Field(max_length=MAX_SOURCE_BYTES)]
Words = Annotated[str, Field(max_length=100_000)]
Origin = Annotated[str, Field(max_length=80)]
Verdict = Literal["pass", "fail", "error", "timeout", "memory", "protocol"]


class DoneEntry(Message):
    """Something that is done."""

    kind: Annotated[str, Field(max_length=16)]
    chapter: Name
    slug: Name
    done_at: Moment


class PredictionEntry(Message):
    """A prediction in a lesson."""

    chapter: Name
    lesson: Name
    name: Name
    option: Name
    created_at: Moment


class DraftEntry(Message):
    """Unsent text of a challenge."""

    challenge: Name
    source: Source
    saved_at: Moment


class AttemptEntry(Message):
    """A submission with its verdict."""

    challenge: Name
    status: Literal["done"]
    verdict: Verdict | None
    summary: Words
    checks: Annotated[list[dict[str, Any]], Field(max_length=1000)]
    output: Words
    backend: Name
    seconds: float | None
    source: Source
    origin: Origin
    created_at: Moment


class AnswerEntry(Message):
    """An answer to a question or derivation."""

    kind: Annotated[str, Field(max_length=32)]
    item: Annotated[str, Field(max_length=250)]
    number: Annotated[int, Field(ge=0, lt=2**31)]
    seed: Annotated[int, Field(ge=0, lt=2**62)]
    answer: Any
    verdict: Annotated[str, Field(max_length=16)]
    words: Words
    origin: Origin
    created_at: Moment


class HintEntry(Message):
    """A hint that was looked at."""

    kind: Annotated[str, Field(max_length=32)]
    item: Name
    level: Annotated[int, Field(ge=0, lt=100)]
    created_at: Moment


class ProgressFile(Message):
    """Everything that a learner did."""

    format: Literal["ppolab-progress"]
    version: Literal[1]
    software: Name
    exported_at: Moment
    done: list[DoneEntry]
    predictions: list[PredictionEntry]
    drafts: list[DraftEntry]
    attempts: list[AttemptEntry]
    answers: list[AnswerEntry]
    hints: list[HintEntry]
    public_key: str
    signature: str


class ImportReport(Message):
    """What came of taking a file in."""

    added: int
    known: int  # was there already
    kept_beside: int  # says something else than what counts here, and is kept
    origin: str  # empty: written by this installation; else the short name of the other's key


class PassedEntry(Message):
    """Something that a certificate would tell of, or tells of."""

    kind: str
    slug: str
    title: str
    chapter: str
    passed_at: str
    attempts: int
    hints: int
    evidence: str


class ProgressSummary(Message):
    """What a learner has done, and what a certificate would say of it."""

    done: int
    total: int
    attempts: int  # of challenges
    answers: int  # to questions and derivations
    predictions: int
    hints: int
    passed: list[PassedEntry]
    public_key: str | None  # None: no key was made yet
    fingerprint: str | None


class IssueCertificate(Message):
    """Ask for a certificate in a name."""

    name: Annotated[str, Field(max_length=200)]


class VerifiedCertificate(Message):
    """What a certificate says, whose signature fits."""

    name: str
    course: str
    issued_at: str
    software: str
    public_key: str
    fingerprint: str
    own: bool  # signed by this installation
    passed: list[PassedEntry]
