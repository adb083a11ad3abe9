import math

import pytest
import torch
from language_cases import samples_of

from ppolab.language.rewards import RewardFailedError, TextReward, WeightedReward

SAMPLES = samples_of([[5], [6]], [[1, 0], [3, 4]])
TEXTS = ["one two three", "four"]


def test_a_function_of_a_text_scores_each_row() -> None:
    words = TextReward("words", lambda text: len(text.split()))
    assert words(SAMPLES, TEXTS).tolist() == [3.0, 1.0]


def test_weighted_rewards_add_up_and_say_so() -> None:
    words = TextReward("words", lambda text: len(text.split()))
    letters = TextReward("letters", len)
    both = WeightedReward(((2.0, words), (-0.5, letters)))
    assert both(SAMPLES, TEXTS).tolist() == [2 * 3 - 0.5 * 13, 2 * 1 - 0.5 * 4]
    assert both.name == "2·words + -0.5·letters"


def test_a_failing_function_names_itself_and_the_sample() -> None:
    def fussy(text: str) -> float:
        if text == "four":
            raise KeyError("no such word")
        return 1.0

    with pytest.raises(RewardFailedError, match=r"fussy.*KeyError.*sample 1, 'four'"):
        TextReward("fussy", fussy)(SAMPLES, TEXTS)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(RewardFailedError, match=r"broken.*sample 0"):
        TextReward("broken", lambda text: bad)(SAMPLES, TEXTS)


def test_scores_are_float32() -> None:
    assert TextReward("one", lambda text: 1)(SAMPLES, TEXTS).dtype == torch.float32
