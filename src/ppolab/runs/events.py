"""The lines of a run's log: one event each, as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True)
class Event:
    """One thing that happened in a run.

    Attributes:
        seq: line number in the log, from 1; a cursor of N means that N lines were read.
        t: seconds since the run began, pauses and interruptions left out.
        step: environment or optimizer step.
        type: "metrics", "state", "setting", "checkpoint", "rewind", "histogram", "stage",
            "tensors", "sample" or "alert".
        data: what happened; for "metrics" the values by name, None where one was not finite.
    """

    seq: int
    t: float
    step: int
    type: str
    data: dict[str, Any]


# What those who fold a log rely on; other types may hold anything.
_NEEDED = {
    "state": {"state", "words"},
    "setting": {"name", "value"},
    "rewind": {"to_step"},
    "histogram": {"name", "low", "high", "counts"},
}


def encode(t: float, step: int, kind: str, data: dict[str, Any]) -> bytes:
    """Write an event as one line, newline included. Numbers that are not finite become null."""
    line = {"t": round(t, 4), "step": step, "type": kind, "data": data}
    return orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)


def decode(seq: int, line: bytes) -> Event:
    """Read one line; raises ValueError when it is not an event."""
    raw = orjson.loads(line)
    if not isinstance(raw, dict) or not {"t", "step", "type", "data"} <= raw.keys():
        raise ValueError("not an event: t, step, type and data are needed")
    event = Event(seq, float(raw["t"]), int(raw["step"]), str(raw["type"]), dict(raw["data"]))
    missing = _NEEDED.get(event.type, set()) - event.data.keys()
    if missing:
        raise ValueError(f"not a {event.type}: {', '.join(sorted(missing))} is missing")
    return event
