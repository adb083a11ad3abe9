import math

import pytest
from language_cases import samples_of

from ppolab.language.corpus import austen
from ppolab.language.judges import LexiconJudge

JUDGE = LexiconJudge({"happy": 2.0, "sad": -2.0, "love": 3.0, "no": -1.2})


def squeezed(total: float) -> float:
    return total / math.sqrt(total**2 + 15)


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("She was happy.", 2.0),
        ("She was very happy.", 2.293),
        ("She was very, very happy.", 2.0 + 0.293 + 0.293 * 0.95),
        ("She was somewhat sad.", -2.0 + 0.293),
        ("She was not happy.", -1.48),
        ("She wasn't in the least happy.", 2.0),  # the negation is four words away
        ("She wasn't at all happy.", -1.48),
        ("No love was there.", -2.22),  # "no" negates here, and is no rating of its own
        ("She said no.", -1.2),
        ("She was sad, but he was happy.", -1.0 + 3.0),
        ("Happy! Happy!", 4.0 + 2 * 0.292),
        ("Sad!!!!!!", -2.0 - 4 * 0.292),
        ("The table stood there.", 0.0),
        ("", 0.0),
    ],
)
def test_scores_by_hand(text: str, total: float) -> None:
    assert JUDGE.judge(text).score == pytest.approx(squeezed(total), abs=1e-9)


def test_each_word_that_counted_is_shown_where_it_stands() -> None:
    text = "A very happy day, not sad."
    words = JUDGE.judge(text).words
    assert [text[w.start : w.end] for w in words] == ["happy", "sad"]
    assert [w.rating for w in words] == [2.0, -2.0]
    assert [w.counted for w in words] == pytest.approx([2.293, 1.48])


def test_it_scores_rows_as_a_reward_function() -> None:
    samples = samples_of([[1], [1]], [[2], [3]])
    scores = JUDGE(samples, ["happy", "sad"])
    assert scores.tolist() == pytest.approx([squeezed(2), squeezed(-2)])


def test_on_the_novels_it_agrees_with_vader_itself() -> None:
    vader = pytest.importorskip("vaderSentiment.vaderSentiment").SentimentIntensityAnalyzer()
    judge = LexiconJudge.load()
    sentences = austen().validation
    same = [
        abs(judge.judge(s).score - vader.polarity_scores(s)["compound"]) < 1e-3 for s in sentences
    ]
    assert sum(same) / len(same) > 0.95
