from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from test_language_runs import finished, reward_stage, rlhf_stage

from ppolab.errors import UnknownNameError
from ppolab.language import tasks
from ppolab.language.best_of_n import BestOfNConfig
from ppolab.language.dpo import DPOConfig
from ppolab.language.people_judge import people_judge
from ppolab.language.rival_stages import BestOfNStage, DPOStage
from ppolab.language.stage_models import BASE
from ppolab.runs import RunFolder, Runs
from ppolab.runs.stage_results import figures_of
from ppolab.runs.studies.overoptimization import fitted_laws, points_of
from tiny_task import TinyTask, tiny_task

__all__ = ["tiny_task"]  # the fixture that every test here uses


def first(folder: RunFolder, key: str) -> float:
    return folder.fold().columns[key].values[0]


@pytest.fixture(autouse=True)
def two_judges(tiny_task: None, monkeypatch: pytest.MonkeyPatch) -> None:
    task = tasks.task_named("tiny")
    assert isinstance(task, TinyTask)
    monkeypatch.setitem(tasks.TASKS, "tiny", dataclasses.replace(task, make_second=people_judge))


def test_two_judges_stand_side_by_side_and_change_places_by_name(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    stage = rlhf_stage(Path(BASE), "gold")
    plain = finished(runs.create(stage))
    other = finished(runs.create(dataclasses.replace(stage, judge="people")))
    assert first(plain, "eval_gold") != first(plain, "eval_gold_second")
    assert first(other, "eval_gold") == first(plain, "eval_gold_second")
    assert first(other, "eval_gold_second") == first(plain, "eval_gold")
    assert first(other, "eval_reward") == first(other, "eval_gold")  # gold is what is pleased
    assert "gold score, second judge" in [figure.words for figure in figures_of(plain)]


def test_pairs_are_compared_and_rivals_judged_by_the_one_that_is_named(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    model = reward_stage(Path(BASE))
    plain = finished(runs.create(model))
    other = finished(runs.create(dataclasses.replace(model, judge="people")))
    pairs = [(folder.path / "pairs.jsonl").read_text("utf8") for folder in (plain, other)]
    assert pairs[0] != pairs[1]
    dpo = DPOStage(
        "tiny",
        BASE,
        str(plain.path),
        DPOConfig(
            batch_size=9,
            dtype="float32",
            longest_response=12,
            evaluate_every=9,
            evaluation_prompts=6,
        ),
    )
    dpo_gold, dpo_second = (
        first(finished(runs.create(stage)), "eval_gold")
        for stage in (dpo, dataclasses.replace(dpo, judge="people"))
    )
    assert dpo_gold != dpo_second
    best = BestOfNStage("tiny", training=BestOfNConfig(n=(1, 2), prompts=4, prompts_at_a_time=4,
                                                       longest_response=12))  # fmt: skip
    by_lexicon, by_people = (
        finished(runs.create(stage)) for stage in (best, dataclasses.replace(best, judge="people"))
    )
    assert first(by_lexicon, "eval_gold") != first(by_people, "eval_gold")
    # Both wrote the same answers; of the best of one each judge thinks what it does as the other's.
    assert first(by_people, "bon_gold_second/1") == first(by_lexicon, "bon_gold/1")
    assert first(by_people, "eval_gold_second") == first(by_people, "bon_gold_second/2")
    (second,) = (figure for figure in figures_of(by_people) if figure.key == "eval_gold_second")
    assert second.before == first(by_people, "bon_gold_second/1")


@pytest.mark.parametrize("stage", [DPOStage, BestOfNStage])
def test_an_unknown_judge_is_refused_before_anything_begins(stage: Any) -> None:
    with pytest.raises(UnknownNameError, match="Known: lexicon, people"):
        stage(judge="critic")


def test_each_judge_has_a_law_of_its_own(tmp_path: Path) -> None:
    training = BestOfNConfig(n=(1, 2, 4), prompts=4, prompts_at_a_time=4, longest_response=12)
    run = finished(Runs(tmp_path).create(BestOfNStage("tiny", training=training)))
    points = points_of(run)
    laws = {law.of: law.law for law in fitted_laws([run], points)}
    assert set(laws) == {"gold", "reward", "second"}
    for point in points:  # two points above KL 0, through which the law goes
        assert point.second_gain is not None
        assert laws["second"].gain(point.kl) == pytest.approx(point.second_gain, abs=1e-5)
