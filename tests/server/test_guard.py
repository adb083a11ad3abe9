import pytest
from starlette.websockets import WebSocketDisconnect

from ppolab.server.guard import BODY_LIMIT

OWN = "http://localhost"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:9999", "null"])
def test_a_page_from_elsewhere_may_not_change_anything(client, origin):
    answer = client.put(
        "/api/challenges/double/draft", json={"source": "x"}, headers={"origin": origin}
    )
    assert answer.status_code == 403
    assert origin in answer.json()["detail"]
    assert client.get("/api/challenges/double").json()["draft"] is None


def test_our_own_page_and_programs_without_an_origin_may(client):
    for headers in ({"origin": OWN}, {}):
        answer = client.put("/api/challenges/double/draft", json={"source": "x"}, headers=headers)
        assert answer.status_code == 204


def test_a_page_from_elsewhere_may_not_open_a_socket(client, write_run):
    write_run("mine", [])
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/ws/runs/mine", headers={"origin": "http://evil.example"}),
    ):
        pass
    with client.websocket_connect("/ws/runs/mine", headers={"origin": OWN}) as socket:
        assert socket.receive_json()["type"] == "hello"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", ""])
def test_a_foreign_name_that_points_here_is_refused_even_for_reading(client, host):
    answer = client.get("/api/course", headers={"host": host})
    assert answer.status_code == 403
    assert answer.json()["field"] == "host"


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:1234", "[::1]:8000"])
def test_loopback_names_are_known_on_any_port(client, host):
    assert client.get("/api/course", headers={"host": host}).status_code == 200


def test_a_submission_of_5_mb_is_refused_with_size_limit_and_mend(client):
    source = "x" * 5_000_000
    answer = client.post("/api/challenges/double/attempts", json={"source": source})
    assert answer.status_code == 413
    problem = answer.json()
    assert "5,000,0" in problem["detail"]
    assert f"{BODY_LIMIT:,}" in problem["detail"]
    assert problem["mend"]
    assert client.get("/api/challenges/double/attempts").json() == []


def test_a_large_body_of_undeclared_length_is_refused_too(client):
    def chunks():
        yield b'{"source": "'
        for _ in range(100):
            yield b"x" * 10_000
        yield b'"}'

    answer = client.post(
        "/api/challenges/double/attempts",
        content=chunks(),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 413
    assert answer.json()["field"] == "the request"  # and not its source, which was never parsed


def test_a_small_body_of_undeclared_length_arrives_whole(client):
    def chunks():
        yield b'{"source": '
        yield b'"in two parts"}'

    answer = client.put(
        "/api/challenges/double/draft",
        content=chunks(),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 204
    assert client.get("/api/challenges/double").json()["draft"] == "in two parts"


def test_a_source_over_the_graders_limit_is_refused_below_the_bodys(client):
    answer = client.post("/api/challenges/double/attempts", json={"source": "x" * 300_000})
    assert answer.status_code == 413
    assert "300,000 bytes" in answer.json()["detail"]
    assert "262,144" in answer.json()["detail"]
