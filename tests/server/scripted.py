"""Stand-ins for the ends of the server: a grader below it, and a client above it."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable
from typing import Any

import orjson

from ppolab.assessment import ChallengeFolder, CheckOutcome, Grade
from ppolab.runs import Event
from ppolab.runs.fold import RunFold
from ppolab.server.grader import Isolation


class ScriptedGrader:
    """Gives the verdict that a submission asks for, as in `# verdict: pass`."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.at_work = 0
        self.most_at_work = 0
        self.warmed = threading.Event()

    def isolation(self) -> Isolation:
        return Isolation("scripted", True, "for tests")

    def warm_up(self) -> None:
        self.warmed.set()

    def grade(
        self, challenge: ChallengeFolder, source: str, on_update: Callable[[Grade], None]
    ) -> Grade:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            on_update(self.result(challenge, None, "pending"))
            assert self.may_go_on.wait(10)
            if "# explode" in source:
                raise RuntimeError("a fault of the grader")
            match = re.search(r"# verdict: (\w+)", source)
            verdict = match.group(1) if match else "fail"
            return self.result(challenge, verdict, "pass" if verdict == "pass" else "fail")
        finally:
            self.at_work -= 1

    def result(self, challenge, verdict, status) -> Grade:
        checks = tuple(CheckOutcome(c.name, c.title, status, "as told") for c in challenge.checks)
        return Grade(verdict, f"verdict {verdict}", checks, "printed\n", "scripted", 0.25)


class FoldingClient:
    """A client as docs/protocol.md describes it: folds messages, drops what it has, refetches."""

    def __init__(self) -> None:
        self.cursor = 0
        self.columns: dict[str, list[tuple[int, float | None]]] = {}
        self.changes: list[tuple[int, str, float | None]] = []  # of settings, by step

    def state(self):
        columns = {key: points for key, points in self.columns.items() if points}
        return columns, {name: value for _, name, value in self.changes}

    def fetch(self, events) -> None:
        """Fetch what the log holds, as GET …/series and …/events do."""
        fold = fold_of(events)
        self.columns, _ = in_a_clients_form(fold)
        self.changes = list(fold.changes)
        self.cursor = len(events)

    def read(self, ring, events, at_most: int | None) -> None:
        """Read some messages of a socket, or refetch where the ring has moved on."""
        if ring.lost(self.cursor):
            self.fetch(events[: max(ring.head, self.cursor)])
        for count, (_, text) in enumerate(ring.after(self.cursor)):
            if at_most is not None and count >= at_most:
                return
            self.take(json.loads(text))

    def take(self, message: dict[str, Any]) -> None:
        """Fold one message."""
        if message["type"] == "frame":
            for row, seq in enumerate(message["seq"]):
                if seq <= self.cursor:
                    continue
                for key, values in message["series"].items():
                    point = (message["step"][row], values[row])
                    self.columns.setdefault(key, []).append(point)
                self.cursor = seq
        elif message["type"] == "event" and message["event"]["seq"] > self.cursor:
            event = message["event"]
            self.cursor = event["seq"]
            if event["kind"] == "setting":
                self.changes.append((event["step"], event["data"]["name"], event["data"]["value"]))
            elif event["kind"] == "rewind":
                last = event["data"]["to_step"]
                self.changes = [change for change in self.changes if change[0] <= last]
                for key, points in self.columns.items():
                    self.columns[key] = [point for point in points if point[0] <= last]


def expected_state(events: list[Event]):
    """The state that the engine's own fold of a log gives, in a client's form."""
    return in_a_clients_form(fold_of(events))


def fold_of(events: list[Event]) -> RunFold:
    fold = RunFold()
    for event in events:
        fold.apply(event)
    return fold


def in_a_clients_form(fold: RunFold):
    columns = {
        key: [
            (step, None if math.isnan(value) else value)
            for step, value in zip(column.steps, column.values, strict=True)
        ]
        for key, column in fold.columns.items()
        if len(column.steps)
    }
    return columns, dict(fold.settings)


def lines(events: list[tuple[int, str, dict[str, Any]]]) -> bytes:
    """Events as a log holds them: line n lies at t = n / 10 s."""
    return b"".join(
        orjson.dumps({"t": number / 10, "step": step, "type": kind, "data": data}) + b"\n"
        for number, (step, kind, data) in enumerate(events, 1)
    )
