"""Follows run logs for the sockets: one hub per followed run, one ring of frames for all clients.

The log is the truth. A hub tails it while anyone listens and encodes what is new once; each client
is only a cursor into the ring, so a slow client costs nothing and delays nobody.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from ppolab.runs import Event, LogTail, RunFolder

log = logging.getLogger("ppolab.server")

RING_EVENTS = 20_000  # log lines kept for clients; one that is further back refetches
RING_BYTES = 16 * 1024 * 1024
FRAME_ROWS = 500  # at most, so that catching up comes in pieces
TAIL_SECONDS = 0.05  # how often the log is looked at: 20 frames a second
STATE_SECONDS = 1.0  # how often a quiet run is asked whether its process is still there
ENDED = frozenset({"finished", "stopped", "interrupted", "failed"})


@dataclass(frozen=True)
class Entry:
    """One encoded message; it covers the log lines in (from_seq, to_seq]."""

    from_seq: int
    events: tuple[Event, ...]  # rows of one frame, or a single other event
    text: str

    @property
    def to_seq(self) -> int:
        """The last log line in it."""
        return self.events[-1].seq

    def after(self, cursor: int, keys: frozenset[str] | None) -> str | None:
        """The message for a client at `cursor` that wants `keys`; None when nothing is left."""
        rest = self.events if cursor <= self.from_seq else self.events[cursor - self.from_seq :]
        if self.events[0].type != "metrics":
            return self.text
        if keys is None and len(rest) == len(self.events):
            return self.text
        if keys is not None and not keys & self.events[0].data.keys():
            return None
        return encode_frame(rest, keys)


class Ring:
    """The newest messages of a run, each encoded once.

    Frames hold neighbouring metric lines with the same names, so that a null in a column is
    always a value that was not finite, never one that was not there.
    """

    def __init__(
        self, start: int = 0, max_events: int = RING_EVENTS, max_bytes: int = RING_BYTES
    ) -> None:
        self.base = start  # a cursor before this has fallen out
        self.head = start
        self.max_events = max_events
        self.max_bytes = max_bytes
        self.bytes = 0
        self.entries: deque[Entry] = deque()

    def append(self, events: Sequence[Event]) -> None:
        """Add the next lines of the log; the oldest fall out where the ring is full."""
        for group in grouped(events):
            first = group[0]
            text = encode_frame(group) if first.type == "metrics" else encode_event(first)
            self.entries.append(Entry(first.seq - 1, tuple(group), text))
            self.bytes += len(text)
            self.head = group[-1].seq
        while len(self.entries) > 1 and (
            self.head - self.base > self.max_events or self.bytes > self.max_bytes
        ):
            oldest = self.entries.popleft()
            self.bytes -= len(oldest.text)
            self.base = oldest.to_seq

    def lost(self, cursor: int) -> bool:
        """Whether a client at `cursor` would miss lines that have fallen out.

        A cursor beyond the head is no loss: it came from the log itself, which is read more
        often than the ring, and the ring will follow.
        """
        return cursor < self.base

    def after(
        self, cursor: int, keys: frozenset[str] | None = None
    ) -> Iterator[tuple[int, str | None]]:
        """Messages for a client at `cursor`, each with the cursor that it leads to.

        A cursor inside a frame gets the rest of that frame, never a line twice.
        """
        entries = list(self.entries)
        first = bisect_right(entries, cursor, key=lambda entry: entry.to_seq)
        for entry in entries[first:]:
            yield entry.to_seq, entry.after(cursor, keys)


def grouped(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Part a piece of the log into frames and single events, keeping its order."""
    group: list[Event] = []
    for event in events:
        fits = (
            group
            and event.type == group[0].type == "metrics"
            and event.data.keys() == group[0].data.keys()
            and len(group) < FRAME_ROWS
        )
        if not fits and group:
            yield group
            group = []
        group.append(event)
    if group:
        yield group


def encode_frame(rows: Sequence[Event], keys: frozenset[str] | None = None) -> str:
    """A `FrameMessage` of metric lines that share their names. What is not finite becomes null."""
    names = [key for key in rows[0].data if keys is None or key in keys]
    frame = {
        "type": "frame",
        "seq": [row.seq for row in rows],
        "step": [row.step for row in rows],
        "t": [row.t for row in rows],
        "series": {key: [row.data[key] for row in rows] for key in names},
    }
    return orjson.dumps(frame, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def encode_event(event: Event) -> str:
    """An `EventMessage`."""
    message = {
        "type": "event",
        "event": {
            "seq": event.seq,
            "step": event.step,
            "t": event.t,
            "kind": event.type,
            "data": event.data,
        },
    }
    return orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY).decode()


class Hub:
    """Tails one run while someone listens."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.ring = Ring()
        self.ended = False  # its process is not at work and will not go on by itself
        self.over: tuple[int, str] | None = None  # why it cannot be followed: close code, words
        self.listeners = 0
        self.ready = asyncio.Event()  # the ring holds what the log held when the hub began
        self._news = asyncio.Event()

    def news(self) -> asyncio.Event:
        """An event that is set at the next change; ask for it before looking at the ring."""
        return self._news

    async def run(self) -> None:
        """Follow the log until cancelled, or until it cannot be followed any more."""
        try:
            await self._follow()
        except Exception as error:  # clients wait for this task, so it must not just vanish
            if self.folder.path.is_dir():
                log.exception("Run %s cannot be followed", self.folder.id)
                self.over = (1011, f"the run's log cannot be read ({type(error).__name__})")
            else:
                self.over = (4404, "this run was deleted")
            self._tell()
            self.ready.set()

    async def _follow(self) -> None:
        tail = LogTail(self.folder.path)
        head = (await asyncio.to_thread(self.folder.status)).head
        tail.skip_to(max(0, head - RING_EVENTS))
        self.ring = Ring(tail.cursor)
        clock = asyncio.get_running_loop().time
        asked = -STATE_SECONDS
        while True:
            events = await asyncio.to_thread(tail.read)
            if events:
                self.ring.append(events)
                self._tell()
            state_changed = any(event.type in ("state", "rewind") for event in events)
            if state_changed or clock() - asked >= STATE_SECONDS:
                asked = clock()
                await self._ask_state()
            self.ready.set()
            await asyncio.sleep(TAIL_SECONDS)

    async def _ask_state(self) -> None:
        if not self.folder.path.is_dir():
            raise FileNotFoundError(self.folder.path)
        ended = (await asyncio.to_thread(self.folder.status)).state in ENDED
        if ended != self.ended:
            self.ended = ended
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Hubs:
    """The hubs of the runs that are being followed now."""

    def __init__(self) -> None:
        self._hubs: dict[str, tuple[Hub, asyncio.Task[None]]] = {}

    @asynccontextmanager
    async def listen(self, folder: RunFolder) -> AsyncIterator[Hub]:
        """Share the hub of a run; the first listener starts it and the last one ends it."""
        name = str(folder.path)
        if name not in self._hubs or self._hubs[name][1].done():
            hub = Hub(folder)
            self._hubs[name] = (hub, asyncio.create_task(hub.run(), name=f"hub {folder.id}"))
        hub, task = self._hubs[name]
        hub.listeners += 1
        try:
            await hub.ready.wait()
            yield hub
        finally:
            hub.listeners -= 1
            if hub.listeners == 0:
                if self._hubs.get(name, (None,))[0] is hub:
                    del self._hubs[name]
                task.cancel()

    def __len__(self) -> int:
        """How many runs are being followed."""
        return len(self._hubs)
