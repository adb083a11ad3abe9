"""Progress as one file: everything that a learner did, written out, and taken in again.

Taking a file in adds what is not there and takes nothing away: of two predictions the earlier one
counts and the other is kept beside it; of two drafts the newer one stands and the older is kept.
What comes from another installation is marked with its key, and no certificate is issued for it
here.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ppolab import __version__
from ppolab.assessment.signing import SigningKey, fingerprint, public_key_of, verify
from ppolab.errors import InvalidSettingError
from ppolab.server.models import (
    AnswerRow,
    AttemptRow,
    Base,
    DraftRow,
    HintRow,
    PredictionRow,
    ProgressRow,
    now,
)
from ppolab.server.progress_schema import FORMAT, VERSION, ImportReport, ProgressFile
from ppolab.server.records import Records
from ppolab.server.settings import ServerSettings

# Table → (name in the file, columns that tell rows apart). Attempts and answers have no key that
# holds on two machines, so they are told apart by what they are and when they came.
TABLES: dict[type[Base], tuple[str, tuple[str, ...]]] = {
    ProgressRow: ("done", ("kind", "chapter", "slug")),
    PredictionRow: ("predictions", ("chapter", "lesson", "name")),
    DraftRow: ("drafts", ("challenge",)),
    AttemptRow: ("attempts", ("challenge", "created_at", "source", "verdict")),
    AnswerRow: ("answers", ("kind", "item", "seed", "created_at", "answer", "verdict")),
    HintRow: ("hints", ("kind", "item", "level")),
}
MOMENTS = {"done_at", "created_at", "saved_at"}
LEFT_OUT = {"id", "learner_id"}


def write_file(records: Records, settings: ServerSettings) -> dict[str, Any]:
    """Everything that is kept of a learner, signed by this installation."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "software": __version__,
        "exported_at": _iso(now()),
    }
    with Session(records.engine) as session:
        for table, (name, _) in TABLES.items():
            query = select(table).filter_by(learner_id=records.learner_id)
            if table is AttemptRow:  # one that still waits is not an attempt yet
                query = query.filter_by(status="done")
            content[name] = [_plain(row) for row in session.scalars(query)]
    return SigningKey.of(settings.home).sign(content)


def take_in(records: Records, settings: ServerSettings, document: dict[str, Any]) -> ImportReport:
    """Add what a file holds. Raises SignatureError or InvalidSettingError, before any change."""
    key = verify(document)
    try:
        file = ProgressFile.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidSettingError(
            f"progress file {'.'.join(map(str, first['loc']))}",
            first.get("input"),
            f"cannot be used: {first['msg']}",
            "Give the file as it was exported, by this version or an earlier one",
        ) from error
    origin = "" if key == public_key_of(settings.home) else fingerprint(key)
    with Session(records.engine) as session, session.begin():
        merge = _Merge(session, records.learner_id, origin)
        for table, (name, identity) in TABLES.items():
            merge.table(table, [row.model_dump() for row in getattr(file, name)], identity)
    return ImportReport(
        added=merge.added,
        known=merge.known,
        kept_beside=merge.kept_beside,
        origin=origin,
    )


class _Merge:
    """Brings rows into the database, in one transaction."""

    def __init__(self, session: Session, learner_id: int, origin: str) -> None:
        self.session = session
        self.learner_id = learner_id
        self.origin = origin
        self.added = 0
        self.known = 0
        self.kept_beside = 0

    def table(
        self, table: type[Base], rows: list[dict[str, Any]], identity: tuple[str, ...]
    ) -> None:
        """Add the rows that are not there; settle those that say something else than ours."""
        query = select(table).filter_by(learner_id=self.learner_id)
        present = {_key(_plain(row), identity): row for row in self.session.scalars(query)}
        for row in rows:
            mine = present.get(_key(row, identity))
            if mine is None:
                present[_key(row, identity)] = self.add(table, row)
                self.added += 1
            elif isinstance(mine, PredictionRow):
                self.predictions(mine, row)
            elif isinstance(mine, DraftRow):
                self.drafts(mine, row)
            else:
                self.known += 1
                _take_earlier(mine, row)

    def add(self, table: type[Base], row: dict[str, Any]) -> Base:
        """Add a row; what has an origin already keeps it."""
        values = {name: _moment(value) if name in MOMENTS else value for name, value in row.items()}
        if "origin" in values:
            values["origin"] = values["origin"] or self.origin
        added = table(learner_id=self.learner_id, **values)
        self.session.add(added)
        return added

    def predictions(self, mine: PredictionRow, row: dict[str, Any]) -> None:
        """The earlier of two predictions counts; the other one is kept among the answers."""
        theirs, ours = _moment(row["created_at"]), _in_utc(mine.created_at)
        if row["option"] == mine.option:
            self.known += 1
            mine.created_at = min(theirs, ours)
            return
        item = "/".join(row[name] for name in ("chapter", "lesson", "name"))
        loser, at = (mine.option, ours) if theirs < ours else (row["option"], theirs)
        if theirs < ours:
            mine.option, mine.created_at = row["option"], theirs
        self.keep_beside("prediction", item, loser, at)

    def drafts(self, mine: DraftRow, row: dict[str, Any]) -> None:
        """The newer of two drafts stands; the other one is kept among the answers."""
        theirs, ours = _moment(row["saved_at"]), _in_utc(mine.saved_at)
        if row["source"] == mine.source:
            self.known += 1
            return
        loser, at = (mine.source, ours) if theirs > ours else (row["source"], theirs)
        if theirs > ours:
            mine.source, mine.saved_at = row["source"], theirs
        self.keep_beside("draft", mine.challenge, loser, at)

    def keep_beside(self, kind: str, item: str, answer: str, at: datetime) -> None:
        """Keep what does not count as an answer, once."""
        query = select(AnswerRow).filter_by(learner_id=self.learner_id, kind=kind, item=item)
        if any(row.answer == answer for row in self.session.scalars(query)):
            self.known += 1
            return
        values = {"kind": kind, "item": item, "number": 0, "seed": 0, "answer": answer}
        rest = {
            "verdict": "not counted",
            "words": "kept beside",
            "origin": "",
            "created_at": _iso(at),
        }
        self.add(AnswerRow, {**values, **rest})
        self.kept_beside += 1


def _take_earlier(mine: Base, row: dict[str, Any]) -> None:
    for name in MOMENTS & row.keys():
        earlier = min(_moment(row[name]), _in_utc(getattr(mine, name)))
        setattr(mine, name, earlier)


def _plain(row: Base) -> dict[str, Any]:
    """A row's columns as JSON holds them, without what only this database means."""
    columns = (column.name for column in row.__table__.columns if column.name not in LEFT_OUT)
    values = ((name, getattr(row, name)) for name in columns)
    return {name: _iso(_in_utc(v)) if isinstance(v, datetime) else v for name, v in values}


def _key(row: dict[str, Any], identity: tuple[str, ...]) -> str:
    return json.dumps([row[name] for name in identity], sort_keys=True)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _in_utc(moment: datetime) -> datetime:
    """SQLite keeps no time zone; all moments are written in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def counts(records: Records) -> dict[str, int]:
    """How many rows there are of each kind that a learner asks after."""
    names = {"done", "attempts", "answers", "predictions", "hints"}
    with Session(records.engine) as session:
        return {
            name: session.scalars(
                select(func.count()).select_from(table).filter_by(learner_id=records.learner_id)
            ).one()
            for table, (name, _) in TABLES.items()
            if name in names
        }
