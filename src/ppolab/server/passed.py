"""What a learner has passed here, as a certificate tells it.

Only what this installation marked itself counts: what came with an imported file has an origin.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ppolab.assessment.certificates import Passed, evidence_of
from ppolab.course import Course
from ppolab.course.model import Chapter, Item
from ppolab.server.models import AnswerRow, AttemptRow
from ppolab.server.questionviews import KIND, counts
from ppolab.server.records import Records

Step = tuple[datetime, Any]  # when it was right, and what was given


def passed(course: Course, records: Records) -> list[Passed]:
    """Everything passed, in the order of the course."""
    with Session(records.engine) as session:
        ledger = Ledger(session, course, records)
        return [
            entry for chapter, item in course.outline().walk() for entry in ledger.of(chapter, item)
        ]


class Ledger:
    """Looks up how a thing was passed."""

    def __init__(self, session: Session, course: Course, records: Records) -> None:
        self.session = session
        self.course = course
        self.records = records

    def of(self, chapter: Chapter, item: Item) -> Iterator[Passed]:
        """A thing that was passed; nothing where it was not, or where nothing marks it."""
        look_up = {
            "challenge": self.challenge,
            "questions": self.questions,
            "derivation": self.derivation,
        }
        if item.kind not in look_up:
            return
        steps, attempts = look_up[item.kind](item.slug)
        if steps and all(step is not None for step in steps):
            done = [step for step in steps if step is not None]
            yield Passed(
                kind=item.kind,
                slug=item.slug,
                title=item.title,
                chapter=chapter.title,
                passed_at=max(at for at, _ in done).isoformat(timespec="seconds"),
                attempts=attempts,
                hints=len(self.records.answers.hints_seen(item.kind, item.slug)),
                evidence=evidence_of([given for _, given in done]),
            )

    def challenge(self, slug: str) -> tuple[list[Step | None], int]:
        """The first submission that passed."""
        query = select(AttemptRow).filter_by(
            learner_id=self.records.learner_id, challenge=slug, origin=""
        )
        rows = list(self.session.scalars(query.order_by(AttemptRow.created_at)))
        right = (row for row in rows if row.verdict == "pass")
        first = next(right, None)
        return [(_utc(first.created_at), first.source) if first else None], len(rows)

    def questions(self, chapter: str) -> tuple[list[Step | None], int]:
        """The first right answer to each question that counts."""
        slugs = [q.slug for q in self.course.questions_of(chapter) if counts(q)]
        rows = {slug: self.answers(KIND, slug) for slug in slugs}
        return [_first_right(rows[slug]) for slug in slugs], sum(map(len, rows.values()))

    def derivation(self, slug: str) -> tuple[list[Step | None], int]:
        """The first proof and the first chain of lines of each part that were right."""
        proofs, lines = self.answers("proof", slug), self.answers("lines", slug)
        chains = range(len(self.course.derivation(slug).chains))
        parts = [[row for row in lines if row.number == number] for number in chains]
        return [_first_right(part) for part in (proofs, *parts)], len(proofs) + len(lines)

    def answers(self, kind: str, item: str) -> list[AnswerRow]:
        """Answers that were marked here, oldest first."""
        query = select(AnswerRow).filter_by(
            learner_id=self.records.learner_id, kind=kind, item=item, origin=""
        )
        return list(self.session.scalars(query.order_by(AnswerRow.created_at)))


def _first_right(rows: list[AnswerRow]) -> Step | None:
    return next(
        ((_utc(r.created_at), [r.seed, r.answer]) for r in rows if r.verdict == "right"), None
    )


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
