import sys

import pytest


def assert_problem(answer, status, *words):
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    for word in words:
        assert word in problem["detail"]
    return problem


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/lessons/second/ending", ["ending", "closing, opening"]),
        ("/api/lessons/nowhere/opening", ["nowhere", "first, second"]),
        ("/api/challenges/triple", ["triple", "double"]),
        ("/api/attempts/99", ["99"]),
        ("/api/runs/nothing", ["nothing"]),
        ("/api/runs/..%2f..%2fetc", []),
        ("/api/typo", ["/api/typo", "/api/openapi.json"]),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(client, path, words):
    assert_problem(client.get(path, headers={"accept": "text/html"}), 404, *words)


def test_a_field_that_fails_validation_is_named_with_its_value(client):
    answer = client.post("/api/runs", json={"preset": "cartpole", "seed": -4})
    problem = assert_problem(answer, 422, "seed", "-4")
    assert (problem["field"], problem["value"]) == ("seed", "-4")
    assert problem["mend"]


def test_an_unknown_field_is_refused_by_name(client):
    problem = assert_problem(
        client.post("/api/runs", json={"preset": "cartpole", "sede": 1}), 422, "sede"
    )
    assert problem["field"] == "sede"


def test_a_body_that_is_no_json_is_said_to_be_so(client):
    answer = client.post(
        "/api/runs", content="{preset", headers={"content-type": "application/json"}
    )
    assert_problem(answer, 422, "JSON")


def test_an_unknown_preset_lists_the_known_ones_and_makes_no_run(client):
    assert_problem(client.post("/api/runs", json={"preset": "pong"}), 404, "pong", "cartpole")
    assert client.get("/api/runs").json() == []


def test_an_unknown_environment_or_setting_makes_no_run(client):
    for overrides in ({"environment": "NoSuch-v1"}, {"clip": 0.1}, {"clip_range": -1}):
        answer = client.post("/api/runs", json={"preset": "cartpole", "overrides": overrides})
        value = next(iter(overrides.values()))
        problem = assert_problem(answer, answer.status_code)
        assert answer.status_code in (404, 422)
        assert str(value) in problem["detail"] or next(iter(overrides)) in problem["detail"]
    assert client.get("/api/runs").json() == []


def test_a_method_that_is_not_possible_is_a_problem_too(client):
    assert_problem(client.delete("/api/course"), 405)


def test_a_fault_of_our_own_shows_no_traceback_and_the_server_goes_on(client, monkeypatch):
    from ppolab.server import views

    def broken(services):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(views, "course_map", broken)
    problem = assert_problem(client.get("/api/course"), 500)
    assert "secret" not in str(problem)
    monkeypatch.undo()
    assert client.get("/api/course").status_code == 200


def test_a_broken_lesson_names_its_file_and_line(client, settings):
    lesson = settings.content / "chapters/02-second/lessons/02-closing.md"
    lesson.write_text(lesson.read_text() + "\n:::graph{}\n")
    assert_problem(client.get("/api/lessons/second/closing"), 500, "02-closing.md:8", "Known:")
    assert client.get("/api/lessons/second/opening").status_code == 200


def test_a_request_cannot_have_a_module_imported(client):
    overrides = {"environment": "antigravity:Fly-v0"}
    answer = client.post("/api/runs", json={"preset": "cartpole", "overrides": overrides})
    assert answer.status_code == 422
    assert "names a module" in answer.json()["detail"]
    assert "antigravity" not in sys.modules
    assert client.get("/api/runs").json() == []
