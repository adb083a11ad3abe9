from pathlib import Path
from typing import Any

import pytest
from language_cases import samples_of

from ppolab.errors import InvalidSettingError, StorageError, UnknownNameError
from ppolab.language.custom_rewards import (
    FunctionReward,
    PromptBook,
    answer_is_right,
    load_function,
    number_in,
    weighted_names,
)
from ppolab.language.rewards import RewardFailedError

SAMPLES = samples_of([[11, 12], [21]], [[1, 2, 0], [3, 0]])
TEXTS = ["first text", "second"]


class Letters:
    """Stands for a tokenizer: each token is a letter, 0 is nothing."""

    def decode(self, ids: list[int]) -> str:
        return "".join(chr(96 + i) for i in ids if i)


def book(**records: Any) -> PromptBook:
    return PromptBook(Letters(), {(11, 12): {"prompt": "say k l", **records}})  # type: ignore[arg-type]


def test_a_functions_parameters_are_filled_by_name() -> None:
    seen = []

    def reward(response: str, prompt: str, answer: str = "none") -> float:
        seen.append((prompt, response, answer))
        return len(seen)

    scores = FunctionReward("mine", reward, book(answer="ab"))(SAMPLES, TEXTS)
    assert scores.tolist() == [1.0, 2.0]
    # The second prompt has no line of its own: it is read from its tokens.
    assert seen == [("say k l", "ab", "ab"), ("u", "c", "none")]


def test_a_single_parameter_of_any_name_gets_the_whole_text() -> None:
    scores = FunctionReward("length", lambda anything: len(anything), book())(SAMPLES, TEXTS)
    assert scores.tolist() == [10.0, 6.0]


def test_a_field_that_a_sample_lacks_is_named() -> None:
    reward = FunctionReward("mine", lambda response, answer: 1.0, book(answer="x"))
    with pytest.raises(InvalidSettingError, match="'answer', which sample 1"):
        reward(SAMPLES, TEXTS)


@pytest.mark.parametrize("returned", [float("nan"), "much"])
def test_what_is_no_number_names_the_sample(returned: Any) -> None:
    with pytest.raises(RewardFailedError, match="sample 0, 'first text'"):
        FunctionReward("mine", lambda text: returned, book())(SAMPLES, TEXTS)


def test_functions_are_loaded_from_files_and_faults_are_told(tmp_path: Path) -> None:
    file = tmp_path / "my.py"
    file.write_text("worth = 3\ndef twice(text):\n    return 2 * len(text)\n")
    assert load_function(f"{file}:twice")("abc") == 6
    with pytest.raises(UnknownNameError, match="Known: twice"):
        load_function(f"{file}:thrice")
    with pytest.raises(InvalidSettingError, match="not a function"):
        load_function(f"{file}:worth")
    with pytest.raises(StorageError, match="does not exist"):
        load_function(f"{tmp_path}/yours.py:twice")
    file.write_text("1 / 0\n")
    with pytest.raises(StorageError, match="ZeroDivisionError"):
        load_function(f"{file}:twice")


@pytest.mark.parametrize(
    ("response", "answer", "right"),
    [
        ("12 apples and 30 more make 42.", 42, 1.0),
        ("42 is near, but it is 41", "42", 0.0),
        ("So 1,234.50", "1234.5", 1.0),
        ("-7", "7", 0.0),
        ("no idea", "7", 0.0),
        (" Paris. ", "paris", 1.0),
        ("It is Paris", "Paris", 0.0),
    ],
)
def test_right_answers(response: str, answer: object, right: float) -> None:
    assert answer_is_right(response, answer) == right


def test_the_last_number_counts() -> None:
    assert number_in("3 of 1,000") == 1000.0
    assert number_in("none") is None


def test_sums_of_rewards_are_taken_apart() -> None:
    assert weighted_names("my.py:f + 0.5*answer") == [(1.0, "my.py:f"), (0.5, "answer")]
    for wrong in ("half*answer", "2*", "my.py:f +  + answer"):
        with pytest.raises(InvalidSettingError, match="Write as in"):
            weighted_names(wrong)
