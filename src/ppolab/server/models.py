"""The tables: what learners have done. Runs are folders and are not here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Float, ForeignKey, Index, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Names for constraints, so that later migrations can refer to them.
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSON}  # noqa: RUF012


class LearnerRow(Base):
    """A person who learns. There is one, without an account, on a machine of one's own."""

    __tablename__ = "learners"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class ProgressRow(Base):
    """A lesson or challenge that is done."""

    __tablename__ = "lesson_progress"
    learner_id: Mapped[int] = mapped_column(
        ForeignKey("learners.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)  # "lesson", "challenge"
    chapter: Mapped[str] = mapped_column(String(80), primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), primary_key=True)
    done_at: Mapped[datetime] = mapped_column(default=now)


class PredictionRow(Base):
    """The first answer to a prediction, which is the one that counts."""

    __tablename__ = "predictions"
    learner_id: Mapped[int] = mapped_column(
        ForeignKey("learners.id", ondelete="CASCADE"), primary_key=True
    )
    chapter: Mapped[str] = mapped_column(String(80), primary_key=True)
    lesson: Mapped[str] = mapped_column(String(80), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    option: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)


class DraftRow(Base):
    """Unsent text of a challenge."""

    __tablename__ = "drafts"
    learner_id: Mapped[int] = mapped_column(
        ForeignKey("learners.id", ondelete="CASCADE"), primary_key=True
    )
    challenge: Mapped[str] = mapped_column(String(80), primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class AttemptRow(Base):
    """A submission with its verdict."""

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_learner_challenge", "learner_id", "challenge"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[int] = mapped_column(ForeignKey("learners.id", ondelete="CASCADE"))
    challenge: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(16))
    verdict: Mapped[str | None] = mapped_column(String(16))
    summary: Mapped[str] = mapped_column(Text)
    checks: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    output: Mapped[str] = mapped_column(Text)
    backend: Mapped[str] = mapped_column(String(80))
    seconds: Mapped[float | None] = mapped_column(Float)
    source: Mapped[str] = mapped_column(Text)
    # Empty: graded here. Else the key of the installation whose export it came with.
    origin: Mapped[str] = mapped_column(String(80), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class VariantRow(Base):
    """The variant of a question that a learner has open. Its seed never leaves the server."""

    __tablename__ = "question_variants"
    learner_id: Mapped[int] = mapped_column(
        ForeignKey("learners.id", ondelete="CASCADE"), primary_key=True
    )
    question: Mapped[str] = mapped_column(String(80), primary_key=True)
    number: Mapped[int]
    seed: Mapped[int] = mapped_column(BigInteger)


class AnswerRow(Base):
    """An answer to anything but a challenge, with its mark. Answers are only ever added."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_learner_kind_item", "learner_id", "kind", "item"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[int] = mapped_column(ForeignKey("learners.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(32))  # "question", "proof", "lines" …
    item: Mapped[str] = mapped_column(String(80))
    number: Mapped[int]  # of the variant; 0 where there are none
    seed: Mapped[int] = mapped_column(BigInteger)
    answer: Mapped[Any] = mapped_column(JSON)
    verdict: Mapped[str] = mapped_column(String(16))
    words: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(String(80), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class HintRow(Base):
    """A hint that was looked at."""

    __tablename__ = "hints"
    learner_id: Mapped[int] = mapped_column(
        ForeignKey("learners.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    item: Mapped[str] = mapped_column(String(80), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
