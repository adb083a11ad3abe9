from __future__ import annotations

import math

import pytest

from ppolab.control.config import PPOConfig
from ppolab.errors import InvalidSettingError
from ppolab.runs.events import Event
from ppolab.runs.fold import RunFold
from ppolab.runs.studies.metric import Metric

CONFIG = PPOConfig(total_steps=1000)
CURVE = [(100, None, 0), (200, 20.0, 3), (300, 50.0, 60), (500, 40.0, 120), (600, 60.0, 140)]


@pytest.fixture
def fold() -> RunFold:
    """A run whose first episode ended in its second iteration, and whose iterations differ."""
    fold = RunFold()
    for seq, (step, mean_return, episodes) in enumerate(CURVE):
        data = {"return_mean_100": mean_return, "episodes": episodes}
        fold.apply(Event(seq + 1, 0.0, step, "metrics", data))
    return fold


def test_the_mean_return_is_the_last_one(fold: RunFold) -> None:
    metric = Metric.parse("return_mean_100")
    assert metric.maximize
    assert metric.of(fold, CONFIG) == 60.0
    assert metric.settings() == {}


def test_the_area_weighs_each_iteration_by_its_steps(fold: RunFold) -> None:
    metric = Metric.parse("auc")
    # 20 over 100 steps, 50 over 100, 40 over 200, 60 over 100; the first 100 do not count.
    assert metric.of(fold, CONFIG) == pytest.approx((2000 + 5000 + 8000 + 6000) / 500)
    assert metric.so_far(fold, 300) == pytest.approx(35.0)


def test_steps_to_a_return_need_a_hundred_episodes(fold: RunFold) -> None:
    metric = Metric.parse("steps_to:40")
    assert not metric.maximize
    # 50 at step 300 is the mean of 60 episodes only.
    assert metric.reached_at(fold) == 500
    assert metric.of(fold, CONFIG) == 500.0
    assert metric.settings() == {"stop_return": 40.0}
    assert Metric.parse("steps_to:60").of(fold, CONFIG) == 600.0


def test_a_return_never_reached_counts_as_all_steps(fold: RunFold) -> None:
    metric = Metric.parse("steps_to:475")
    assert metric.reached_at(fold) is None
    assert metric.of(fold, CONFIG) == 1000.0


def test_on_the_way_only_what_lies_before_the_stop_counts(fold: RunFold) -> None:
    metric = Metric.parse("return_mean_100")
    assert metric.so_far(fold, 300) == 50.0
    assert metric.so_far(fold, 301) == 40.0, "the first iteration that ends at or after it"
    assert metric.so_far(fold, 9999) == 60.0
    assert Metric.parse("steps_to:475").so_far(fold, 300) == -50.0, "less is better there"


def test_before_the_first_episode_there_is_no_number(fold: RunFold) -> None:
    for text in ("return_mean_100", "auc", "steps_to:475"):
        assert math.isnan(Metric.parse(text).so_far(fold, 100))
        assert math.isnan(Metric.parse(text).so_far(RunFold()))
    assert math.isnan(Metric.parse("auc").of(RunFold(), CONFIG))


@pytest.mark.parametrize("text", ["return_mean_100", "auc", "steps_to:475", "steps_to:-110.5"])
def test_a_metric_is_written_as_it_was_read(text: str) -> None:
    assert str(Metric.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reward", "Known: return_mean_100, auc, steps_to:RETURN"),
        ("auc:3", "Known"),
        ("steps_to", "such as steps_to:475"),
        ("steps_to:fast", "such as steps_to:475"),
        ("steps_to:nan", "such as steps_to:475"),
    ],
)
def test_an_unreadable_metric_is_named_with_its_mend(text: str, words: str) -> None:
    with pytest.raises(InvalidSettingError, match=words) as caught:
        Metric.parse(text)
    assert (caught.value.field, caught.value.value) == ("metric", text)
