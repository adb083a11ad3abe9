import json
import math
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 – the field's own abbreviation

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.judges import LexiconJudge
from ppolab.language.ngram_judge import NgramJudge, fit_ngrams, ngrams
from ppolab.language.people_judge import learn_from_people, liked_by, people_judge
from ppolab.language.rated_texts import RatedText
from ppolab.language.tasks import judged_by, task_named

PLACES = 2**12
TEXTS = ["what a happy day", "a sad sad day", "happy people", "sad people", "a day"]
LIKED = torch.tensor([1.0, 0.0, 0.9, 0.2, 0.5])


def test_n_grams_are_words_pairs_and_pieces_each_once() -> None:
    # "ab": the word, and of <ab> the pieces <ab, ab> and <ab>; "ab ab": one pair more.
    assert len(ngrams("ab", PLACES)) == 4
    assert len(ngrams("ab ab", PLACES)) == 5
    assert set(ngrams("ab", PLACES)) < set(ngrams("AB ab.", PLACES))
    assert len(ngrams("…", PLACES)) == 0
    assert set(ngrams("a b", PLACES)) != set(ngrams("b a", PLACES))


def test_scores_by_hand() -> None:
    places = ngrams("ab", PLACES)
    weights = torch.zeros(PLACES)
    weights[torch.from_numpy(places)] = torch.tensor([1.0, -3.0, 0.5, 2.5])
    judge = NgramJudge("by hand", weights, 0.25)
    expected = 2 / (1 + math.exp(-(1.0 / math.sqrt(4) + 0.25))) - 1
    nothing = 2 / (1 + math.exp(-0.25)) - 1
    assert judge.scores(["ab", "…"]).tolist() == pytest.approx([expected, nothing])


def test_what_is_learnt_is_where_the_penalised_loss_is_least() -> None:
    penalty = 0.1
    judge = fit_ngrams("toy", TEXTS, LIKED, penalty, PLACES)
    weights = judge.weights.clone().requires_grad_()
    bias = torch.tensor(judge.bias, requires_grad=True)
    logits = []
    for text in TEXTS:
        places = torch.from_numpy(ngrams(text, PLACES))
        logits.append(weights[places].sum() / math.sqrt(len(places)) + bias)
    loss = F.binary_cross_entropy_with_logits(torch.stack(logits), LIKED, reduction="sum")
    loss = loss + 0.5 * penalty * weights.square().sum()
    gradients = torch.autograd.grad(loss, (weights, bias))
    assert max(float(gradient.abs().max()) for gradient in gradients) < 1e-3
    scores = judge.scores(TEXTS)
    assert scores[0] > scores[2] > scores[4] > scores[3] > scores[1]


def test_a_judge_comes_back_from_its_file_but_for_rounding(tmp_path: Path) -> None:
    judge = fit_ngrams("toy", TEXTS, LIKED, 0.1, PLACES)
    judge.save(tmp_path / "judge.f16")
    again = NgramJudge.load("toy", (tmp_path / "judge.f16").read_bytes())
    torch.testing.assert_close(again.scores(TEXTS), judge.scores(TEXTS), rtol=0, atol=2e-3)


def test_liking_is_a_share_of_people_and_indifference_counts_half() -> None:
    texts = [RatedText("a", "tweets", (3, 1, 0, -2)), RatedText("b", "tweets", (0, 0))]
    assert liked_by(texts).tolist() == [0.625, 0.5]


def test_the_judge_is_not_shown_the_texts_that_are_held_out() -> None:
    texts = [RatedText(f"text {n} is bad", "tweets", (-4,)) for n in range(40)]
    swayed = [RatedText(t.text, t.source, (4,) if t.held_out else t.ratings) for t in texts]
    assert any(text.held_out for text in texts)
    assert torch.equal(learn_from_people(texts).weights, learn_from_people(swayed).weights)


def test_the_judge_that_comes_with_the_course_knows_good_from_bad() -> None:
    scores = people_judge().scores(
        ["it was a wonderful and charming story.", "the table stood in the room.",
         "it was a dreadful and boring story."]
    )  # fmt: skip
    assert scores[0] > 0.4
    assert scores[2] < -0.4
    assert scores[0] > scores[1] > scores[2]


def test_its_figures_are_written_beside_it() -> None:
    path = files("ppolab.language").joinpath("assets/people_judge.json")
    figures = json.loads(path.read_text("utf8"))["spearman"]
    assert set(figures) == {"tweets", "products", "films", "editorials", "all"}
    assert figures["all"]["people"] > figures["all"]["lexicon"] + 0.1


def test_another_judge_takes_the_place_of_the_first_who_comes_second() -> None:
    task = task_named("austen")
    assert isinstance(task.gold, LexiconJudge)
    other = judged_by(task, "people")
    assert other.gold is people_judge()
    assert isinstance(other.second, LexiconJudge)  # type: ignore[union-attr]
    assert judged_by(task, "lexicon") is task
    assert judged_by(task, "") is task


def test_judges_that_there_are_not_or_that_cannot_judge_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="Known: lexicon, people"):
        judged_by(task_named("austen"), "critic")
    with pytest.raises(InvalidSettingError, match="judge: 'people' judges the mood of sentences"):
        judged_by(task_named("arithmetic"), "people")
