"""What learners have done, kept in the database."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from ppolab.errors import UnknownNameError
from ppolab.server.answers import Answers
from ppolab.server.models import (
    AttemptRow,
    DraftRow,
    LearnerRow,
    PredictionRow,
    ProgressRow,
    now,
)
from ppolab.server.schema import Attempt, CheckResult

LOCAL_LEARNER = "local"
INTERRUPTED = (
    "interrupted: the server stopped before this was graded. Your code is kept; submit it again."
)


class Records:
    """Progress, predictions, drafts and attempts of one learner.

    Each method is one transaction; any thread may call it.
    """

    def __init__(self, engine: Engine, learner: str = LOCAL_LEARNER) -> None:
        self.engine = engine
        self.learner = learner
        with Session(engine) as session, session.begin():
            statement = insert(LearnerRow).values(name=learner, created_at=now())
            session.execute(statement.on_conflict_do_nothing())
            self.learner_id = session.scalars(
                select(LearnerRow.id).where(LearnerRow.name == learner)
            ).one()
        self.answers = Answers(engine, self.learner_id)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    # ------------------------------------------------------------------------------- progress

    def done(self) -> set[tuple[str, str, str]]:
        """Everything done, as (kind, chapter, slug)."""
        query = select(ProgressRow.kind, ProgressRow.chapter, ProgressRow.slug).where(
            ProgressRow.learner_id == self.learner_id
        )
        with Session(self.engine) as session:
            return {(kind, chapter, slug) for kind, chapter, slug in session.execute(query)}

    def set_done(self, kind: str, chapter: str, slug: str, done: bool) -> None:
        """Mark a lesson or challenge; doing so again changes nothing."""
        key = {"learner_id": self.learner_id, "kind": kind, "chapter": chapter, "slug": slug}
        with Session(self.engine) as session, session.begin():
            if done:
                statement = insert(ProgressRow).values(**key, done_at=now())
                session.execute(statement.on_conflict_do_nothing())
            else:
                session.execute(delete(ProgressRow).filter_by(**key))

    # ---------------------------------------------------------------------------- predictions

    def predict(self, chapter: str, lesson: str, name: str, option: str) -> str:
        """Keep a prediction and return the option that counts: the first one."""
        key = {
            "learner_id": self.learner_id,
            "chapter": chapter,
            "lesson": lesson,
            "name": name,
        }
        with Session(self.engine) as session, session.begin():
            statement = insert(PredictionRow).values(**key, option=option, created_at=now())
            session.execute(statement.on_conflict_do_nothing())
            return session.scalars(select(PredictionRow.option).filter_by(**key)).one()

    def predictions(self, chapter: str, lesson: str) -> dict[str, str]:
        """The options chosen in a lesson, by the name of the prediction."""
        query = select(PredictionRow.name, PredictionRow.option).filter_by(
            learner_id=self.learner_id, chapter=chapter, lesson=lesson
        )
        with Session(self.engine) as session:
            return {row.name: row.option for row in session.execute(query)}

    # --------------------------------------------------------------------------------- drafts

    def save_draft(self, challenge: str, source: str) -> None:
        """Keep unsent text, in the place of what was kept before."""
        values = {"source": source, "saved_at": now()}
        statement = insert(DraftRow).values(
            learner_id=self.learner_id, challenge=challenge, **values
        )
        keys = [DraftRow.learner_id, DraftRow.challenge]
        with Session(self.engine) as session, session.begin():
            session.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))

    def draft(self, challenge: str) -> str | None:
        """The unsent text of a challenge, if there is any."""
        with Session(self.engine) as session:
            row = session.get(DraftRow, (self.learner_id, challenge))
            return None if row is None else row.source

    # ------------------------------------------------------------------------------- attempts

    def add_attempt(
        self, challenge: str, source: str, checks: list[CheckResult], backend: str
    ) -> Attempt:
        """Keep a submission that waits for its verdict."""
        row = AttemptRow(
            learner_id=self.learner_id,
            challenge=challenge,
            status="queued",
            verdict=None,
            summary="Waiting to be graded.",
            checks=[check.model_dump() for check in checks],
            output="",
            backend=backend,
            seconds=None,
            source=source,
            created_at=now(),
        )
        with Session(self.engine) as session, session.begin():
            session.add(row)
            session.flush()
            return attempt_of(row)

    def keep_attempt(self, attempt: Attempt) -> None:
        """Write how an attempt stands now."""
        values = attempt.model_dump(include=CHANGING)
        with Session(self.engine) as session, session.begin():
            session.execute(update(AttemptRow).where(AttemptRow.id == attempt.id).values(**values))

    def attempt(self, attempt_id: int) -> Attempt:
        """An attempt as it was last written. Raises UnknownNameError."""
        with Session(self.engine) as session:
            row = session.get(AttemptRow, attempt_id)
            if row is None or row.learner_id != self.learner_id:
                raise UnknownNameError(
                    "attempt", attempt_id, [], "Open the challenge to see its attempts."
                )
            return attempt_of(row)

    def attempts(self, challenge: str) -> list[Attempt]:
        """The attempts at a challenge, newest first."""
        query = (
            select(AttemptRow)
            .filter_by(learner_id=self.learner_id, challenge=challenge)
            .order_by(AttemptRow.id.desc())
        )
        with Session(self.engine) as session:
            return [attempt_of(row) for row in session.scalars(query)]

    def count_attempts(self, challenge: str) -> int:
        """How often a challenge was tried."""
        query = select(func.count(AttemptRow.id)).filter_by(
            learner_id=self.learner_id, challenge=challenge
        )
        with Session(self.engine) as session:
            return session.scalars(query).one()

    def count_tries(self, challenge: str, starter: str) -> int:
        """How many graded submissions differed from the starter and from one another."""
        query = select(func.count(AttemptRow.source.distinct())).where(
            AttemptRow.learner_id == self.learner_id,
            AttemptRow.challenge == challenge,
            AttemptRow.status == "done",
            AttemptRow.source != starter,
        )
        with Session(self.engine) as session:
            return session.scalars(query).one()

    def end_interrupted_attempts(self) -> int:
        """Say of attempts that a stopped server left behind what became of them."""
        values = {"status": "done", "verdict": "error", "summary": INTERRUPTED}
        statement = update(AttemptRow).where(AttemptRow.status != "done").values(**values)
        with Session(self.engine) as session, session.begin():
            return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


CHANGING = {"status", "verdict", "summary", "checks", "output", "backend", "seconds"}


def attempt_of(row: AttemptRow) -> Attempt:
    """An attempt as the page receives it."""
    created = row.created_at
    if created.tzinfo is None:  # SQLite keeps no time zone; all moments are written in UTC
        created = created.replace(tzinfo=UTC)
    return Attempt.model_validate(
        {
            "id": row.id,
            "challenge": row.challenge,
            "status": row.status,
            "verdict": row.verdict,
            "summary": row.summary,
            "checks": row.checks,
            "output": row.output,
            "backend": row.backend,
            "seconds": row.seconds,
            "created_at": iso(created),
            "source": row.source,
        }
    )


def iso(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
