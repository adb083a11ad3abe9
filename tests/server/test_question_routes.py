from __future__ import annotations

import json

import pytest

from ppolab.assessment.questions import load_question

NUMBER = """
from ppolab.assessment.questions import Belief, Numeric

TITLE = "Double it"
MINUTES = 2


def generate(rng):
    half = int(rng.integers(100, 10**9))
    return Numeric(f"Twice {half}?", 2 * half, half + half, 0.5, "Secret: add it to itself.",
                   unit="m", beliefs=(Belief(half, "That is it once."),))
"""
TEXT = """
from ppolab.assessment.questions import FreeText

TITLE = "In your own words"
MINUTES = 3


def generate(rng):
    return FreeText("Why?", "Secret model answer.", ("first point", "second point", "third point"))
"""


@pytest.fixture(autouse=True)
def questions(settings):
    folder = settings.content / "chapters/02-second/questions"
    folder.mkdir()
    (folder / "01-double-it.py").write_text(NUMBER)
    (folder / "02-own-words.py").write_text(TEXT)
    return folder


def asked(client, slug="double-it"):
    return client.get(f"/api/questions/{slug}").json()


def half(question) -> int:
    return int(question["prompt"][0]["children"][0]["text"].split()[1].rstrip("?"))


def give(client, answer, number=1, slug="double-it"):
    return client.post(f"/api/questions/{slug}/answers", json={"number": number, "answer": answer})


def test_the_chapter_lists_its_questions_and_the_map_counts_them_as_one(client):
    page = client.get("/api/chapters/second/questions").json()
    assert [question["slug"] for question in page["questions"]] == ["double-it", "own-words"]
    assert [question["counted"] for question in page["questions"]] == [True, False]
    assert page["done"] is False
    links = client.get("/api/course").json()["chapters"][1]["lessons"]
    (link,) = [link for link in links if link["kind"] == "questions"]
    assert (link["slug"], link["title"], link["minutes"]) == ("second", "Quiz: 2 questions", 5)
    assert link["done"] is False
    assert client.get("/api/chapters/first/questions").status_code == 404
    assert client.get("/api/questions/nothing").json()["detail"].endswith("double-it, own-words")


def test_what_is_right_comes_only_after_an_answer(client):
    before = client.get("/api/questions/double-it")
    assert before.json()["outcome"] is None
    for told in ("Secret", "That is it once", str(2 * half(before.json()))):
        assert told not in before.text
    answer = give(client, "1").json()
    outcome = answer["question"]["outcome"]
    assert (outcome["verdict"], outcome["answer"]) == ("wrong", "1")
    assert outcome["correct"] == str(2 * half(before.json()))
    assert outcome["explanation"][0]["children"][0]["text"].startswith("Secret")
    assert asked(client)["outcome"] == outcome


def test_the_first_readable_answer_counts_and_an_unreadable_one_costs_nothing(client):
    number = half(asked(client))
    invalid = give(client, "no idea").json()
    assert invalid["invalid"].startswith("Write a number")
    assert invalid["question"]["outcome"] is None
    assert give(client, f"{number} m").json()["question"]["outcome"]["words"] == "That is it once."
    again = give(client, str(2 * number))
    assert again.status_code == 409
    assert "first answer is the one that counts" in again.json()["detail"]
    question = asked(client)
    assert (question["variants_right"], question["variants_answered"]) == (0, 1)


def test_another_variant_comes_only_after_an_answer_and_has_other_numbers(client):
    first = asked(client)
    early = client.post("/api/questions/double-it/next", json={"after": 1})
    assert early.status_code == 409
    assert asked(client) == first
    give(client, "1")
    second = client.post("/api/questions/double-it/next", json={"after": 1}).json()
    assert (second["number"], second["outcome"]) == (2, None)
    assert half(second) != half(first)
    # Asked twice, as by an impatient finger, nothing is skipped.
    assert client.post("/api/questions/double-it/next", json={"after": 1}).json() == second
    right = give(client, str(2 * half(second)), 2).json()
    assert right["question"]["outcome"]["verdict"] == "right"
    assert (right["question"]["variants_right"], right["question"]["variants_answered"]) == (1, 2)


def test_the_chapters_questions_are_done_when_each_that_counts_was_right_once(client):
    wrong = give(client, "1").json()
    assert wrong["chapter_done"] is False
    client.post("/api/questions/double-it/next", json={"after": 1})
    assert give(client, str(2 * half(asked(client))), 2).json()["chapter_done"] is True
    assert client.get("/api/chapters/second/questions").json()["done"] is True
    assert client.get("/api/course").json()["done"] == 1


def test_own_words_are_compared_with_a_model_answer_and_ticked_by_oneself(client):
    tick = {"number": 1, "ticked": [0, 2]}
    assert client.post("/api/questions/own-words/self-assessment", json=tick).status_code == 409
    assert "Secret" not in client.get("/api/questions/own-words").text
    outcome = give(client, "It pulls them back.", slug="own-words").json()["question"]["outcome"]
    assert outcome["verdict"] == "not counted"
    assert (len(outcome["rubric"]), outcome["ticked"]) == (3, None)
    ticked = client.post("/api/questions/own-words/self-assessment", json=tick).json()
    assert ticked["outcome"]["ticked"] == [0, 2]
    far = {"number": 1, "ticked": [3]}
    assert client.post("/api/questions/own-words/self-assessment", json=far).status_code == 422


def test_an_answer_survives_a_new_server_and_is_told_again(client, settings, grader):
    from fastapi.testclient import TestClient

    from ppolab.server.app import create_app

    number = half(asked(client))
    give(client, str(2 * number))
    with TestClient(create_app(settings, grader), base_url="http://localhost") as later:
        assert asked(later)["outcome"]["answer"] == str(2 * number)


def test_sizes_and_shapes_of_answers_are_limited(client):
    assert give(client, "x" * 9000).status_code == 422
    assert give(client, ["x"] * 65).status_code == 422
    assert give(client, {"a": 5}).status_code == 422
    assert give(client, ["1"]).json()["invalid"]


def test_a_seed_never_leaves_the_server(client, questions):
    everything = client.get("/api/chapters/second/questions").text
    assert "seed" not in json.loads(everything)["questions"][0]
    shown = half(asked(client))
    question = load_question(questions / "01-double-it.py")
    guesses = [int(question.variant(seed).prompt.split()[1].rstrip("?")) for seed in range(200)]
    assert shown not in guesses
