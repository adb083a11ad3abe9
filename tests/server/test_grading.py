import time

import pytest
from fastapi.testclient import TestClient
from scripted import ScriptedGrader

from ppolab.server.app import create_app
from ppolab.server.grading import QUEUE_LENGTH


def submit(client, source):
    return client.post("/api/challenges/double/attempts", json={"source": source})


def follow(client, attempt_id):
    """Every state of an attempt that the socket tells, until it closes."""
    told = []
    with client.websocket_connect(f"/ws/attempts/{attempt_id}") as socket:
        while True:
            message = socket.receive()
            if message["type"] == "websocket.close":
                return told
            import json

            told.append(json.loads(message["text"])["attempt"])


def wait_done(client, attempt_id):
    for _ in range(200):
        attempt = client.get(f"/api/attempts/{attempt_id}").json()
        if attempt["status"] == "done":
            return attempt
        time.sleep(0.02)
    raise AssertionError("the attempt was not graded")


def test_a_submission_is_accepted_at_once_and_its_verdict_streamed(client, grader):
    grader.may_go_on.clear()
    answer = submit(client, "# verdict: pass")
    assert answer.status_code == 202
    assert answer.json()["status"] in ("queued", "running")
    assert answer.json()["checks"][0]["status"] == "pending"
    with client.websocket_connect(f"/ws/attempts/{answer.json()['id']}") as socket:
        first = socket.receive_json()["attempt"]
        assert first["status"] in ("queued", "running")
        assert first["verdict"] is None
        grader.may_go_on.set()
        while (attempt := socket.receive_json()["attempt"])["status"] != "done":
            pass
    assert attempt["verdict"] == "pass"
    assert attempt["checks"][1] == {
        "name": "twice",
        "title": "Returns twice the number",
        "status": "pass",
        "message": "as told",
        "visible": False,
        "case": "",
    }
    assert (attempt["output"], attempt["seconds"]) == ("printed\n", 0.25)


def test_only_a_passing_attempt_solves_the_challenge(client):
    wait_done(client, submit(client, "# verdict: fail").json()["id"])
    assert not client.get("/api/challenges/double").json()["solved"]
    wait_done(client, submit(client, "# verdict: pass").json()["id"])
    challenge = client.get("/api/challenges/double").json()
    assert (challenge["solved"], challenge["attempts"]) == (True, 2)
    assert client.get("/api/course").json()["done"] == 1
    wait_done(client, submit(client, "# verdict: timeout").json()["id"])
    assert client.get("/api/challenges/double").json()["solved"]


def test_attempts_are_kept_newest_first_with_their_code(client):
    for number in range(3):
        wait_done(client, submit(client, f"# number {number}").json()["id"])
    attempts = client.get("/api/challenges/double/attempts").json()
    assert [attempt["source"] for attempt in attempts] == ["# number 2", "# number 1", "# number 0"]


def test_submissions_are_graded_one_at_a_time(client, grader):
    attempts = [submit(client, "# verdict: pass").json()["id"] for _ in range(5)]
    for attempt_id in attempts:
        assert wait_done(client, attempt_id)["verdict"] == "pass"
    assert grader.most_at_work == 1


def test_a_full_queue_refuses_and_grades_what_it_has(client, grader):
    grader.may_go_on.clear()
    first = submit(client, "# first")
    while client.get(f"/api/attempts/{first.json()['id']}").json()["status"] == "queued":
        time.sleep(0.01)
    kept = [submit(client, "# waits") for _ in range(QUEUE_LENGTH)]
    assert {answer.status_code for answer in kept} == {202}
    refused = submit(client, "# too much")
    assert refused.status_code == 503
    assert "Wait" in refused.json()["mend"]
    grader.may_go_on.set()
    assert wait_done(client, kept[-1].json()["id"])["verdict"] == "fail"


def test_a_fault_of_the_grader_is_said_to_be_none_of_the_learners(client):
    attempt = wait_done(client, submit(client, "# explode").json()["id"])
    assert attempt["verdict"] == "error"
    assert "no fault of your code" in attempt["summary"]
    assert "RuntimeError" not in attempt["summary"]
    assert wait_done(client, submit(client, "# verdict: pass").json()["id"])["verdict"] == "pass"


def test_a_done_attempt_is_sent_once_and_the_socket_closed(client):
    attempt = wait_done(client, submit(client, "# verdict: pass").json()["id"])
    assert follow(client, attempt["id"]) == [attempt]


@pytest.mark.parametrize("attempt_id", ["999", "abc"])
def test_following_an_unknown_attempt_is_answered_in_words(client, attempt_id):
    with client.websocket_connect(f"/ws/attempts/{attempt_id}") as socket:
        message = socket.receive_json()
        assert message["type"] == "error"
        assert message["problem"]["field"] == "attempt"
        assert socket.receive()["code"] == 4404


def test_an_attempt_that_a_killed_server_left_is_ended_at_the_next_start(settings):
    from ppolab.server.database import open_database
    from ppolab.server.records import Records

    settings.prepare()
    records = Records(open_database(settings.database))
    left = records.add_attempt("double", "kept", [], "box")
    records.keep_attempt(left.model_copy(update={"status": "running"}))
    records.close()
    with TestClient(create_app(settings, ScriptedGrader()), base_url="http://localhost") as client:
        attempt = client.get(f"/api/attempts/{left.id}").json()
    assert (attempt["status"], attempt["verdict"]) == ("done", "error")
    assert attempt["summary"].startswith("interrupted: the server stopped")
    assert attempt["source"] == "kept"


def test_an_attempt_that_waits_when_the_server_stops_is_ended(settings):
    grader = ScriptedGrader()
    grader.may_go_on.clear()
    with TestClient(create_app(settings, grader), base_url="http://localhost") as client:
        submit(client, "# verdict: pass")
        waiting = submit(client, "# verdict: pass").json()["id"]
        grader.may_go_on.set()
    with TestClient(create_app(settings, grader), base_url="http://localhost") as client:
        attempt = client.get(f"/api/attempts/{waiting}").json()
    assert attempt["status"] == "done"
    assert attempt["verdict"] in ("pass", "error")


def test_hints_open_with_tries_and_the_rest_when_it_is_solved(client):
    def challenge():
        return client.get("/api/challenges/double").json()

    def open_hints():
        return [hint["number"] for hint in challenge()["hints"] if hint["blocks"] is not None]

    assert open_hints() == []
    starter = challenge()["starter"]
    for source in (starter, "# one", "# one"):  # the starter and a repetition are no tries
        wait_done(client, submit(client, source).json()["id"])
    assert (challenge()["tries"], open_hints()) == (1, [1])
    assert challenge()["after"] is None
    wait_done(client, submit(client, "# verdict: pass").json()["id"])
    assert open_hints() == [1, 2]
    after = challenge()["after"]
    assert after["explanation"][0]["children"][0]["text"].startswith("It is right because")
    assert [solution["name"] for solution in after["solutions"]] == ["the usual way"]
    assert "return" in after["solutions"][0]["source"]
    assert [source["symbol"] for source in after["engine"]] == ["ppolab.algorithms.kl.kl_k1"]
    assert "def kl_k1" in after["engine"][0]["source"]


def test_a_challenge_shows_its_examples_as_calls(client):
    (example,) = client.get("/api/challenges/double").json()["examples"]
    assert example == {"name": "three", "call": "double(x=3)", "expected": "6"}
