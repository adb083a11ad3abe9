"""The judge that learnt from people's ratings, which comes with the course."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import torch
from torch import Tensor

from ppolab.language.ngram_judge import NgramJudge, fit_ngrams
from ppolab.language.rated_texts import RatedText

NAME = "people"
ASSET = "people_judge.f16"
_PENALTY, _PLACES = 0.3, 2**17  # by the rank correlation with the texts held out


@cache
def people_judge() -> NgramJudge:
    """Scores how many people would like a text, less how many would not, as shares.

    `python scripts/make_people_judge.py` made it of the ratings; `people_judge.json` beside its
    weights tells how well it foretells those of texts that it was not shown.
    """
    content = files("ppolab.language").joinpath(f"assets/{ASSET}").read_bytes()
    return NgramJudge.load(NAME, content)


def learn_from_people(texts: Sequence[RatedText]) -> NgramJudge:
    """Make the judge of all texts that are not held out."""
    shown = [text for text in texts if not text.held_out]
    return fit_ngrams(NAME, [text.text for text in shown], liked_by(shown), _PENALTY, _PLACES)


def liked_by(texts: Sequence[RatedText]) -> Tensor:
    """Share [texts] of the people who rated each text above 0; who said 0 is halved."""
    shares = [
        sum(0.5 if rating == 0 else float(rating > 0) for rating in text.ratings)
        / len(text.ratings)
        for text in texts
    ]
    return torch.tensor(shares)
