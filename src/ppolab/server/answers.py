"""Answers to questions and derivations, and hints that were looked at, kept in the database."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from ppolab.server.models import AnswerRow, HintRow, VariantRow, now

SEED_BITS = 48


@dataclass(frozen=True)
class OpenVariant:
    """The variant of a question that is in front of the learner."""

    number: int  # from 1
    seed: int


@dataclass(frozen=True)
class KeptAnswer:
    """An answer and how it was marked."""

    kind: str
    item: str
    number: int
    seed: int
    answer: Any
    verdict: str
    words: str
    created_at: datetime


class Answers:
    """What one learner has answered. Each method is one transaction; any thread may call it."""

    def __init__(self, engine: Engine, learner_id: int) -> None:
        self.engine = engine
        self.learner_id = learner_id

    # ------------------------------------------------------------------------------- variants

    def open_variant(self, question: str) -> OpenVariant:
        """The open variant; the first one is drawn when a question is first seen."""
        statement = insert(VariantRow).values(
            learner_id=self.learner_id,
            question=question,
            number=1,
            seed=secrets.randbits(SEED_BITS),
        )
        with Session(self.engine) as session, session.begin():
            session.execute(statement.on_conflict_do_nothing())
            row = session.get_one(VariantRow, (self.learner_id, question))
            return OpenVariant(row.number, row.seed)

    def next_variant(self, question: str, after: int) -> OpenVariant:
        """Open the variant after number `after`; where that is open already, nothing changes."""
        with Session(self.engine) as session, session.begin():
            row = session.get_one(VariantRow, (self.learner_id, question))
            if row.number == after:
                row.number, row.seed = after + 1, secrets.randbits(SEED_BITS)
            return OpenVariant(row.number, row.seed)

    # -------------------------------------------------------------------------------- answers

    def keep(
        self,
        kind: str,
        item: str,
        answer: Any,
        verdict: str,
        words: str,
        variant: OpenVariant | None = None,
    ) -> KeptAnswer:
        """Add an answer to those that are kept."""
        variant = variant or OpenVariant(0, 0)
        row = AnswerRow(
            learner_id=self.learner_id,
            kind=kind,
            item=item,
            number=variant.number,
            seed=variant.seed,
            answer=answer,
            verdict=verdict,
            words=words,
            created_at=now(),
        )
        with Session(self.engine) as session, session.begin():
            session.add(row)
            session.flush()
            return _kept(row)

    def all(self, kind: str, item: str | None = None) -> list[KeptAnswer]:
        """The answers of a kind, or those to one item, oldest first."""
        query = select(AnswerRow).filter_by(learner_id=self.learner_id, kind=kind)
        if item is not None:
            query = query.filter_by(item=item)
        with Session(self.engine) as session:
            return [_kept(row) for row in session.scalars(query.order_by(AnswerRow.id))]

    # ---------------------------------------------------------------------------------- hints

    def see_hint(self, kind: str, item: str, level: int) -> None:
        """Keep that a hint was looked at; the first time counts."""
        statement = insert(HintRow).values(
            learner_id=self.learner_id, kind=kind, item=item, level=level, created_at=now()
        )
        with Session(self.engine) as session, session.begin():
            session.execute(statement.on_conflict_do_nothing())

    def hints_seen(self, kind: str, item: str) -> set[int]:
        """The levels of the hints that were looked at."""
        query = select(HintRow.level).filter_by(learner_id=self.learner_id, kind=kind, item=item)
        with Session(self.engine) as session:
            return set(session.scalars(query))


def _kept(row: AnswerRow) -> KeptAnswer:
    created = row.created_at
    if created.tzinfo is None:  # SQLite keeps no time zone; all moments are written in UTC
        created = created.replace(tzinfo=UTC)
    return KeptAnswer(
        kind=row.kind,
        item=row.item,
        number=row.number,
        seed=row.seed,
        answer=row.answer,
        verdict=row.verdict,
        words=row.words,
        created_at=created,
    )
