import dataclasses
import json
import math

import pytest
import torch
from torch import Tensor

from ppolab.errors import InvalidSettingError
from ppolab.language.gpt import GPT, GPTConfig
from ppolab.language.models import LanguageModel
from ppolab.language.preference_data import PreferencePair
from ppolab.language.reward_model import ScoringModel
from ppolab.language.reward_study import (
    accuracy_by_slice,
    capitalize_words,
    delete_word,
    edited,
    study_reward_model,
    swap_words,
)
from ppolab.language.tokenizer import Tokenizer
from ppolab.language.tokens import TokenBatch

TOKENIZER = Tokenizer.train(["she was very happy and he was sad."] * 9, vocabulary=300)
END = TOKENIZER.end


def text(words: str) -> list[int]:
    return [END, *TOKENIZER.encode(words), END]


class Fixed(ScoringModel):
    """Members that score a text by how often a token comes, each at a rate of its own."""

    def __init__(self, token: int, rates: tuple[float, ...]) -> None:
        super().__init__()
        self._token, self._rates = token, rates
        self._trunk = GPT(GPTConfig(TOKENIZER.vocabulary, 40, 1, 1, 8), 1)

    @property
    def language_model(self) -> LanguageModel:
        return self._trunk

    def member_scores(self, batch: TokenBatch) -> Tensor:
        rows = torch.split(batch.tokens, batch.lengths.tolist())
        counts = torch.tensor([float((row == self._token).sum()) for row in rows])
        return torch.stack([rate * counts for rate in self._rates])


def happy() -> int:
    return TOKENIZER.encode("happy")[0]


def pair(chosen: str, rejected: str, gold: float) -> PreferencePair:
    return PreferencePair(text(chosen), text(rejected), 1, gold)


def test_slices_count_the_pairs_that_belong_to_them() -> None:
    # Lengths 3 against 2, 2 against 12, 5 against 5; only the first is scored right.
    pairs = [
        PreferencePair([1] * 3, [1] * 2, 1, 0.25),
        PreferencePair([1] * 2, [1] * 12, 1, -0.6),
        PreferencePair([1] * 5, [1] * 5, 1, 1.2),
    ]
    found = {s.name: s for s in accuracy_by_slice(torch.tensor([0.5, -0.1, 0.0]), pairs)}
    assert (found["chosen is longer"].pairs, found["chosen is longer"].accuracy) == (1, 1.0)
    assert (found["chosen is shorter"].pairs, found["chosen is shorter"].accuracy) == (1, 0.0)
    assert found["same length"].accuracy == 0.0  # a tie is no answer
    assert found["lengths 1 to 3 tokens apart"].pairs == 1
    assert found["lengths 8 or more tokens apart"].pairs == 1
    assert math.isnan(found["lengths 4 to 7 tokens apart"].accuracy)
    assert found["gold scores up to 0.25 apart"].accuracy == 1.0
    assert found["gold scores 0.5 to 1 apart"].pairs == 1
    assert found["gold scores more than 1 apart"].pairs == 1


def test_edits_by_hand() -> None:
    generator = torch.Generator().manual_seed(1)
    assert swap_words(["a", "b"], generator) == ["b", "a"]
    assert sorted(swap_words(list("abcd"), generator)) == list("abcd")
    assert len(delete_word(list("abcd"), generator)) == 3
    assert delete_word(["a"], generator) == swap_words(["a"], generator) == ["a"]
    assert capitalize_words(["she", "was"], generator) == ["She", "Was"]


def test_an_edit_leaves_prompt_and_end_alone() -> None:
    tokens = text("she was very happy")
    prompt = 1 + len(TOKENIZER.encode("she was"))
    found = edited(tokens, prompt, swap_words, TOKENIZER, torch.Generator().manual_seed(1))
    assert TOKENIZER.decode(found) == "she was happy very"
    assert found[:prompt] == tokens[:prompt]
    assert found[-1] == END
    unended = edited(tokens[:-1], prompt, swap_words, TOKENIZER, torch.Generator().manual_seed(1))
    assert unended == found[:-1]


def test_a_study_by_hand() -> None:
    pairs = [pair("very happy", "sad", 1.0), pair("sad", "happy", -0.5), pair("happy", "he", 0.7)]
    found = study_reward_model(Fixed(happy(), (1.0, 3.0)), pairs, TOKENIZER, pairs[1:])
    # Mean margins 2, −2, 2 with a spread of 1 each; claims are all σ(2).
    claim = 1 / (1 + math.exp(-2))
    assert found.claimed == pytest.approx((claim,), abs=1e-6)
    assert found.happened == pytest.approx((2 / 3,))
    assert found.counts == (3,)
    assert found.spread_when_right == found.spread_when_wrong == 1.0
    # Ranks 2.5, 1, 2.5 against 3, 1, 2.
    assert found.spearman == pytest.approx(1.5 / math.sqrt(1.5 * 2))
    assert found.kendall == pytest.approx(2 / math.sqrt(2 * 3))
    assert found.shifted is not None
    assert (found.shifted.pairs, found.shifted.accuracy) == (2, 0.5)
    effects = {effect.name: effect for effect in found.edits}
    assert effects["two words swapped"].answers == 1  # the others are one word long
    assert effects["two words swapped"].moved == 0.0  # this model does not see order
    capitals = effects["words capitalised"]
    assert capitals.answers == 3
    # "Happy" is another token: two of three scores fall from 2 to 0, and their pairs become ties.
    scores = torch.tensor([2.0, 0.0, 2.0, 0.0, 2.0, 0.0])
    assert capitals.moved == pytest.approx((2 + 0 + 2) / 3 / float(scores.std()))
    assert capitals.flipped == pytest.approx(2 / 3)


def test_a_study_can_be_written_as_json() -> None:
    pairs = [pair("very happy", "sad", 1.0), pair("happy", "he", 0.7)]
    data = study_reward_model(Fixed(happy(), (1.0,)), pairs, TOKENIZER).to_mapping()
    again = json.loads(json.dumps(data, allow_nan=False))
    assert again["spread_when_wrong"] is None  # nothing was wrong
    assert again["shifted"] is None
    longer = [len(p.chosen) > len(p.rejected) for p in pairs]
    assert again["slices"][0]["pairs"] == sum(longer)


def test_one_pair_and_a_tie_are_too_few() -> None:
    pairs = [pair("very happy", "sad", 1.0), dataclasses.replace(pair("a", "b", 0.0), tie=True)]
    with pytest.raises(InvalidSettingError, match="pairs: 1 are too few to study"):
        study_reward_model(Fixed(happy(), (1.0,)), pairs, TOKENIZER)
