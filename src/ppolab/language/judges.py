"""Transparent judges of text: every word that counted can be shown, with what it counted."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import torch
from torch import Tensor

from ppolab.language.generation import Samples

# Hutto and Gilbert (2014) measured these by asking people about changed sentences.
_BOOST = 0.293  # what "very" adds to the next word's rating
_NEGATION = -0.74  # what "not" multiplies it by
_FADING = (1.0, 0.95, 0.9)  # of a booster one, two and three words before
_EXCLAMATION = 0.292  # what "!" adds, up to four times
_SPREAD = 15.0  # sum of ratings that is squeezed to 1/√2 ≈ 0.7 is √15


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_BOOSTERS = _words("""
    absolutely awfully completely considerably decidedly deeply enormously entirely especially
    exceedingly exceptionally extremely fully greatly highly hugely incredibly intensely more most
    particularly purely quite really remarkably so substantially thoroughly totally tremendously
    unusually utterly very
""")
_DAMPENERS = _words("""
    almost barely hardly less little marginally occasionally partly scarce scarcely slight slightly
    somewhat
""")
_NEGATIONS = _words("""
    aint cannot despite dont neither never no none nor not nothing nowhere rarely seldom without
    wont
""")
_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")


@dataclass(frozen=True)
class WordScore:
    """A word that counted."""

    word: str
    start: int  # where it stands in the text, characters
    end: int
    rating: float  # of the lexicon, −4 to 4
    counted: float  # after boosters, negations and "but"


@dataclass(frozen=True)
class Judgement:
    """What a text is worth, and why."""

    score: float  # −1 to 1
    words: tuple[WordScore, ...]


class LexiconJudge:
    """Scores the mood of English text by rated words, as VADER does.

    Each rated word counts its rating: more after "very", turned round after "not" up to three words
    before, half before "but" and one and a half times after it. The sum s is squeezed to
    s/√(s² + 15), so that no text scores above 1.

    VADER's rules for capitals, emoji and idioms are left out: the texts judged here have none.

    Source: Hutto and Gilbert (2014), "VADER: a parsimonious rule-based model for sentiment analysis
    of social media text".

    Example:
        >>> LexiconJudge.load().judge("she was not happy.").words[0].counted < 0
        True
    """

    name = "lexicon"

    def __init__(self, ratings: Mapping[str, float]) -> None:
        self._ratings = dict(ratings)

    @classmethod
    def load(cls) -> LexiconJudge:
        """With the 7,500 ratings that come with the course."""
        return cls(_ratings())

    def judge(self, text: str) -> Judgement:
        """Score a text, naming each word that counted."""
        found = list(_WORD.finditer(text.lower()))
        words = [match.group() for match in found]
        scores: list[WordScore] = []
        for index, match in enumerate(found):
            rating = self._ratings.get(words[index], 0.0)
            # "no" before a rated word negates it and counts for nothing itself.
            negates = words[index] in _NEGATIONS and self._rated(words, index + 1)
            if rating == 0.0 or words[index] in _BOOSTERS | _DAMPENERS or negates:
                continue
            counted = self._in_context(words, index, rating)
            scores.append(WordScore(words[index], match.start(), match.end(), rating, counted))
        scores = _turned_by_but(scores, found)
        total = sum(score.counted for score in scores)
        if total != 0.0:
            total += math.copysign(_EXCLAMATION * min(text.count("!"), 4), total)
        return Judgement(total / math.sqrt(total * total + _SPREAD), tuple(scores))

    def __call__(self, samples: Samples, texts: Sequence[str]) -> Tensor:
        """As a reward function: the score of each text, [rows]."""
        return torch.tensor([self.judge(text).score for text in texts])

    def _rated(self, words: Sequence[str], index: int) -> bool:
        return index < len(words) and words[index] in self._ratings

    def _in_context(self, words: Sequence[str], index: int, rating: float) -> float:
        """The rating after what the three words before do to it."""
        counted = rating
        for distance, fading in enumerate(_FADING, start=1):
            if index < distance:
                break
            before = words[index - distance]
            if before in _BOOSTERS:
                counted += math.copysign(_BOOST * fading, rating)
            elif before in _DAMPENERS:
                counted -= math.copysign(_BOOST * fading, rating)
            elif before in _NEGATIONS or before.endswith("n't"):
                counted *= _NEGATION
        return counted


def _turned_by_but(scores: Sequence[WordScore], found: Sequence[re.Match[str]]) -> list[WordScore]:
    """After "but" comes what is meant: it counts one and a half times, what came before half."""
    turn = next((match.start() for match in found if match.group() == "but"), None)
    if turn is None:
        return list(scores)
    return [
        WordScore(s.word, s.start, s.end, s.rating, s.counted * (0.5 if s.start < turn else 1.5))
        for s in scores
    ]


@cache
def _ratings() -> dict[str, float]:
    lines = files("ppolab.language").joinpath("assets/vader_lexicon.tsv").read_text("utf8")
    rows = (line.split("\t") for line in lines.splitlines())
    return {word: float(mean) for word, mean, _ in rows}
