"""An append-only log of events: written by one process, read by any number."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from ppolab.errors import StorageError
from ppolab.runs.events import Event, decode, encode

LOG_NAME = "events.jsonl"
TORN_NAME = "events.torn"


class LogWriter:
    """Appends events. There must be only one per run, which the run's lock sees to.

    A process that dies while writing leaves a line without an end. Opening the log again moves
    such a remainder to `events.torn` beside it, so that nothing is lost and nothing is broken.
    """

    def __init__(self, folder: Path, start_time: float = 0.0) -> None:
        self._path = folder / LOG_NAME
        self.torn_bytes = _set_torn_line_aside(folder)
        try:
            self._file = self._path.open("ab", buffering=1 << 16)
        except OSError as error:
            raise StorageError(
                "run folder", str(folder), f"cannot be written ({error.strerror})",
                "Check the folder's permissions and the free space",
            ) from error  # fmt: skip
        self._started = time.monotonic() - start_time
        self._mutex = threading.Lock()

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._started

    def hold_clock(self, seconds: float) -> None:
        """Leave `seconds` out of the run's time, because it was paused."""
        self._started += seconds

    def append(self, step: int, kind: str, data: dict[str, Any], flush: bool = True) -> None:
        """Add one event; with `flush` it can be read by others at once."""
        with self._mutex:
            self._file.write(encode(self.elapsed, step, kind, data))
            if flush:
                self._file.flush()

    def close(self) -> None:
        """Write out what is buffered and release the file."""
        with self._mutex:
            self._file.close()


class LogTail:
    """Reads complete lines beyond a cursor, and remembers where it stopped.

    A line without an end is not read until it has one. A line that is not an event is counted,
    so that sequence numbers stay line numbers, and reported as an alert in its place.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG_NAME
        self._offset = 0
        self._file: int | None = None  # of what was read, by its number on the disk
        self.cursor = 0

    def read(self, limit: int | None = None) -> list[Event]:
        """Events that were appended since the last call, at most `limit`."""
        try:
            with self._path.open("rb") as file:
                self._file = os.fstat(file.fileno()).st_ino
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        events: list[Event] = []
        start = 0
        while limit is None or len(events) < limit:
            end = data.find(b"\n", start)
            if end < 0:
                break
            self.cursor += 1
            events.append(_decode_or_alert(self.cursor, data[start:end]))
            start = end + 1
        self._offset += start
        return events

    def is_of_another_log(self) -> bool:
        """Whether the log was replaced or cut since it was read: it only ever grows by itself."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return self._offset > 0
        return now.st_size < self._offset or self._file not in (None, now.st_ino)

    @property
    def offset(self) -> int:
        """Bytes read so far."""
        return self._offset

    def skip_to(self, cursor: int) -> None:
        """Go forward to a cursor without decoding what lies before it."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                while self.cursor < cursor:
                    line = file.readline()
                    if not line.endswith(b"\n"):
                        break
                    self.cursor += 1
                    self._offset += len(line)
        except FileNotFoundError:
            return


def _decode_or_alert(seq: int, line: bytes) -> Event:
    try:
        return decode(seq, line)
    except (ValueError, TypeError, OverflowError) as error:
        evidence = {"kind": "unreadable line", "line": seq, "reason": str(error)}
        return Event(seq, 0.0, 0, "alert", evidence)


def _set_torn_line_aside(folder: Path) -> int:
    """Move bytes after the last newline to `events.torn`; return how many there were."""
    path = folder / LOG_NAME
    if not path.exists():
        return 0
    with path.open("rb+") as file:
        size = file.seek(0, 2)
        position, tail = size, b""
        while position > 0 and b"\n" not in tail:
            step = min(1 << 16, position)
            position -= step
            file.seek(position)
            tail = file.read(step) + tail
        torn = tail[tail.rfind(b"\n") + 1 :]
        if not torn:
            return 0
        with (folder / TORN_NAME).open("ab") as aside:
            aside.write(torn + b"\n")
        file.truncate(size - len(torn))
    return len(torn)
