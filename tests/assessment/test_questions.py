from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ppolab.assessment.questions import (
    Belief,
    Choice,
    Configuration,
    Demand,
    FreeText,
    Mark,
    Numeric,
    Option,
    Ordering,
    Outcome,
    Prediction,
    Question,
    Setting,
    check_question,
    find_questions,
    load_question,
    read_number,
)
from ppolab.assessment.questions.variant import name_of
from ppolab.errors import InvalidSettingError

CONTENT = Path(__file__).parents[2] / "content"


def numeric(**changes) -> Numeric:
    """Twice 1.5 is 3, known wrongly as 1.5."""
    fields = {
        "prompt": "Twice 1.5?",
        "answer": 3.0,
        "again": 3.0,
        "tolerance": 0.01,
        "explanation": "1.5 + 1.5",
        "unit": "m",
        "beliefs": (Belief(1.5, "That is it once."),),
    }
    return Numeric(**{**fields, **changes})


def drawn(rng: np.random.Generator) -> Numeric:
    half = round(float(rng.uniform(1, 9)), 2)
    return numeric(
        prompt=f"Twice {half}?",
        answer=2 * half,
        again=half + half,
        explanation=f"It is {half} and {half}.",
        beliefs=(Belief(half, "That is it once."),),
    )


def question(generate, slug="double") -> Question:
    return Question(slug, "first", "Doubles", 1, (), generate, Path("double.py"))


def problems(generate) -> str:
    return "\n".join(flaw.problem for flaw in check_question(question(generate)))


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("3", 3.0),
        (" −2.5 ", -2.5),
        ("+.5", 0.5),
        ("2/3", 2 / 3),
        ("-1e-3", -0.001),
        ("27,648", 27648.0),
        ("1,024.5 steps", 1024.5),
        ("7 Steps", 7.0),
    ],
)
def test_numbers_are_read_as_people_write_them(typed, number):
    assert read_number(typed, "steps") == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(
    "typed",
    ["", "0,5", "1.2.3", "3 m", "1/0", "inf", "nan", "1e999", "two", "1 2", "9" * 99, ["1"]],
)
def test_what_is_no_number_is_answered_with_a_sentence(typed):
    words = read_number(typed, "steps")
    assert isinstance(words, str)
    assert words.endswith(".")


def test_a_number_is_right_within_its_tolerance_and_a_known_mistake_is_named():
    asked = numeric()
    assert asked.mark("3.009 m").verdict == "right"
    assert asked.mark("3.011").verdict == "wrong"
    assert asked.mark("1.5") == Mark("wrong", "That is it once.")
    assert asked.mark("3 s").verdict == "invalid"


CHOICE = Choice(
    "Which?",
    (Option("one", "No: 1."), Option("two", "Yes: 2.", right=True), Option("three", "No: 3.")),
)


def test_a_choice_is_shuffled_by_its_seed_and_tells_reasons_only_afterwards():
    orders = {CHOICE.ask(seed).options for seed in range(60)}
    assert len(orders) == 6
    assert CHOICE.ask(5) == CHOICE.ask(5)
    assert CHOICE.mark(name_of("two")).verdict == "right"
    assert CHOICE.mark(name_of("one")).verdict == "wrong"
    assert CHOICE.mark("two").verdict == "invalid"
    assert CHOICE.solution().reasons[name_of("three")] == "No: 3."
    assert "Yes: 2." not in repr(CHOICE.ask(1))


def test_an_order_is_never_shown_solved_and_must_be_complete():
    ordering = Ordering("Sort", ("a", "b", "c"), ("b needs a", "c needs b"))
    right = [name_of(text) for text in "abc"]
    for seed in range(100):
        assert [name for name, _ in ordering.ask(seed).options] != right
    assert ordering.mark(right).verdict == "right"
    assert ordering.mark([right[1], right[0], right[2]]).verdict == "wrong"
    assert ordering.mark(right[:2]).verdict == "invalid"
    assert ordering.mark([right[0]] * 3).verdict == "invalid"
    assert ordering.solution().reasons == {right[1]: "b needs a", right[2]: "c needs b"}


def configuration(**changes) -> Configuration:
    fields = {
        "prompt": "Make 12.",
        "settings": (Setting("a", "a", 1), Setting("b", "b", 1)),
        "demands": (
            Demand("a × b is 12", lambda v: v["a"] * v["b"] == 12, lambda v: "It is not 12."),
            Demand("a is over b", lambda v: v["a"] > v["b"], lambda v: "a is not over b."),
        ),
        "solution_values": {"a": 4.0, "b": 3.0},
        "near_misses": ({"a": 3.0, "b": 4.0},),
        "explanation": "4 times 3",
    }
    return Configuration(**{**fields, **changes})


def test_any_configuration_that_meets_the_demands_is_right_and_failing_ones_are_told():
    asked = configuration()
    assert asked.mark({"a": "6", "b": "2"}).verdict == "right"
    assert asked.mark({"a": "3", "b": "4"}) == Mark("wrong", "a is not over b.")
    assert asked.mark({"a": "2", "b": "4"}).words == "It is not 12. a is not over b."
    assert asked.mark({"a": "6"}) == Mark("invalid", "Fill in every setting.")
    assert "whole number" in asked.mark({"a": "2.5", "b": "4"}).words
    assert "above 0" in asked.mark({"a": "-6", "b": "-2"}).words


def test_a_prediction_is_run_only_once_an_answer_is_there():
    runs = []

    def run() -> Outcome:
        runs.append(1)
        return Outcome("up", "It rose by 3.")

    asked = Prediction("Up or down?", {"up": "It pulls.", "down": "It drags."}, run)
    asked.ask(1)
    assert asked.mark("neither").verdict == "invalid"
    assert runs == []
    assert asked.mark(name_of("up")).verdict == "right"
    assert asked.mark(name_of("down")).verdict == "wrong"
    assert len(runs) == 2
    assert asked.solution().explanation == "It rose by 3."


def test_free_text_is_kept_and_never_judged():
    asked = FreeText("Why?", "Because.", ("a", "b", "c"))
    assert asked.mark("I think that it pulls.").verdict == "not counted"
    assert asked.mark("pulls").verdict == "invalid"
    assert asked.examples().right == ()


# A question that is sound, and what must be found when it is spoilt.


def test_a_sound_question_has_no_flaws():
    assert check_question(question(drawn)) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda v, rng: dataclasses.replace(v, again=v.answer + 0.001), "give two answers"),
        (lambda v, rng: dataclasses.replace(v, tolerance=0.0), "tolerance is not above 0"),
        (lambda v, rng: dataclasses.replace(v, tolerance=9.0), "wrong answer"),
        (
            lambda v, rng: dataclasses.replace(v, beliefs=(Belief(v.answer + 0.004, "No."),)),
            "is marked right",
        ),
        (
            lambda v, rng: dataclasses.replace(v, prompt=f"{v.prompt} {v.explanation}"),
            "sent before it",
        ),
        (lambda v, rng: numeric(), "only 1 variants in 50 seeds"),
        (lambda v, rng: numeric(prompt=f"{np.random.default_rng().random()}"), "another variant"),
        (lambda v, rng: 1 / 0, "fails with ZeroDivisionError"),
    ],
)
def test_each_fault_of_a_number_question_is_found(spoil, words):
    def generate(rng):
        return spoil(drawn(rng), rng)

    assert words in problems(generate)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((Option("a", "x", True), Option("b", "y"), Option("b", "z")), "same words"),
        ((Option("a", "x", True), Option("b", "y", True), Option("c", "z")), "exactly one option"),
        ((Option("a", "x", True), Option("b", "y")), "fewer than three"),
        ((Option("a", "x", True), Option("b", ""), Option("c", "z")), "has no reason"),
    ],
)
def test_each_fault_of_a_choice_is_found(options, words):
    assert words in problems(lambda rng: Choice(f"Which of {rng.integers(99)}?", options))


def test_options_that_are_not_shuffled_are_found():
    class Unshuffled(Choice):
        def ask(self, seed):
            return super().ask(0)

    found = problems(lambda rng: Unshuffled(f"{rng.integers(99)}?", CHOICE.options))
    assert "stands in place" in found


def test_a_configuration_whose_solution_fails_or_whose_near_miss_passes_is_found():
    def generate(**changes):
        return lambda rng: configuration(prompt=f"Make 12 for {rng.integers(99)}.", **changes)

    assert problems(generate()) == ""
    assert "marked wrong" in problems(generate(solution_values={"a": 3.0, "b": 4.0}))
    assert "marked right" in problems(generate(near_misses=({"a": 12.0, "b": 1.0},)))


def test_a_run_that_comes_to_no_option_is_found():
    def generate(rng):
        return Prediction(f"{rng.integers(99)}?", {"a": "", "b": ""}, lambda: Outcome("c", "C"))

    assert "which is no option" in problems(generate)


@pytest.mark.parametrize("slug", sorted(find_questions(CONTENT)))
def test_each_question_of_the_course_proves_itself(slug):
    assert check_question(find_questions(CONTENT)[slug], tuple(range(50))) == []


def test_a_file_that_lacks_something_is_named_with_the_mend(tmp_path):
    folder = tmp_path / "chapters/01-first/questions"
    folder.mkdir(parents=True)
    file = folder / "01-asked.py"
    for text, words in [
        ("MINUTES = 1", "TITLE"),
        ("TITLE = 'T'", "MINUTES"),
        ("TITLE = 'T'\nMINUTES = 1", "generate"),
        ("TITLE = ", "cannot be read"),
    ]:
        file.write_text(text + f"\n# {words}")
        with pytest.raises(InvalidSettingError, match=words):
            load_question(file)
    file.write_text("TITLE = 'T'\nMINUTES = 2\ndef generate(rng): return None\n")
    assert load_question(file).slug == "asked"
    (folder / "02-asked.py").write_text(file.read_text())
    with pytest.raises(InvalidSettingError, match="name of two questions"):
        find_questions(tmp_path)
