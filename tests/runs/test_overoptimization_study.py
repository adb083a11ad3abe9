from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
from test_language_runs import SFT, finished, rlhf_stage

from ppolab.algorithms.overoptimization import OveroptimizationLaw
from ppolab.errors import InvalidSettingError, StorageError
from ppolab.language.best_of_n import BestOfNConfig
from ppolab.language.rival_stages import BestOfNStage
from ppolab.language.stage_models import BASE
from ppolab.runs import Runs
from ppolab.runs.studies.overoptimization import (
    FittedLaw,
    Point,
    done_before,
    fit_points,
    fitted_laws,
    points_of,
    sweep_stages,
)
from tiny_task import tiny_task

__all__ = ["tiny_task"]  # the fixture that every test here uses


def best_of(*ns: int) -> BestOfNStage:
    training = BestOfNConfig(n=ns, prompts=4, prompts_at_a_time=4, longest_response=12)
    return BestOfNStage("tiny", training=training)


def point(run: str, kl: float, gold: float, reward: float = 0.0) -> Point:
    return Point(run, "rl", kl, gold, reward, gold, reward)


def test_points_are_the_evaluations_of_a_run_less_the_one_before_it_learnt(tmp_path: Path) -> None:
    run = finished(Runs(tmp_path).create(rlhf_stage(Path(BASE), "gold")))
    columns = run.fold().columns
    points = points_of(run)
    assert [p.step for p in points] == [2, 4]  # the evaluation at 0 is where gains begin
    for i, p in enumerate(points, start=1):
        assert p.gold_gain == columns["eval_gold"].values[i] - columns["eval_gold"].values[0]
        assert p.reward_gain == columns["eval_reward"].values[i] - columns["eval_reward"].values[0]
        assert p.kl == max(columns["eval_kl"].values[i], 0.0)
    assert {(p.method, p.kl_coef, p.n) for p in points} == {("rl", 0.1, None)}


def test_best_of_n_has_the_closed_form_of_its_distance_and_the_laws_of_its_run(
    tmp_path: Path,
) -> None:
    run = finished(Runs(tmp_path).create(best_of(1, 2, 4)))
    points = points_of(run)
    assert [p.n for p in points] == [2, 4]
    assert points[1].kl == pytest.approx(math.log(4) - 3 / 4)
    gold, reward = fitted_laws([run], points)
    assert (gold.of, reward.of, gold.law.method) == ("gold", "reward", "best-of-n")
    assert gold.law.groups == 4  # prompts
    # Fitted to two points above KL 0, the law goes through both.
    for p in points:
        assert gold.law.gain(p.kl) == pytest.approx(p.gold_gain, abs=1e-5)
        assert reward.law.gain(p.kl) == pytest.approx(p.reward_gain, abs=1e-5)


def test_gold_and_reward_have_laws_of_their_own() -> None:
    gold, proxy = OveroptimizationLaw("rl", 1.0, 0.4), OveroptimizationLaw("rl", 2.0, 0.1)
    points = [point(run, kl, gold.gain(kl), proxy.gain(kl))
              for run in ("a", "b", "c") for kl in (1.0, 5.0, 12.0)]  # fmt: skip
    fits = {of: fit_points(points, of) for of in ("gold", "reward")}  # type: ignore[arg-type]
    assert fits["gold"].law.alpha == pytest.approx(1.0)  # type: ignore[union-attr]
    assert fits["reward"].law.beta == pytest.approx(0.1)  # type: ignore[union-attr]
    assert fits["gold"].law.groups == 3  # type: ignore[union-attr]
    assert fit_points([], "gold") is None
    assert fit_points(points, "second") is None  # there is no second judge
    second = [dataclasses.replace(p, second=0.0, second_gain=-p.gold_gain) for p in points]
    turned = fit_points([*second, point("d", 9.0, 5.0)], "second")  # one that nobody judged
    assert turned is not None
    assert (turned.points, turned.law.alpha) == (9, pytest.approx(-1.0))
    with pytest.raises(InvalidSettingError, match="too few points"):
        fit_points([point("a", 1.0, 0.5)], "gold")


def test_an_interval_is_student_s_by_hand_and_none_where_no_error_is_known() -> None:
    # Three runs leave two degrees of freedom: t = 4.303.
    law = FittedLaw("gold", OveroptimizationLaw("rl", 1.0, 0.5, 0.9, 0.1, 0.2, 0.1, 3), 9)
    assert law.alpha_interval == pytest.approx((1 - 0.8605, 1 + 0.8605), abs=1e-3)
    assert law.beta_interval == pytest.approx((0.5 - 0.4303, 0.5 + 0.4303), abs=1e-3)
    told = dataclasses.replace(law, law=OveroptimizationLaw("rl", 1.0, -0.5, 0.9, 0.1))
    data = json.loads(json.dumps(told.to_mapping(), allow_nan=False))
    assert (data["alpha_interval"], data["best_kl"]) == (None, None)


def test_a_sweep_holds_prices_fixed_and_knows_what_was_done_before(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    stage = rlhf_stage(Path(BASE), "gold")
    stages = sweep_stages(stage, [0.0, 0.3], [1, 2])
    assert [(s.training.kl_coef, s.training.seed) for s in stages] == [
        (0.0, 1), (0.0, 2), (0.3, 1), (0.3, 2),
    ]  # fmt: skip
    assert {s.training.kl_controller for s in stages} == {"fixed"}
    assert done_before(runs, stages[0]) is None
    unfinished = runs.create(stages[0])
    assert done_before(runs, stages[0]) is None
    finished(unfinished)
    found = done_before(runs, stages[0])
    assert found is not None
    assert found.id == unfinished.id
    assert done_before(runs, stages[1]) is None
    with pytest.raises(InvalidSettingError, match="names a price twice"):
        sweep_stages(stage, [0.1, 0.1], [1])


def test_runs_that_say_nothing_of_it_are_refused_in_words(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    sft = finished(runs.create(SFT))
    with pytest.raises(StorageError, match="holds no gold score, reward and KL"):
        points_of(sft)
    with pytest.raises(StorageError, match="begins at the best of 2"):
        points_of(finished(runs.create(best_of(2, 4))))
    with pytest.raises(StorageError, match=r"no readable best_of_n\.json"):
        points_of(runs.create(best_of(1, 2)))
    one = finished(runs.create(best_of(1, 2)))  # one n above 1: there is no law
    with pytest.raises(StorageError, match="two or more n above 1"):
        fitted_laws([one], points_of(one))
