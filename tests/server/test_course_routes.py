def predict(client, option):
    return client.post(
        "/api/predictions",
        json={"chapter": "second", "lesson": "opening", "id": "leak", "option": option},
    )


def options(lesson):
    block = next(block for block in lesson["blocks"] if block["type"] == "predict")
    return {option["children"][0]["text"]: option["id"] for option in block["options"]}


def test_the_map_shows_what_is_written_and_what_is_done(client):
    course = client.get("/api/course").json()
    assert [chapter["written"] for chapter in course["chapters"]] == [False, True]
    assert (course["done"], course["total"]) == (0, 3)
    answer = client.put("/api/lessons/second/closing/progress", json={"done": True}).json()
    assert answer == client.get("/api/course").json()
    assert answer["done"] == 1
    done = {link["slug"]: link["done"] for link in answer["chapters"][1]["lessons"]}
    assert done == {"opening": False, "double": False, "closing": True}


def test_a_lesson_knows_its_place_and_neighbours(client):
    lesson = client.get("/api/lessons/second/opening").json()
    assert (lesson["number"], lesson["chapter_number"]) == ("2.1", 2)
    assert lesson["previous"] is None
    assert lesson["next"] == {
        "chapter": "second",
        "slug": "double",
        "title": "Double a number",
        "kind": "challenge",
    }
    closing = client.get("/api/lessons/second/closing").json()
    assert (closing["previous"]["slug"], closing["next"]) == ("double", None)


def test_the_answer_stays_with_the_server_until_the_learner_has_answered(client):
    lesson = client.get("/api/lessons/second/opening")
    assert lesson.json()["predictions"] == {}
    assert "nothing holds the ratio itself" not in lesson.text
    wrong = options(lesson.json())["Always at 1"]
    right = options(lesson.json())["Sometimes outside"]
    answer = predict(client, wrong).json()
    assert (answer["chosen"], answer["correct"]) == (wrong, right)
    assert answer["reasons"][right] == "nothing holds the ratio itself"
    assert client.get("/api/lessons/second/opening").json()["predictions"] == {"leak": answer}


def test_a_second_answer_does_not_replace_the_first(client):
    ids = options(client.get("/api/lessons/second/opening").json())
    predict(client, ids["Always at 1"])
    again = predict(client, ids["Sometimes outside"]).json()
    assert again["chosen"] == ids["Always at 1"]


def test_an_option_that_is_not_there_counts_as_no_answer(client):
    answer = predict(client, "12345678")
    assert answer.status_code == 404
    assert client.get("/api/lessons/second/opening").json()["predictions"] == {}


def test_a_prediction_whose_options_were_reworded_counts_as_not_made(client, settings):
    ids = options(client.get("/api/lessons/second/opening").json())
    predict(client, ids["Always at 1"])
    file = settings.content / "chapters/02-second/lessons/01-opening.md"
    file.write_text(file.read_text().replace("Always at 1", "Never anywhere but at 1"))
    assert client.get("/api/lessons/second/opening").json()["predictions"] == {}


def test_a_challenge_comes_with_its_texts_and_draft_but_no_solution(client, grader):
    client.put("/api/challenges/double/draft", json={"source": "def double(x): pass"})
    answer = client.get("/api/challenges/double")
    challenge = answer.json()
    assert challenge["chapter"] == "second"
    assert challenge["entry"] == "double"
    assert challenge["draft"] == "def double(x): pass"
    assert [(check["name"], check["visible"]) for check in challenge["checks"]] == [
        ("examples", True),
        ("twice", False),
    ]
    assert challenge["prompt"][0]["children"][0] == {"type": "text", "text": "Write "}
    assert [hint["after"] for hint in challenge["hints"]] == [1, 2]
    assert [hint["blocks"] for hint in challenge["hints"]] == [None, None]
    assert "return 2 * x" not in answer.text
    assert grader.warmed.wait(5)


def test_health_tells_the_isolation_and_readiness_what_is_missing(client, settings):
    health = client.get("/health").json()
    assert (health["status"], health["sandbox_backend"]) == ("ok", "scripted")
    assert health["runs_folder"] == str(settings.runs_folder)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "make run" in answer.json()["waiting_for"][0]
    settings.web.mkdir()
    (settings.web / "index.html").write_text("<!doctype html>")
    assert client.get("/ready").json() == {"ready": True, "waiting_for": []}
