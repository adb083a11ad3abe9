import math
from pathlib import Path

import pytest
import torch
from language_cases import samples_of

from ppolab.algorithms.agreement import krippendorff_alpha_interval
from ppolab.errors import InvalidSettingError
from ppolab.language.annotators import simulated_annotators
from ppolab.language.objectives import balance
from ppolab.language.preference_data import PreferencePair, Rater, judged, read_pairs, write_pairs
from ppolab.language.rankings import draw_order
from ppolab.language.rewards import RewardFailedError, TextReward
from ppolab.language.tokenizer import Tokenizer

SAMPLES = samples_of([[5], [6], [7]], [[1, 0], [3, 4], [2, 0]])
TEXTS = ["one two three", "four", "five six"]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def test_a_rater_calls_ties_as_often_as_davidson_says() -> None:
    n = 30_000
    rater = Rater(steepness=1.0, ties=0.5)
    gold = torch.full((n,), math.log(4))
    zeros = torch.zeros(n)
    said = rater.compare(gold, zeros, zeros, zeros, torch.rand(n, generator=generator()))
    shares = torch.bincount(said, minlength=3) / n
    # ν = ½: Z = 4 + 1 + ½·2
    assert shares.tolist() == pytest.approx([4 / 6, 1 / 6, 1 / 6], abs=0.01)


def test_a_careless_rater_with_ties_throws_a_coin() -> None:
    n = 30_000
    zeros = torch.zeros(n)
    rater = Rater(ties=1.0, careless=0.6)
    said = rater.compare(zeros, zeros, zeros, zeros, torch.rand(n, generator=generator()))
    shares = torch.bincount(said, minlength=3) / n
    assert shares.tolist() == pytest.approx([0.3 + 0.4 / 3] * 2 + [0.4 / 3], abs=0.01)


def test_without_ties_the_choice_is_that_of_bradley_and_terry() -> None:
    uniforms = torch.tensor([0.1, 0.8, 0.9])
    ones, zeros = torch.ones(3), torch.zeros(3)
    said = Rater(steepness=math.log(4)).compare(ones, zeros, zeros, zeros, uniforms)
    assert said.tolist() == [0, 1, 1]  # the first is preferred with probability 4/5


def test_orders_are_as_likely_as_plackett_and_luce_say() -> None:
    n = 30_000
    gold = torch.log(torch.tensor([2.0, 1.0, 1.0])).expand(n, 3)
    order = draw_order(Rater(steepness=1.0), gold, torch.zeros(n, 3), generator())
    first = torch.bincount(order[:, 0], minlength=3) / n
    assert first.tolist() == pytest.approx([0.5, 0.25, 0.25], abs=0.01)
    exact = (order == torch.tensor([0, 1, 2])).all(1).float().mean()
    assert float(exact) == pytest.approx(0.25, abs=0.01)
    careless = draw_order(Rater(careless=1.0), 9 * gold, torch.zeros(n, 3), generator())
    assert float((careless[:, 0] == 0).float().mean()) == pytest.approx(1 / 3, abs=0.01)


def test_annotators_rate_about_the_real_means_and_differ_as_much_as_people_did() -> None:
    judges = simulated_annotators(400, 3)
    # The lexicon has "happy" at 2.7 ± 0.9; whoever gives a word 0 does not count it.
    words = [judge.judge("happy").words for judge in judges]
    ratings = torch.tensor([found[0].rating if found else 0.0 for found in words])
    assert float(ratings.mean()) == pytest.approx(2.7, abs=0.2)
    assert float(ratings.std()) == pytest.approx(0.9, abs=0.15)
    assert set(ratings.tolist()) <= {0.0, 1.0, 2.0, 3.0, 4.0}


def test_annotators_follow_their_seed_and_agree_beyond_chance() -> None:
    texts = ["a happy day", "a sad war", "so kind", "horrible pain", "fine weather", "dull rain"]
    judges = simulated_annotators(10, 1)
    ratings = torch.tensor([[judge.judge(text).score for text in texts] for judge in judges])
    assert 0.5 < krippendorff_alpha_interval(ratings) < 1.0
    again = simulated_annotators(2, 1)
    scores = torch.tensor([judge.judge("a sad war").score for judge in again])
    assert torch.equal(scores, ratings[:2, 1])
    with pytest.raises(InvalidSettingError, match="annotators: 0"):
        simulated_annotators(0, 1)


def test_all_answers_of_a_row_are_judged_by_one_annotator() -> None:
    annotators = [TextReward("ten", lambda text: 10), TextReward("twenty", lambda text: 20)]
    first, second = judged([SAMPLES] * 2, [TEXTS] * 2, annotators, generator())
    assert first.tolist() == second.tolist()
    assert set(first.tolist()) == {10.0, 20.0}
    assert judged([SAMPLES], [TEXTS], [], generator()) == []


def test_objectives_are_balanced_on_reference_answers() -> None:
    words = TextReward("words", lambda text: len(text.split()))  # 3, 1, 2: mean 2, deviation 1
    letters = TextReward("letters", lambda text: 100 * len(text))  # 1300, 400, 800
    both = balance([(1.0, words), (-0.5, letters)], SAMPLES, TEXTS)
    deviation = math.sqrt((1300**2 + 400**2 + 800**2 - 2500**2 / 3) / 2)
    expected = [
        w - 0.5 * (n - 2500 / 3) / deviation
        for w, n in zip([1, -1, 0], [1300, 400, 800], strict=True)
    ]
    assert both(SAMPLES, TEXTS).tolist() == pytest.approx(expected, abs=1e-5)
    assert both.name == "1·words + -0.5·letters"
    # The scale stays that of the reference answers, whatever is scored later.
    assert both(SAMPLES, ["a b c d"] * 3)[0] == pytest.approx(
        2 - 0.5 * (700 - 2500 / 3) / deviation, abs=1e-5
    )


class Broken:
    name = "broken"

    def __init__(self, result: object) -> None:
        self._result = result

    def __call__(self, samples: object, texts: object) -> torch.Tensor:
        if isinstance(self._result, Exception):
            raise self._result
        return self._result  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (OSError("no server"), "broken.*raised OSError: no server"),
        (torch.zeros(2), r"broken.*shape \(2,\) for 3 answers"),
        (torch.tensor([0.0, math.nan, 1.0]), "broken.*nan on sample 1, 'four'"),
    ],
)
def test_the_objective_that_fails_is_named(result: object, words: str) -> None:
    good = TextReward("words", len)
    with pytest.raises(RewardFailedError, match=words):
        balance([(1.0, good), (1.0, Broken(result))], SAMPLES, TEXTS)


def test_an_objective_without_differences_has_no_scale() -> None:
    with pytest.raises(InvalidSettingError, match="objective: 'same' gives all 3"):
        balance([(1.0, TextReward("same", lambda text: 1.0))], SAMPLES, TEXTS)


def test_pairs_are_written_and_read_with_their_ties(tmp_path: Path) -> None:
    tokenizer = Tokenizer.train(["she was very happy."] * 9, vocabulary=300)
    end = tokenizer.end
    pairs = [
        PreferencePair([end, 3, 4], [end, 3, 5], 2, 0.25),
        PreferencePair([end, 3, 6], [end, 3, 7], 2, 0.0, tie=True),
    ]
    write_pairs(tmp_path / "pairs.jsonl", pairs, tokenizer)
    assert read_pairs(tmp_path / "pairs.jsonl", tokenizer) == pairs
