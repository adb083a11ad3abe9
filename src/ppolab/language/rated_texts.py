"""Texts that real people have rated, and comparisons made of their ratings.

The texts are those that VADER was measured on: tweets, pieces of product reviews, of film reviews
and of editorials, each rated by 15 people or more from −4 to 4. They come in the source package of
vaderSentiment, not in its wheel, and not with this course: the package's licence is MIT, but the
texts were written by many others.

    pip download --no-deps --no-binary :all: vaderSentiment==3.3.2

Who gave which rating is not told, and the order of a text's ratings does not tell it either: one
person cannot be followed from text to text. An annotator is therefore drawn anew for each text.

Source: Hutto and Gilbert (2014), "VADER: a parsimonious rule-based model for sentiment analysis of
social media text".
"""

from __future__ import annotations

import json
import statistics
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from ppolab.errors import InvalidSettingError, StorageError, UnknownNameError
from ppolab.language.preference_data import SAME, PreferencePair
from ppolab.language.tokenizer import Tokenizer

GET_THEM = "pip download --no-deps --no-binary :all: vaderSentiment==3.3.2"
SOURCES = {  # our name of each kind of text, and how its two files begin
    "tweets": "tweets",
    "products": "amazonReviewSnippets",
    "films": "movieReviewSnippets",
    "editorials": "nytEditorialSnippets",
}
_INNER = "hutto_ICWSM_2014.tar.gz"  # the archive within the source package
_TEXTS, _RATINGS = "_GroundTruth.txt", "_anonDataRatings.txt"
_HELD_OUT = 10  # one text in so many is for measuring, never for training
_AGREE = 1e-3  # rating points by which the two files' means of a text may differ
_MOST_DRAWN = 20  # pairs for each that is wanted, before the ratings are called all the same
RATED_BY = ("person", "mean")


@dataclass(frozen=True)
class RatedText:
    """A text and what people said of it."""

    text: str
    source: str  # a name in SOURCES
    ratings: tuple[int, ...]  # one per person, −4 to 4, in no known order

    @property
    def mean(self) -> float:
        """Mean rating, −4 to 4."""
        return statistics.fmean(self.ratings)

    @property
    def held_out(self) -> bool:
        """Whether it is for measuring, by a checksum of its words: the same in every training."""
        return zlib.crc32(self.text.encode()) % _HELD_OUT == 0


def read_rated_texts(path: Path) -> list[RatedText]:
    """Read the ratings; nothing is unpacked to disk.

    199 tweets are left out whose mean in one file is not the mean of their ratings in the other:
    nobody knows which text those ratings are of.

    Args:
        path: the source package of vaderSentiment, the archive within it, or a folder where either
            was put or unpacked.

    Raises:
        StorageError: nothing of the kind is there, or it cannot be read.
    """
    try:
        found = dict(_files(path))
        return [text for name, start in SOURCES.items() for text in _joined(name, start, found)]
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        raise StorageError(
            "ratings", str(path), f"cannot be read ({error!r})",
            f"Give the source package that this downloads: {GET_THEM}",
        ) from error  # fmt: skip


@dataclass(frozen=True)
class RatedComparer:
    """Compares texts of the same kind by what people said of them.

    By "person" one rating of each text decides, so that the comparisons err as often as people do;
    by "mean" the means do. What is the same is a tie. The gold margin of a pair is the difference
    of means, in rating points.

    Raises:
        UnknownNameError: `rated_by` is neither.
    """

    tokenizer: Tokenizer  # of the model that will learn from the pairs
    rated_by: str = "person"
    ties: bool = False  # keep ties, marked as such; else they are dropped and others drawn
    longest: int = 64  # tokens of a text at most; longer texts are left out
    clean: Callable[[str], str] = str  # brings a text into the form that the tokenizer knows

    def __post_init__(self) -> None:
        if self.rated_by not in RATED_BY:
            raise UnknownNameError("rated_by", self.rated_by, list(RATED_BY))

    def pairs(
        self, texts: Sequence[RatedText], count: int, generator: torch.Generator
    ) -> list[PreferencePair]:
        """Draw two texts of a kind and compare them, `count` times.

        Raises:
            InvalidSettingError: fewer than two texts of a kind are short enough, or hardly any
                differ.
        """
        fitting = self._fitting(texts)
        kinds = {
            name: [(text, ids) for text, ids in fitting if text.source == name] for name in SOURCES
        }
        pairs: list[PreferencePair] = []
        for _ in range(_MOST_DRAWN * count + 1000):
            if len(pairs) == count:
                return pairs
            first = fitting[int(torch.randint(len(fitting), (), generator=generator))]
            among = kinds[first[0].source]
            second = among[int(torch.randint(len(among), (), generator=generator))]
            pair = self._compare(first, second, generator)
            if pair is not None:
                pairs.append(pair)
        raise InvalidSettingError(
            "ratings", f"{len(fitting)} texts", "are nearly all rated the same",
            "Give texts that people differ about",
        )  # fmt: skip

    def _fitting(self, texts: Sequence[RatedText]) -> list[tuple[RatedText, list[int]]]:
        """Texts that are short enough, with their tokens."""
        given = self._given
        encoded = self.tokenizer.encode_all([self.clean(text.text) for text in texts])
        found = [
            (text, [*given, *ids, self.tokenizer.end])
            for text, ids in zip(texts, encoded, strict=True)
            if len(given) + len(ids) < self.longest
        ]
        if len(found) < 2:
            raise InvalidSettingError(
                "ratings", f"{len(found)} texts", f"of at most {self.longest} tokens are too few",
                "Give more texts, or a model with a longer context",
            )  # fmt: skip
        return found

    @property
    def _given(self) -> list[int]:
        """What stands before a text; some token must, for a model to begin from."""
        return self.tokenizer.start or [self.tokenizer.end]

    def _compare(
        self,
        first: tuple[RatedText, list[int]],
        second: tuple[RatedText, list[int]],
        generator: torch.Generator,
    ) -> PreferencePair | None:
        """The pair in the order that somebody preferred; None where there is nothing to say."""
        if first[0] is second[0]:
            return None
        gap = first[0].mean - second[0].mean
        if self.rated_by == "person":
            heard = [
                text.ratings[int(torch.randint(len(text.ratings), (), generator=generator))]
                for text, _ in (first, second)
            ]
            gap = float(heard[0] - heard[1])
        tie = abs(gap) < SAME
        if tie and not self.ties:
            return None
        (better, chosen), (worse, rejected) = (first, second) if gap >= 0 else (second, first)
        margin = better.mean - worse.mean
        return PreferencePair(chosen, rejected, len(self._given), margin, tie=tie)


def rated_comparisons(
    path: Path, comparer: RatedComparer, count: int, held_out: int, generator: torch.Generator
) -> list[PreferencePair]:
    """Comparisons for a reward model: the last `held_out` of them are of texts kept for measuring.

    Raises:
        StorageError: `path` has no ratings; see `read_rated_texts`.
        InvalidSettingError: see `RatedComparer.pairs`.
    """
    texts = read_rated_texts(path)
    training = [text for text in texts if not text.held_out]
    kept = [text for text in texts if text.held_out]
    pairs = comparer.pairs(training, count - held_out, generator)
    return pairs + comparer.pairs(kept, held_out, generator)


def ratings_table(texts: Sequence[RatedText]) -> Tensor:
    """All ratings as [people, texts], NaN where fewer people rated a text, for α and its like."""
    most = max(len(text.ratings) for text in texts)
    table = torch.full((most, len(texts)), torch.nan)
    for column, text in enumerate(texts):
        table[: len(text.ratings), column] = torch.tensor(text.ratings, dtype=table.dtype)
    return table


def _joined(name: str, start: str, files: dict[str, bytes]) -> Iterator[RatedText]:
    """Texts with their ratings, by the number that both files give them."""
    rows = dict(_rows(files[start + _RATINGS], 4))
    for number, (mean, text) in _rows(files[start + _TEXTS], 3):
        ratings = tuple(json.loads(rows[number][2]))
        if abs(statistics.fmean(ratings) - float(mean)) <= _AGREE:
            yield RatedText(text, name, ratings)


def _rows(content: bytes, columns: int) -> Iterator[tuple[str, list[str]]]:
    """The number of each row, and the columns after it."""
    # Not by splitlines(): some texts hold characters that it takes for the end of a line.
    for line in content.decode("utf-8-sig").rstrip().split("\n"):
        number, *rest = line.rstrip("\r").split("\t", columns - 1)
        yield number, rest


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """The files of texts and ratings by their names, wherever they are below `path`."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.name.endswith((_TEXTS, _RATINGS)):
                yield file.name, file.read_bytes()
            elif file.is_file() and file.name.startswith((_INNER, "vaderSentiment-")):
                yield from _packed(file.read_bytes())
    else:
        yield from _packed(path.read_bytes())


def _packed(content: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=BytesIO(content)) as archive:
        for member in archive:
            name = Path(member.name).name
            file = archive.extractfile(member)
            if file is None:
                continue
            if name.endswith((_TEXTS, _RATINGS)):
                yield name, file.read()
            elif name == _INNER:
                yield from _packed(file.read())
