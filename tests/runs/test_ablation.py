from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers_runs import quick_config

from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.control.config import PPOConfig
from ppolab.errors import ConflictError, InvalidSettingError, StorageError, UnknownNameError
from ppolab.runs.studies.ablation import (
    BASELINE,
    Variant,
    compare,
    curves,
    plan,
    run_name,
    train_all,
)
from ppolab.runs.studies.ablations import ABLATIONS, NO_CLIP, ablation
from ppolab.runs.studies.crews import InlineCrew
from ppolab.runs.studies.folder import StudyFolder, create_study, open_study
from ppolab.runs.studies.metric import Metric

RETURN = Metric.parse("return_mean_100")

# A baseline that has something of every ingredient.
EVERYTHING = PPOConfig(value_clip_range=0.2, target_kl=0.02, normalize_observations=True,
                       normalize_rewards=True, clip_range_schedule="linear")  # fmt: skip


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ingredient_can_be_left_out_of_a_baseline_that_has_it(name: str) -> None:
    apart = {"memory": {"memory": "gru"}, "central_critic": {"critic": "central"}}
    baseline = dataclasses.replace(EVERYTHING, **apart.get(name, {}))
    config = ablation(name).of(baseline)
    assert config != baseline
    assert config.planned_steps == baseline.planned_steps, "compared over the same steps"
    with pytest.raises(InvalidSettingError, match="changes nothing"):
        ablation(name).of(config)


@pytest.mark.parametrize("name", ["observation_clip", "reward_clip", "kl_stop", "memory"])
def test_an_ingredient_that_the_baseline_lacks_cannot_be_left_out(name: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"'{name}' changes nothing: the baseline has"):
        ablation(name).of(PPOConfig())


def test_any_policy_loss_can_do_without_its_clip() -> None:
    assert ablation("clip").of(PPOConfig()).policy_loss == "clipped", "and keeps its back end"
    dual = PPOConfig(policy_loss="dual_clip")
    assert ablation("clip").of(dual) == dataclasses.replace(dual, policy_loss="unclipped")


@pytest.mark.parametrize("one", ABLATIONS.values(), ids=ABLATIONS)
def test_every_ingredient_says_what_its_absence_means_and_who_says_so(one: object) -> None:
    assert one.words.endswith(".")  # type: ignore[attr-defined]
    assert "(20" in one.source  # type: ignore[attr-defined]


def test_without_clipping_the_loss_is_the_plain_importance_weighted_one() -> None:
    generator = torch.Generator().manual_seed(0)
    log_probs, old, advantages = torch.randn(3, 64, generator=generator) * 3
    result = clipped_policy_loss(log_probs, old, advantages, NO_CLIP)
    torch.testing.assert_close(result.loss, -(torch.exp(log_probs - old) * advantages).mean())
    assert result.clip_fraction == 0


def test_a_plan_begins_with_the_baseline_and_changes_one_thing_at_a_time() -> None:
    planned = plan(EVERYTHING, ["gae", "entropy"], Metric.parse("steps_to:475"))
    assert list(planned) == [BASELINE, "gae", "entropy"]
    assert planned[BASELINE] == dataclasses.replace(EVERYTHING, stop_return=475.0)
    assert planned["gae"] == dataclasses.replace(planned[BASELINE], gae_lambda=1.0)
    assert planned["entropy"] == dataclasses.replace(planned[BASELINE], entropy_coef=0.0)


def test_a_plan_that_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"without: 'gea' is not known\. Known: normalize"):
        plan(EVERYTHING, ["gea"], RETURN)
    with pytest.raises(InvalidSettingError, match="names nothing"):
        plan(EVERYTHING, [], RETURN)
    with pytest.raises(InvalidSettingError, match="names one twice"):
        plan(EVERYTHING, ["gae", "clip", "gae"], RETURN)
    with pytest.raises(InvalidSettingError, match="'kl_stop' changes nothing: the baseline has"):
        plan(PPOConfig(), ["kl_stop"], RETURN)


def variant(name: str, *values: float) -> Variant:
    return Variant(name, PPOConfig(), {}, np.array(values), {})


def test_a_comparison_is_the_one_computed_by_hand() -> None:
    baseline = variant(BASELINE, 10.0, 20.0, 30.0)
    other = variant("gae", 13.0, 22.0, 31.0)
    one = compare(other, baseline, RETURN, seed=1)
    assert one.mean == pytest.approx(22.0)
    assert one.interval == pytest.approx(
        (22 - 4.303 * 9 / 3**0.5, 22 + 4.303 * 9 / 3**0.5), abs=0.01
    )
    assert one.difference == pytest.approx(2.0)
    assert one.difference_interval == pytest.approx((2 - 2.484, 2 + 2.484), abs=1e-3)
    # 13 beats 10; 22 beats 10 and 20; 31 beats all three: 6 of 9.
    assert one.improvement == pytest.approx(6 / 9)
    low, high = one.improvement_interval or (1.0, 0.0)
    assert 0.0 <= low < 6 / 9 < high <= 1.0
    alone = compare(baseline, baseline, RETURN, seed=1)
    assert (alone.mean, alone.difference, alone.improvement) == (20.0, None, None)


def test_where_less_is_better_the_probability_turns_round_and_the_difference_does_not() -> None:
    steps = Metric.parse("steps_to:475")
    one = compare(variant("gae", 100.0, 100.0), variant(BASELINE, 300.0, 50.0), steps, seed=1)
    assert one.improvement == 0.5
    assert one.difference == -75.0
    one = compare(variant("gae", 100.0, 100.0), variant(BASELINE, 300.0, 500.0), steps, seed=1)
    assert one.improvement == 1.0


def test_a_seed_that_failed_is_left_out_of_its_pair_as_well() -> None:
    one = compare(variant("gae", 5.0, math.nan, 9.0), variant(BASELINE, 1.0, 700.0, 3.0), RETURN, 1)
    assert one.mean == 7.0
    assert one.difference == 5.0
    # 5 and 9 beat 1 and 3, none beats 700.
    assert one.improvement == pytest.approx(4 / 6)
    none = compare(variant("gae", math.nan), variant(BASELINE, 1.0), RETURN, 1)
    assert (none.mean, none.difference) == (None, None)


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    config = quick_config(iterations=6, backend="torch", total_steps=6 * 64)
    return create_study(
        tmp_path, "ablation", {"environment": "CartPole-v1", "config": config.to_mapping()}
    )


def quick_plan(study: StudyFolder) -> dict[str, PPOConfig]:
    config = PPOConfig.from_mapping(study.asked["config"])
    return plan(config, ["gae", "normalize_advantages"], RETURN)


def test_every_variant_is_trained_with_every_seed(study: StudyFolder) -> None:
    variants = quick_plan(study)
    steps: dict[str, list[int]] = {}
    measured = train_all(
        study, variants, [4, 5], RETURN, InlineCrew(),
        lambda name, step, total: steps.setdefault(name, []).append(step),
    )  # fmt: skip
    assert measured["gae"].changed == {"gae_lambda": 1.0}
    for name, one in measured.items():
        for seed, value in zip([4, 5], one.values, strict=True):
            folder = study.runs.get(run_name(name, seed))
            assert folder.manifest.config["seed"] == seed
            assert folder.manifest.config["gae_lambda"] == (1.0 if name == "gae" else 0.95)
            assert folder.status().latest["return_mean_100"] == value
            assert steps[folder.id][-1] == 384
            assert steps[folder.id] == sorted(steps[folder.id])
    assert len(study.runs.list()) == 6
    # The same seed begins in the same states with the same weights, so pairs have much in common.
    rows = [line.split(",") for line in curves(study, list(variants), [4, 5]).splitlines()]
    assert rows[0] == ["variant", "seed", "step", "return_mean_100"]
    assert len(rows) == 1 + 6 * 6
    first = {row[0]: row[3] for row in rows[1:] if row[1:3] == ["4", "64"]}
    assert len(set(first.values())) == 1
    last = [row for row in rows if row[:2] == ["gae", "5"]][-1]
    assert float(last[3]) == measured["gae"].values[1]


def test_an_interrupted_study_goes_on_and_trains_nothing_twice(
    study: StudyFolder, tmp_path: Path
) -> None:
    whole = create_study(tmp_path / "b", "ablation", study.asked)
    expected = train_all(whole, quick_plan(whole), [4, 5], RETURN, InlineCrew(), lambda *_: None)

    reports = 0

    def interrupt(name: str, step: int, total: int) -> None:
        nonlocal reports
        reports += 1
        if reports == 45:  # in the third run
            raise KeyboardInterrupt

    crew = InlineCrew()
    with pytest.raises(KeyboardInterrupt):
        train_all(study, quick_plan(study), [4, 5], RETURN, crew, interrupt)
    crew.close()
    states = {folder.id: folder.status().state for folder in study.runs.list()}
    assert sorted(states.values()) == ["finished"] * 2 + ["interrupted"] + ["starting"] * 3
    done = study.runs.get(next(name for name, state in states.items() if state == "finished"))
    head = done.status().head
    resumed = train_all(study, quick_plan(study), [4, 5], RETURN, InlineCrew(), lambda *_: None)
    assert done.status().head == head
    for name, one in expected.items():
        np.testing.assert_array_equal(resumed[name].values, one.values)


def test_a_run_that_fails_is_named_and_the_others_go_on(study: StudyFolder) -> None:
    variants = quick_plan(study)
    variants["gae"] = dataclasses.replace(
        variants["gae"], learning_rate=1e30, max_gradient_norm=1e30
    )
    measured = train_all(study, variants, [4], RETURN, InlineCrew(), lambda *_: None)
    assert np.isnan(measured["gae"].values).all()
    assert "is not finite" in measured["gae"].failures[4]
    assert np.isfinite(measured["normalize_advantages"].values).all()


def test_a_run_without_a_finished_episode_has_no_value(tmp_path: Path) -> None:
    config = quick_config(iterations=2, environment="MountainCarContinuous-v0", backend="torch")
    study = create_study(
        tmp_path, "ablation", {"environment": config.environment, "config": config.to_mapping()}
    )
    variants = plan(config, ["gae"], RETURN)
    measured = train_all(study, variants, [1], RETURN, InlineCrew(), lambda *_: None)
    assert measured[BASELINE].failures == {1: "no episode was over within 128 steps"}
    assert curves(study, [BASELINE], [1]).splitlines()[1] == "baseline,1,64,"


def test_a_study_is_found_again_by_its_name(study: StudyFolder, tmp_path: Path) -> None:
    again = open_study(tmp_path, "ablation", study.id)
    assert again.asked == study.asked
    assert again.path == study.path
    with pytest.raises(UnknownNameError, match=study.id):
        open_study(tmp_path, "ablation", "nobody")
    with pytest.raises(InvalidSettingError, match=f"Use: ppolab ablate --resume {study.id}"):
        open_study(tmp_path, "sweep", study.id)


def test_a_study_is_held_by_one_process(study: StudyFolder) -> None:
    with study.locked(), pytest.raises(ConflictError, match="already going"), study.locked():
        pass


def test_a_run_half_made_is_made_anew(study: StudyFolder) -> None:
    (study.runs.root / "baseline-seed-4").mkdir()
    assert study.run("baseline-seed-4", quick_config(seed=4), "t").manifest.seed == 4


def test_a_damaged_study_is_named(study: StudyFolder, tmp_path: Path) -> None:
    (study.path / "study.json").write_text("{")
    with pytest.raises(StorageError, match=r"no readable study\.json"):
        open_study(tmp_path, "ablation", study.id)
