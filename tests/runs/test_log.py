from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppolab.errors import StorageError
from ppolab.runs.events import Event, decode, encode
from ppolab.runs.log import LOG_NAME, TORN_NAME, LogTail, LogWriter

LINES = [encode(i / 10, i, "metrics", {"loss": i / 3, "note": "é" * i}) for i in range(8)]


def test_numbers_that_are_not_finite_become_gaps() -> None:
    line = encode(1.0, 5, "metrics", {"a": math.nan, "b": math.inf, "c": 0.5})
    assert decode(1, line).data == {"a": None, "b": None, "c": 0.5}


def test_what_is_written_is_read_with_line_numbers(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, start_time=40.0)
    writer.append(7, "sample", {"text": "one\ntwo"})
    writer.append(9, "metrics", {"x": 1.5})
    first, second = LogTail(tmp_path).read()
    assert (first.seq, first.step, first.type, first.data) == (1, 7, "sample", {"text": "one\ntwo"})
    assert (second.seq, second.step, second.data) == (2, 9, {"x": 1.5})
    assert 40.0 <= first.t <= second.t < 50.0
    writer.close()


def test_time_that_is_held_is_left_out(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, start_time=100.0)
    writer.hold_clock(60.0)
    assert 40.0 <= writer.elapsed < 50.0
    writer.close()


def test_an_event_kept_back_is_read_once_another_is_flushed(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)
    tail = LogTail(tmp_path)
    writer.append(1, "stage", {}, flush=False)
    assert tail.read() == []
    writer.append(1, "metrics", {})
    assert [event.type for event in tail.read()] == ["stage", "metrics"]
    writer.close()


def test_a_log_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    tail = LogTail(tmp_path)
    tail.skip_to(3)
    assert (tail.read(), tail.cursor) == ([], 0)


@given(
    st.lists(st.integers(1, 60), max_size=40),
    st.lists(st.none() | st.integers(1, 3), min_size=1, max_size=5),
)
def test_any_split_of_writing_and_reading_gives_the_same_events(
    pieces: list[int], limits: list[int | None]
) -> None:
    data = b"".join(LINES)
    expected = [decode(i + 1, line) for i, line in enumerate(LINES)]
    with TemporaryDirectory() as name:
        folder = Path(name)
        tail, events, written = LogTail(folder), [], 0
        for i, size in enumerate([*pieces, len(data)]):
            with (folder / LOG_NAME).open("ab") as file:
                file.write(data[written : written + size])
            written += size
            events += tail.read(limits[i % len(limits)])
            assert tail.cursor == len(events)
        events += tail.read()
        assert events == expected
        assert tail.offset == len(data)


@given(st.integers(0, 10), st.none() | st.integers(0, 10))
def test_a_cursor_stands_for_the_lines_already_read(cursor: int, limit: int | None) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / LOG_NAME).write_bytes(b"".join(LINES))
        tail = LogTail(folder)
        tail.skip_to(cursor)
        seqs = [event.seq for event in tail.read(limit)]
        assert seqs == list(range(1, len(LINES) + 1))[cursor:][:limit]


@pytest.mark.parametrize("torn", [b'{"t":1,"st', b"x" * 200_000, "é".encode()[:1]])
@pytest.mark.parametrize("whole", [LINES[:0], LINES[:3]])
def test_a_torn_line_is_not_read_and_then_set_aside(
    tmp_path: Path, whole: list[bytes], torn: bytes
) -> None:
    (tmp_path / LOG_NAME).write_bytes(b"".join(whole) + torn)
    tail = LogTail(tmp_path)
    assert len(tail.read()) == len(whole)

    writer = LogWriter(tmp_path)
    assert writer.torn_bytes == len(torn)
    writer.append(99, "metrics", {})
    writer.close()
    assert (tmp_path / TORN_NAME).read_bytes() == torn + b"\n"
    assert [event.step for event in tail.read()] == [99]
    assert len(LogTail(tmp_path).read()) == len(whole) + 1


def test_a_second_torn_line_does_not_replace_the_first(tmp_path: Path) -> None:
    for piece in (b"first", b"second"):
        with (tmp_path / LOG_NAME).open("ab") as file:
            file.write(piece)
        LogWriter(tmp_path).close()
    assert (tmp_path / TORN_NAME).read_bytes() == b"first\nsecond\n"


def test_a_whole_log_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / LOG_NAME).write_bytes(b"".join(LINES))
    writer = LogWriter(tmp_path)
    writer.close()
    assert writer.torn_bytes == 0
    assert (tmp_path / LOG_NAME).read_bytes() == b"".join(LINES)
    assert not (tmp_path / TORN_NAME).exists()


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\x00\x00\x00",
        b"not json",
        b"[1, 2]",
        b"{}",
        b'{"t":"soon","step":1,"type":"metrics","data":{}}',
        b'{"t":1,"step":null,"type":"metrics","data":{}}',
        b'{"t":1,"step":1e999,"type":"metrics","data":{}}',
        b'{"t":1,"step":1,"type":"metrics","data":3}',
        b'{"t":1,"step":1,"type":"state","data":{"state":"running"}}',
        b'{"t":1,"step":1,"type":"rewind","data":{}}',
    ],
)
def test_an_unreadable_line_becomes_an_alert_in_its_place(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / LOG_NAME).write_bytes(LINES[0] + damaged + b"\n" + LINES[2])
    before, alert, after = LogTail(tmp_path).read()
    assert (before.seq, before.step) == (1, 0)
    assert (alert.seq, alert.type, alert.data["kind"]) == (2, "alert", "unreadable line")
    assert alert.data["line"] == 2
    assert alert.data["reason"]
    assert (after.seq, after.step) == (3, 2)
    assert isinstance(after, Event)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="run folder") as caught:
        LogWriter(tmp_path / "missing")
    assert "Check the folder" in caught.value.mend
