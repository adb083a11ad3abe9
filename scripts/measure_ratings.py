"""How far people agree about texts, and judges with people.

    pip download --no-deps --no-binary :all: vaderSentiment==3.3.2
    python scripts/measure_ratings.py vaderSentiment-3.3.2.tar.gz

Prints, by kind of text, Krippendorff's α of all ratings, and on the texts held out how often one
person puts two texts in the order of their means, and each judge's rank correlation with the means.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from ppolab.algorithms.agreement import krippendorff_alpha_interval, krippendorff_alpha_ordinal
from ppolab.algorithms.rank_correlation import spearman
from ppolab.language.corpus import plain_text
from ppolab.language.judges import LexiconJudge
from ppolab.language.people_judge import people_judge
from ppolab.language.rated_texts import (
    SOURCES,
    RatedComparer,
    RatedText,
    ratings_table,
    read_rated_texts,
)
from ppolab.language.store import course_tokenizer

COMPARISONS = 4000  # of single people, for the share that is in the order of the means


def agreement(texts: Sequence[RatedText]) -> dict[str, float]:
    """What people say among themselves."""
    table = ratings_table(texts)
    comparer = RatedComparer(course_tokenizer(), longest=10**6)
    kept = [text for text in texts if text.held_out]
    pairs = comparer.pairs(kept, COMPARISONS, torch.Generator().manual_seed(1))
    decided = [pair for pair in pairs if pair.gold_margin != 0]
    return {
        "texts": len(texts),
        "ratings": sum(len(text.ratings) for text in texts),
        "alpha, interval": krippendorff_alpha_interval(table),
        "alpha, ordinal": krippendorff_alpha_ordinal(table),
        "one person": sum(pair.gold_margin > 0 for pair in decided) / len(decided),
    }


def judges() -> Mapping[str, Callable[[str], float]]:
    """Who is measured, by name."""
    lexicon, people = LexiconJudge.load(), people_judge()
    return {"lexicon": lambda text: lexicon.judge(text).score, "people": people.score}


def correlations(texts: Sequence[RatedText]) -> dict[str, float]:
    """Each judge's Spearman correlation with the mean ratings of texts held out."""
    kept = [text for text in texts if text.held_out]
    means = torch.tensor([text.mean for text in kept])
    found = {}
    for name, judge in judges().items():
        scores = torch.tensor([judge(plain_text(text.text)) for text in kept])
        found[name] = spearman(scores, means)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ratings", type=Path)
    texts = read_rated_texts(parser.parse_args().ratings)
    torch.set_num_threads(1)
    for name in (*SOURCES, "all"):
        some = [text for text in texts if name in (text.source, "all")]
        row = agreement(some) | correlations(some)
        print(f"{name:<12}" + "  ".join(f"{key} {value:.5g}" for key, value in row.items()))


if __name__ == "__main__":
    main()
