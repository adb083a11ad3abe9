"""Following a log: whatever is cut, the state that a client folds is that of the whole log."""

import json
import math

import hypothesis.strategies as st
from hypothesis import given, settings
from scripted import FoldingClient, expected_state

from ppolab.runs import Event
from ppolab.server.live import FRAME_ROWS, Ring

VALUES = st.one_of(st.floats(-5, 5, width=32), st.sampled_from([math.nan, math.inf, -math.inf]))
METRICS = st.tuples(
    st.just("metrics"), st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1, max_size=3)
)
OTHERS = st.one_of(
    st.tuples(st.just("setting"), st.fixed_dictionaries({"name": st.just("x"), "value": VALUES})),
    st.tuples(st.just("rewind"), st.fixed_dictionaries({"to_step": st.integers(0, 40)})),
    st.tuples(st.just("stage"), st.just({"name": "update", "seconds": 0.1})),
)
LOGS = st.lists(st.one_of(METRICS, METRICS, OTHERS), max_size=60)
# What happens, in turn: the log grows, the ring reads it, the client reads, or the line is cut.
MOMENTS = st.lists(
    st.tuples(st.sampled_from(["write", "tail", "read", "cut"]), st.integers(1, 12)), max_size=60
)


def as_events(log):
    """Number the lines; steps rise, and fall back where a run was rewound."""
    events, step = [], 0
    for seq, (kind, data) in enumerate(log, 1):
        step = min(step, data["to_step"]) if kind == "rewind" else step + 1
        clean = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in data.items()
        }
        events.append(Event(seq, seq / 10, step, kind, clean))
    return events


@given(LOGS, MOMENTS, st.integers(1, 25))
@settings(max_examples=300, deadline=None)
def test_any_cut_and_reconnect_folds_to_the_state_of_the_whole_log(log, moments, ring_events):
    events = as_events(log)
    ring, client = Ring(max_events=ring_events), FoldingClient()
    written = 0
    for moment, amount in [*moments, ("write", len(events)), ("tail", len(events))]:
        if moment == "write":
            written = min(len(events), written + amount)
        elif moment == "tail":
            ring.append(events[ring.head : min(written, ring.head + amount)])
        elif moment == "cut":
            # A page that is loaded anew fetches what the log holds, which the ring may not yet.
            client = FoldingClient()
            client.fetch(events[:written])
        else:
            client.read(ring, events[:written], at_most=amount)
    client.read(ring, events, at_most=None)
    assert client.cursor == len(events)
    assert client.state() == expected_state(events)


@given(LOGS, st.lists(st.integers(1, 10)), st.integers(0, 60))
@settings(max_examples=200, deadline=None)
def test_a_cursor_anywhere_gets_each_later_line_once_and_no_earlier_one(log, pieces, cursor):
    events = as_events(log)
    ring = Ring()
    for piece in [*pieces, len(events)]:
        ring.append(events[ring.head : ring.head + piece])
    got = []
    for _, text in ring.after(cursor):
        message = json.loads(text)
        got += message["seq"] if message["type"] == "frame" else [message["event"]["seq"]]
    assert got == list(range(cursor + 1, len(events) + 1))


def metric(seq, **values):
    return Event(seq, seq / 10, seq, "metrics", values)


def test_neighbouring_metrics_travel_as_one_frame_of_columns():
    ring = Ring()
    ring.append([metric(1, a=1.0, b=2.0), metric(2, a=3.0, b=math.nan)])
    ((cursor, text),) = ring.after(0)
    assert cursor == 2
    assert json.loads(text) == {
        "type": "frame",
        "seq": [1, 2],
        "step": [1, 2],
        "t": [0.1, 0.2],
        "series": {"a": [1.0, 3.0], "b": [2.0, None]},
    }


def test_a_metric_that_was_not_recorded_is_absent_and_not_null():
    ring = Ring()
    ring.append([metric(1, a=1.0), metric(2, b=2.0)])
    frames = [json.loads(text) for _, text in ring.after(0)]
    assert [frame["series"] for frame in frames] == [{"a": [1.0]}, {"b": [2.0]}]


def test_infinities_travel_as_null():
    ring = Ring()
    ring.append([metric(1, a=math.inf), Event(2, 0.2, 1, "sample", {"x": -math.inf})])
    texts = [text for _, text in ring.after(0)]
    assert json.loads(texts[0])["series"] == {"a": [None]}
    assert json.loads(texts[1])["event"]["data"] == {"x": None}


def test_all_clients_are_sent_the_very_same_text():
    ring = Ring()
    ring.append([metric(number, a=1.0) for number in range(1, 6)])
    ((_, first),) = ring.after(0)
    ((_, second),) = ring.after(0)
    assert first is second
    ((_, cut),) = ring.after(3)
    assert json.loads(cut)["seq"] == [4, 5]


def test_a_client_that_wants_some_metrics_gets_those_alone_and_every_event():
    ring = Ring()
    ring.append([metric(1, a=1.0, b=2.0), metric(2, c=3.0), Event(3, 0.3, 2, "stage", {})])
    got = list(ring.after(0, frozenset("b")))
    assert [cursor for cursor, _ in got] == [1, 2, 3]
    assert json.loads(got[0][1])["series"] == {"b": [2.0]}
    assert got[1][1] is None
    assert json.loads(got[2][1])["event"]["kind"] == "stage"


def test_the_ring_is_bounded_in_lines_and_in_bytes():
    ring = Ring(max_events=10)
    for number in range(1, 101):
        ring.append([metric(number, a=1.0)])
    assert (ring.base, ring.head, len(ring.entries)) == (90, 100, 10)
    assert ring.lost(89)
    assert not ring.lost(90)
    small = Ring(max_bytes=1000)
    for number in range(1, 101):
        small.append([Event(number, 0.0, 1, "sample", {"text": "x" * 200})])
    assert small.bytes <= 1000
    assert small.bytes == sum(len(entry.text) for entry in small.entries)


def test_catching_up_comes_in_pieces():
    ring = Ring()
    ring.append([metric(number, a=1.0) for number in range(1, 2 * FRAME_ROWS + 2)])
    assert [cursor for cursor, _ in ring.after(0)] == [FRAME_ROWS, 2 * FRAME_ROWS, 1001]
