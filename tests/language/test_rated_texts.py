from pathlib import Path

import pytest
import torch

from ppolab.algorithms.agreement import krippendorff_alpha_interval
from ppolab.errors import InvalidSettingError, StorageError, UnknownNameError
from ppolab.language.rated_texts import (
    RatedComparer,
    RatedText,
    rated_comparisons,
    ratings_table,
    read_rated_texts,
)
from ppolab.language.tokenizer import Tokenizer
from rated_cases import packed, write_ratings

TWEETS = [("what a day!", [4, 3, 4]), ("oh no\x85 not \x0b again", [-2, -3, -1]), ("hm", [0, 1])]
TOKENIZER = Tokenizer.train(["what a day oh no not again hm"] * 3, 300)
GENERATOR = torch.Generator


def test_texts_are_read_with_every_rating_and_odd_characters(tmp_path: Path) -> None:
    texts = read_rated_texts(write_ratings(tmp_path, TWEETS))
    tweets = [text for text in texts if text.source == "tweets"]
    assert [(text.text, list(text.ratings)) for text in tweets] == TWEETS  # 999 is left out
    assert tweets[0].mean == pytest.approx(11 / 3)
    assert {text.source for text in texts} == {"tweets", "products", "films", "editorials"}


def test_the_package_the_archive_within_and_a_folder_around_either_read_the_same(
    tmp_path: Path,
) -> None:
    expected = read_rated_texts(write_ratings(tmp_path / "plain", TWEETS))
    (tmp_path / "download").mkdir()
    package = packed(tmp_path / "plain", tmp_path / "download" / "vaderSentiment-3.3.2.tar.gz")
    assert read_rated_texts(package) == expected
    assert read_rated_texts(package.parent) == expected
    assert read_rated_texts(tmp_path / "plain" / "..") == expected


@pytest.mark.parametrize("name", ["missing", "other.tar.gz", "empty"])
def test_what_holds_no_ratings_is_refused_with_how_to_get_them(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.tar.gz").write_bytes(b"no archive")
    with pytest.raises(StorageError, match="pip download --no-deps"):
        read_rated_texts(tmp_path / name)


def rated(text: str, *ratings: int, source: str = "tweets") -> RatedText:
    return RatedText(text, source, ratings)


def test_by_mean_the_better_text_is_always_chosen_and_margins_are_rating_points() -> None:
    texts = [rated("what a day", 3, 4), rated("oh no", -2, -1), rated("hm", 0, 1)]
    pairs = RatedComparer(TOKENIZER, "mean").pairs(texts, 40, GENERATOR().manual_seed(1))
    means = {(*TOKENIZER.start, *TOKENIZER.encode(t.text), TOKENIZER.end): t.mean
             for t in texts}  # fmt: skip
    for pair in pairs:
        gap = means[tuple(pair.chosen)] - means[tuple(pair.rejected)]
        assert pair.gold_margin == pytest.approx(gap)
        assert gap > 0
        assert not pair.tie
    assert {round(pair.gold_margin, 3) for pair in pairs} == {5.0, 3.0, 2.0}


def test_a_person_errs_as_often_as_single_ratings_do() -> None:
    # One rating of each drawn at random: 2 beats −1 and 1; −1 loses, ties with nothing.
    texts = [rated("what a day", 2, -1), rated("hm", 1)]
    pairs = RatedComparer(TOKENIZER).pairs(texts, 400, GENERATOR().manual_seed(1))
    # The means are 0.5 and 1: "hm" is better and half of all people say otherwise.
    wrong = sum(pair.gold_margin < 0 for pair in pairs) / len(pairs)
    assert wrong == pytest.approx(0.5, abs=0.075)  # three standard errors


def test_ties_are_kept_where_they_can_be_learnt_from() -> None:
    texts = [rated("what a day", 2, 1), rated("hm", 1)]
    kept = RatedComparer(TOKENIZER, ties=True).pairs(texts, 300, GENERATOR().manual_seed(1))
    assert sum(pair.tie for pair in kept) / 300 == pytest.approx(0.5, abs=0.09)
    dropped = RatedComparer(TOKENIZER).pairs(texts, 50, GENERATOR().manual_seed(1))
    assert not any(pair.tie for pair in dropped)


def test_only_texts_of_one_kind_are_compared_and_long_ones_are_left_out() -> None:
    texts = [rated("what a day", 3), rated("hm", 0), rated("oh no", 4, source="films"),
             rated("again", -4, source="films"), rated("what a day " * 30, 4)]  # fmt: skip
    pairs = RatedComparer(TOKENIZER, longest=20).pairs(texts, 60, GENERATOR().manual_seed(1))
    together = {tuple(sorted((TOKENIZER.decode(p.chosen), TOKENIZER.decode(p.rejected))))
                for p in pairs}  # fmt: skip
    assert together == {("hm", "what a day"), ("again", "oh no")}


def test_texts_that_are_measured_are_never_trained_on(tmp_path: Path) -> None:
    tweets = [(f"text number {n}", [n % 9 - 4, n % 7 - 3]) for n in range(200)]
    path = write_ratings(tmp_path, tweets)
    texts = [text for text in read_rated_texts(path) if text.held_out]
    assert 5 < len(texts) < 40
    comparer = RatedComparer(TOKENIZER)
    pairs = rated_comparisons(path, comparer, 120, 30, GENERATOR().manual_seed(1))
    kept = {text.text for text in texts}
    sides = [{TOKENIZER.decode(p.chosen), TOKENIZER.decode(p.rejected)} for p in pairs]
    assert len(pairs) == 120
    assert not any(side & kept for side in sides[:90])
    assert all(side <= kept for side in sides[90:])


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([rated("hm", 1)], "too few"),
        ([rated("hm", 1), rated("oh no", 1)], "nearly all rated the same"),
    ],
)
def test_texts_that_cannot_be_compared_are_named(texts: list[RatedText], words: str) -> None:
    with pytest.raises(InvalidSettingError, match=words):
        RatedComparer(TOKENIZER).pairs(texts, 3, GENERATOR().manual_seed(1))


def test_who_decides_must_be_known() -> None:
    with pytest.raises(UnknownNameError, match="Known: person, mean"):
        RatedComparer(TOKENIZER, "median")


def test_ratings_lie_in_a_table_whose_agreement_can_be_measured() -> None:
    table = ratings_table([rated("a", 1, 1), rated("b", 3, 3, 3)])
    assert table[:, 1].tolist() == [3, 3, 3]
    assert table[:2, 0].tolist() == [1, 1]
    assert table[2, 0].isnan()
    assert krippendorff_alpha_interval(table) == 1.0
