"""Make the judge that learnt from people's ratings, which comes with the course.

    pip download --no-deps --no-binary :all: vaderSentiment==3.3.2
    python scripts/make_people_judge.py vaderSentiment-3.3.2.tar.gz     half a minute on one core

Writes src/ppolab/language/assets/people_judge.{f16,json}; the JSON tells the rank correlation with
the mean ratings of texts held out, beside that of the lexicon.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from measure_ratings import correlations

from ppolab.language.people_judge import ASSET, learn_from_people, people_judge
from ppolab.language.rated_texts import SOURCES, read_rated_texts

ASSETS = Path(__file__).parent.parent / "src" / "ppolab" / "language" / "assets"


def main() -> None:
    """Learn, save, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ratings", type=Path)
    torch.set_num_threads(1)
    texts = read_rated_texts(parser.parse_args().ratings)
    learn_from_people(texts).save(ASSETS / ASSET)
    people_judge.cache_clear()
    kinds = {name: [text for text in texts if text.source == name] for name in SOURCES}
    made = {
        "made_by": "python scripts/make_people_judge.py vaderSentiment-3.3.2.tar.gz",
        "texts": sum(not text.held_out for text in texts),
        "held_out": sum(text.held_out for text in texts),
        "spearman": {
            name: {judge: round(value, 4) for judge, value in correlations(some).items()}
            for name, some in {**kinds, "all": texts}.items()
        },
    }
    (ASSETS / ASSET).with_suffix(".json").write_text(json.dumps(made, indent=2) + "\n")
    print(json.dumps(made, indent=2))


if __name__ == "__main__":
    main()
