"""Annotators who disagree as much as real people did.

Ten people rated every word of the lexicon. The mean and the standard deviation of their ratings say
how far they were apart about each word: hardly about "terrible", widely about "sin".
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import torch

from ppolab.errors import InvalidSettingError
from ppolab.language.judges import LexiconJudge

_LIMIT = 4.0  # of the scale from −4 to 4 that people rated on


def simulated_annotators(count: int, seed: int) -> list[LexiconJudge]:
    """Judges with ratings of their own, each word's drawn about its real mean.

    A rating is drawn from a normal distribution with the mean and the standard deviation of the ten
    real ones, rounded and kept on the scale, for people gave whole numbers from −4 to 4. An
    annotator keeps to it, so that two of them differ about the same words each time.

    Args:
        count: annotators wanted.
        seed: the first annotators of a seed are the same however many are wanted.

    Raises:
        InvalidSettingError: fewer than one.

    Source of the ratings: Hutto and Gilbert (2014), "VADER".
    """
    if count < 1:
        raise InvalidSettingError("annotators", count, "must be at least 1", "Give 1 or more")
    rated = _rated_words()
    means = torch.tensor([mean for _, mean, _ in rated])
    deviations = torch.tensor([deviation for _, _, deviation in rated])
    generator = torch.Generator().manual_seed(seed)
    annotators = []
    for _ in range(count):
        drawn = means + deviations * torch.randn(len(rated), generator=generator)
        ratings = drawn.round().clamp(-_LIMIT, _LIMIT).tolist()
        annotators.append(
            LexiconJudge(
                {word: rating for (word, _, _), rating in zip(rated, ratings, strict=True)}
            )
        )
    return annotators


@cache
def _rated_words() -> tuple[tuple[str, float, float], ...]:
    """Each word with the mean and the standard deviation of its ratings."""
    lines = files("ppolab.language").joinpath("assets/vader_lexicon.tsv").read_text("utf8")
    rows = (line.split("\t") for line in lines.splitlines())
    return tuple((word, float(mean), float(deviation)) for word, mean, deviation in rows)
