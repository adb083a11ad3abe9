import fcntl
import json
import time

import pytest
from scripted import lines

STATE = {"state": "running", "words": "running from step 0"}
FINISHED = {"state": "finished", "words": "finished at step 30"}
LOG = [
    (0, "state", STATE),
    (10, "metrics", {"loss": 1.0}),
    (20, "metrics", {"loss": None}),
    (20, "histogram", {"name": "ratio", "low": 0, "high": 2, "counts": [[1, 2]]}),
    (30, "metrics", {"loss": 3.0}),
    (30, "state", FINISHED),
]


def until(socket, kind):
    """Messages up to the first of a kind, with it."""
    got = []
    while not got or got[-1]["type"] != kind:
        got.append(socket.receive_json())
    return got


def sequence(messages):
    """Every log line in messages, in their order."""
    found = []
    for message in messages:
        if message["type"] == "frame":
            found += message["seq"]
        elif message["type"] == "event":
            found.append(message["event"]["seq"])
    return found


@pytest.fixture
def hold():
    """Keep a run's lock, as the process that works on it does."""
    held = []

    def hold(folder):
        held.append((folder / "run.lock").open("w"))
        fcntl.flock(held[-1], fcntl.LOCK_EX)
        return held[-1]

    yield hold
    for file in held:
        file.close()


def test_a_finished_run_is_told_whole_and_then_done(client, write_run):
    write_run("one", LOG)
    with client.websocket_connect("/ws/runs/one?cursor=0") as socket:
        messages = until(socket, "done")
    hello, done = messages[0], messages[-1]
    assert (hello["type"], hello["protocol"], hello["head"]) == ("hello", 1, 6)
    assert hello["keys"] == ["loss"]
    assert sequence(messages) == [1, 2, 3, 4, 5, 6]
    frame = next(message for message in messages if message["type"] == "frame")
    assert frame["step"] == [10, 20]
    assert frame["series"] == {"loss": [1.0, None]}
    assert done["run"]["state"] == "finished"


@pytest.mark.parametrize("cursor", [2, 3, 6])
def test_a_cursor_gets_only_what_lies_beyond_it(client, write_run, cursor):
    write_run("one", LOG)
    with client.websocket_connect(f"/ws/runs/one?cursor={cursor}") as socket:
        assert sequence(until(socket, "done")) == list(range(cursor + 1, 7))


def test_what_is_appended_arrives_while_the_socket_is_open(client, write_run, hold):
    folder = write_run("one", LOG[:2])
    lock = hold(folder)
    with client.websocket_connect("/ws/runs/one") as socket:
        assert sequence(until(socket, "frame")) == [1, 2]
        with (folder / "events.jsonl").open("ab") as log:
            log.write(lines(LOG)[len(lines(LOG[:2])) :])
        lock.close()
        messages = until(socket, "done")
    assert sequence(messages) == [3, 4, 5, 6]


def test_a_run_that_goes_on_after_its_end_is_followed_again(client, write_run, hold):
    folder = write_run("one", LOG)
    with client.websocket_connect("/ws/runs/one?cursor=6") as socket:
        until(socket, "done")
        lock = hold(folder)
        again = [(30, "state", STATE), (40, "metrics", {"loss": 4.0})]
        with (folder / "events.jsonl").open("ab") as log:
            log.write(lines(again))
        assert sequence(until(socket, "frame")) == [7, 8]
        with (folder / "events.jsonl").open("ab") as log:
            log.write(lines([(40, "state", FINISHED)]))
        lock.close()
        assert until(socket, "done")[-1]["run"]["head"] == 9


def test_a_process_that_goes_away_is_told_as_interrupted(client, write_run, hold):
    folder = write_run("one", LOG[:3])
    lock = hold(folder)
    with client.websocket_connect("/ws/runs/one") as socket:
        until(socket, "frame")
        lock.close()
        run = until(socket, "done")[-1]["run"]
    assert run["state"] == "interrupted"
    assert run["state_words"] == "interrupted at step 20: its process went away"


def test_a_log_cut_off_in_the_middle_of_a_line_loses_only_that_line(client, write_run):
    folder = write_run("one", LOG)
    log = folder / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-25])
    with client.websocket_connect("/ws/runs/one") as socket:
        messages = until(socket, "done")
    assert sequence(messages) == [1, 2, 3, 4, 5]
    assert messages[-1]["run"]["state"] == "interrupted"
    assert client.get("/api/runs/one").json()["state"] == "interrupted"
    assert client.get("/api/runs/one/series").json()["series"]["loss"]["step"] == [10, 20, 30]


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        ("pause", "message", "is not JSON"),
        ('{"type": "dance"}', "the message", "subscribe"),
        ('{"type": "subscribe", "hz": 500}', "subscribe.hz", "500"),
        ('{"type": "ping", "more": 1}', "ping.more", "1"),
        ('{"type": "control", "control": {"action": "jump"}}', "control.control.action", "jump"),
        ("[]", "the message", "[]"),
        ("null", "the message", "None"),
    ],
)
def test_a_message_that_cannot_be_used_is_answered_and_the_socket_stays(
    client, write_run, sent, field, words
):
    write_run("one", LOG)
    with client.websocket_connect("/ws/runs/one?cursor=6") as socket:
        until(socket, "done")
        socket.send_text(sent)
        problem = until(socket, "error")[-1]["problem"]
        assert problem["field"] == field
        assert words in problem["detail"]
        socket.send_text('{"type": "ping"}')
        assert socket.receive_json() == {"type": "pong"}


def test_a_binary_message_is_answered_too(client, write_run):
    write_run("one", LOG)
    with client.websocket_connect("/ws/runs/one?cursor=6") as socket:
        until(socket, "done")
        socket.send_bytes(b"\xff\x00")
        assert "is binary" in until(socket, "error")[-1]["problem"]["detail"]


def test_a_control_that_does_not_fit_the_state_is_refused_in_words(client, write_run):
    write_run("one", LOG)
    with client.websocket_connect("/ws/runs/one?cursor=6") as socket:
        until(socket, "done")
        socket.send_text(json.dumps({"type": "control", "control": {"action": "pause"}}))
        problem = until(socket, "error")[-1]["problem"]
    assert problem["status"] == 409
    assert "finished" in problem["detail"]


def test_a_client_may_choose_its_metrics(client, write_run, hold):
    folder = write_run("one", LOG[:1])
    hold(folder)
    with client.websocket_connect("/ws/runs/one") as socket:
        socket.send_text('{"type": "subscribe", "hz": 5, "keys": ["b"]}')
        socket.send_text('{"type": "ping"}')
        until(socket, "pong")
        with (folder / "events.jsonl").open("ab") as log:
            log.write(lines([(1, "metrics", {"a": 1.0, "b": 2.0})]))
        assert until(socket, "frame")[-1]["series"] == {"b": [2.0]}


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [("/ws/runs/nothing", "run", 4404), ("/ws/runs/one?cursor=-1", "cursor", 4422)],
)
def test_a_socket_that_is_of_no_use_says_why_and_closes(client, write_run, path, field, code):
    write_run("one", LOG)
    with client.websocket_connect(path) as socket:
        message = socket.receive_json()
        assert (message["type"], message["problem"]["field"]) == ("error", field)
        assert socket.receive()["code"] == code


def test_a_cursor_beyond_the_log_is_sent_back(client, write_run):
    write_run("one", LOG)
    with client.websocket_connect("/ws/runs/one?cursor=500") as socket:
        messages = until(socket, "done")
    assert messages[1] == {"type": "resync", "from_seq": 500, "to_seq": 6}
    assert sequence(messages) == []


def test_a_cursor_that_fell_out_of_the_ring_is_told_to_fetch_again(client, write_run, monkeypatch):
    from ppolab.server import live

    monkeypatch.setattr(live, "RING_EVENTS", 2)
    write_run("one", LOG)
    with client.websocket_connect("/ws/runs/one?cursor=1") as socket:
        messages = until(socket, "done")
    assert messages[1] == {"type": "resync", "from_seq": 1, "to_seq": 6}
    with client.websocket_connect("/ws/runs/one?cursor=4") as socket:
        assert sequence(until(socket, "done")) == [5, 6]


def test_clients_of_one_run_share_a_hub_that_ends_with_the_last(client, write_run):
    write_run("one", LOG)
    hubs = client.app.state.services.hubs
    with client.websocket_connect("/ws/runs/one") as first:
        until(first, "done")
        with client.websocket_connect("/ws/runs/one?cursor=3") as second:
            assert sequence(until(second, "done")) == [4, 5, 6]
            assert len(hubs) == 1
        assert len(hubs) == 1
    for _ in range(100):
        if len(hubs) == 0:
            break
        time.sleep(0.02)
    assert len(hubs) == 0


def test_a_log_that_can_no_longer_be_read_closes_the_socket_and_says_so(
    client, write_run, monkeypatch
):
    from ppolab.runs import LogTail

    write_run("one", LOG)
    with client.websocket_connect("/ws/runs/one?cursor=6") as socket:
        until(socket, "done")

        def broken(self, limit=None):
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(LogTail, "read", broken)
        closing = socket.receive()
    assert (closing["code"], "cannot be read" in closing["reason"]) == (1011, True)
    monkeypatch.undo()
    with client.websocket_connect("/ws/runs/one?cursor=4") as socket:
        assert sequence(until(socket, "done")) == [5, 6]


def test_the_socket_of_a_run_that_is_deleted_is_closed(client, write_run):
    write_run("one", LOG)
    with client.websocket_connect("/ws/runs/one?cursor=6") as socket:
        until(socket, "done")
        assert client.delete("/api/runs/one").status_code == 204
        assert socket.receive()["code"] == 4404
