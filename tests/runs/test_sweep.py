from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers_runs import quick_config

from ppolab.errors import InvalidSettingError
from ppolab.runs.folder import RunFolder
from ppolab.runs.studies.crews import InlineCrew, ProcessCrew
from ppolab.runs.studies.folder import StudyFolder, create_study
from ppolab.runs.studies.metric import Metric
from ppolab.runs.studies.sweep import Sweep, SweepPlan, Trial
from ppolab.runs.studies.team import Job, Report

MakeStudy = Callable[..., StudyFolder]

ASKED = {
    "environment": "CartPole-v1",
    "config": quick_config(iterations=4, backend="torch").to_mapping(),
    "space": {"learning_rate": "log:1e-5:1e-1", "gamma": "0.9,0.99"},
    "trials": 3,
    "seeds": [1, 2],
    "metric": "return_mean_100",
    "pruner": "none",
    "reports": 2,
}


@pytest.fixture
def make(tmp_path: Path) -> MakeStudy:
    count = 0

    def make(**changes: Any) -> StudyFolder:
        nonlocal count
        count += 1
        return create_study(tmp_path / str(count), "sweep", ASKED | changes)

    return make


def sweep(study: StudyFolder, crew: Any = None) -> Sweep:
    searched = Sweep(study, SweepPlan.from_mapping(study.asked))
    searched.run(crew or InlineCrew())
    return searched


class Scripted:
    """Trains nothing: a trial's value at each stop follows from its settings."""

    size = 1

    def __init__(self, value: Callable[[dict[str, Any], int], float], spoil: str = "") -> None:
        self._value = value
        self._spoil = spoil
        self.jobs: list[Job] = []
        self.reached: dict[str, list[int]] = {}
        self._stop = False

    def begin(self, job: Job) -> None:
        self.jobs.append(job)
        self.reached[job.name] = []
        self._stop = False

    def go_on(self, name: str) -> None: ...

    def stop(self, name: str) -> None:
        self._stop = True

    def close(self) -> None: ...

    def wait(self) -> Report:
        job = self.jobs[-1]
        if self._stop:
            return Report(job.name, 0, (), "stopped")
        if self._spoil:
            return Report(job.name, 0, (), self._spoil, "out of luck")
        step = job.stops[len(self.reached[job.name])]
        self.reached[job.name].append(step)
        configs = [RunFolder(Path(path)).manifest.config for path in job.folders]
        values = tuple(self._value(config, step) for config in configs)
        over = step == job.stops[-1]
        if over:
            for path, value in zip(job.folders, values, strict=True):
                self._tell(Path(path), step, value)
        return Report(job.name, step, values, "finished" if over else "going")

    def _tell(self, path: Path, step: int, value: float) -> None:
        from ppolab.runs.log import LogWriter

        log = LogWriter(path)
        log.append(step, "metrics", {"return_mean_100": value, "episodes": 200})
        log.close()


def test_every_trial_trains_its_settings_with_every_seed(make: MakeStudy) -> None:
    study = make()
    trials = sweep(study).trials()
    assert [(trial.number, trial.state) for trial in trials] == [
        (0, "finished"), (1, "finished"), (2, "finished"),
    ]  # fmt: skip
    for trial in trials:
        runs = [study.runs.get(f"trial-{trial.number:03d}-seed-{seed}") for seed in (1, 2)]
        assert [run.manifest.config["seed"] for run in runs] == [1, 2]
        for run in runs:
            assert trial.settings.items() <= run.manifest.config.items()
            assert run.status().state == "finished"
        assert trial.values == [run.status().latest["return_mean_100"] for run in runs]
        assert trial.value == pytest.approx(sum(trial.values) / 2)
        assert 1e-5 <= trial.settings["learning_rate"] <= 1e-1
        assert trial.settings["gamma"] in (0.9, 0.99)
        low, high = trial.interval or (1.0, 0.0)
        assert low <= trial.value <= high


def test_the_same_seed_searches_the_same_and_another_something_else(make: MakeStudy) -> None:
    def value(config: dict[str, Any], step: int) -> float:
        return -abs(math.log10(config["learning_rate"]) + 3)

    first = sweep(make(trials=15), Scripted(value)).trials()
    assert sweep(make(trials=15), Scripted(value)).trials() == first
    config = ASKED["config"] | {"seed": 9}  # type: ignore[operator]
    other = sweep(make(trials=15, config=config), Scripted(value)).trials()
    assert [trial.settings for trial in other] != [trial.settings for trial in first]
    assert len({trial.settings["learning_rate"] for trial in first}) == 15


def test_the_search_finds_better_settings_than_chance_does(make: MakeStudy) -> None:
    def value(config: dict[str, Any], step: int) -> float:
        return -abs(math.log10(config["learning_rate"]) + 3) - (config["gamma"] == 0.9)

    searched = sweep(make(trials=40), Scripted(value))
    trials = [trial.value or 0.0 for trial in searched.trials()]
    assert sum(trials[10:]) / 30 > sum(trials[:10]) / 10 + 0.3, "the first ten are random"
    ranking = searched.ranking()
    assert [trial.value for trial in ranking] == sorted(trials, reverse=True)
    best = searched.best_config()
    assert best is not None
    assert abs(math.log10(best.learning_rate) + 3) < 0.2
    assert best.gamma == 0.99
    assert best.seed == 1
    importances = searched.importances()
    assert importances is not None
    assert sum(importances.values()) == pytest.approx(1.0)


def test_importances_need_ten_trials_and_two_settings(make: MakeStudy) -> None:
    def value(config: dict[str, Any], step: int) -> float:
        return math.log10(config["learning_rate"])

    assert sweep(make(trials=9), Scripted(value)).importances() is None
    assert sweep(make(trials=10), Scripted(lambda *_: 1.0)).importances() is None
    one = make(trials=10, space={"learning_rate": "log:1e-5:1e-1"})
    assert sweep(one, Scripted(value)).importances() is None
    of_two = sweep(make(trials=30), Scripted(value)).importances()
    assert of_two is not None
    assert of_two["learning_rate"] > of_two["gamma"]


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_a_trial_that_falls_behind_is_ended(make: MakeStudy, pruner: str) -> None:
    def value(config: dict[str, Any], step: int) -> float:
        return step * math.log10(config["learning_rate"] * 1e6)

    study = make(trials=30, pruner=pruner, reports=9, seeds=[1])
    crew = Scripted(value)
    trials = sweep(study, crew).trials()
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert 3 <= len(pruned) <= 27
    if pruner == "median":
        assert all(trial.state == "finished" for trial in trials[:5])
    finished = [trial.value or 0.0 for trial in trials if trial.value is not None]
    for trial in pruned:
        reached = crew.reached[f"trial-{trial.number:03d}"]
        assert len(reached) < 9
        assert trial.words == f"pruned after {reached[-1]:,} steps"
        promise = 256 * math.log10(trial.settings["learning_rate"] * 1e6)
        assert promise < max(finished)


def test_a_trial_is_judged_by_the_mean_over_its_seeds(make: MakeStudy) -> None:
    def value(config: dict[str, Any], step: int) -> float:
        # The first five trials give 10 with either seed; later ones 30 and 0, mean 15, or −15.
        late = len(crew.jobs) > 5
        even = len(crew.jobs) % 2 == 0
        return (30.0 if config["seed"] == 1 else 0.0 if even else -60.0) if late else 10.0

    crew = Scripted(value)
    trials = sweep(make(trials=8, pruner="median"), crew).trials()
    assert [trial.state for trial in trials[5:]] == ["finished", "pruned", "finished"]
    assert trials[5].value == 15.0


def test_without_a_pruner_every_trial_ends_at_its_own_end(make: MakeStudy) -> None:
    crew = Scripted(lambda config, step: config["learning_rate"])
    sweep(make(trials=8), crew)
    assert all(reached == [128, 256] for reached in crew.reached.values())


def test_fewer_steps_are_better_where_that_is_the_metric(make: MakeStudy) -> None:
    study = make(metric="steps_to:5", trials=3)
    searched = sweep(study)
    plan = SweepPlan.from_mapping(study.asked)
    assert plan.metric == Metric("steps_to", 5.0)
    ranking = searched.ranking()
    assert [trial.value for trial in ranking] == sorted(trial.value or 0 for trial in ranking)
    run = study.runs.get("trial-000-seed-1")
    assert run.manifest.config["stop_return"] == 5.0
    best = searched.best_config()
    assert best is not None
    assert best.stop_return is None, "the metric's own, not to be kept"


def test_settings_that_do_not_fit_each_other_are_passed_over(make: MakeStudy) -> None:
    space = {"minibatch_size": "32,48", "rollout_steps": "32,48"}
    trials = sweep(make(space=space, trials=8), Scripted(lambda *_: 1.0)).trials()
    odd = [trial for trial in trials if "does not divide" in trial.words]
    assert odd
    assert all(trial.state == "pruned" for trial in odd)
    assert all((2 * t.settings["rollout_steps"]) % t.settings["minibatch_size"] for t in odd)
    assert any(trial.state == "finished" for trial in trials)


def test_settings_that_came_before_are_not_trained_again(make: MakeStudy) -> None:
    crew = Scripted(lambda config, step: config["gamma"])
    trials = sweep(make(space={"gamma": "0.9,0.99"}, trials=6), crew).trials()
    assert len(crew.jobs) == 2
    repeated = [trial for trial in trials if trial.words.startswith("the same settings as trial")]
    assert len(repeated) == 4
    for trial in repeated:
        twin = trials[int(trial.words.split()[-1])]
        assert (trial.settings, trial.value, trial.values) == (
            twin.settings, twin.value, twin.values,
        )  # fmt: skip


@pytest.mark.parametrize(("spoil", "state"), [("failed", "pruned"), ("lost", "failed")])
def test_a_trial_whose_run_fails_says_so_and_the_search_goes_on(
    make: MakeStudy, spoil: str, state: str
) -> None:
    searched = sweep(make(trials=2), Scripted(lambda *_: 0.0, spoil))
    assert [(trial.state, trial.words) for trial in searched.trials()] == [
        (state, "out of luck")
    ] * 2  # fmt: skip
    assert searched.ranking() == []
    assert searched.best_config() is None


def test_diverging_settings_are_told_with_what_the_run_said(make: MakeStudy) -> None:
    config = quick_config(iterations=4, backend="torch", max_gradient_norm=1e30).to_mapping()
    study = make(config=config, space={"learning_rate": "1e30,1e-3"}, trials=4, seeds=[1])
    by_rate = {trial.settings["learning_rate"]: trial for trial in sweep(study).trials()}
    assert by_rate[1e-3].state == "finished"
    assert by_rate[1e30].state == "pruned"
    assert "not finite" in " ".join(trial.words for trial in sweep(study).trials())


def test_a_trial_without_a_finished_episode_fails_with_words(make: MakeStudy) -> None:
    config = quick_config(iterations=2, environment="MountainCarContinuous-v0", backend="torch")
    study = make(config=config.to_mapping(), trials=1, seeds=[1])
    (trial,) = sweep(study).trials()
    assert (trial.state, trial.words) == ("failed", "no episode was over within 128 steps")


class Interrupting(InlineCrew):
    """Ctrl-C instead of the n-th report."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after

    def wait(self) -> Report:
        if self._left == 0:
            raise KeyboardInterrupt
        self._left -= 1
        return super().wait()


@pytest.mark.parametrize("after", [0, 1, 2, 5])
def test_an_interrupted_sweep_goes_on_as_if_nothing_had_happened(
    make: MakeStudy, after: int
) -> None:
    whole = sweep(make()).trials()
    study = make()
    crew = Interrupting(after)
    with pytest.raises(KeyboardInterrupt):
        sweep(study, crew)
    crew.close()
    begun = Sweep(study, SweepPlan.from_mapping(study.asked)).trials()
    assert [trial.state for trial in begun].count("going") == 1
    assert len(begun) == after // 2 + 1
    assert sweep(study).trials() == whole


def test_more_trials_can_be_asked_for_afterwards(make: MakeStudy) -> None:
    def value(config: dict[str, Any], step: int) -> float:
        return -abs(math.log10(config["learning_rate"]) + 3)

    study = make(trials=2)
    first = sweep(study, Scripted(value)).trials()
    plan = dataclasses.replace(SweepPlan.from_mapping(study.asked), trials=4)
    searched = Sweep(study, plan)
    searched.run(Scripted(value))
    assert searched.trials()[:2] == first
    assert searched.trials() == sweep(make(trials=4), Scripted(value)).trials()


def test_processes_train_trials_side_by_side(make: MakeStudy) -> None:
    study = make(trials=4, seeds=[1])
    crew = ProcessCrew(2)
    try:
        trials = sweep(study, crew).trials()
    finally:
        crew.close()
    assert [trial.state for trial in trials] == ["finished"] * 4
    for trial in trials:
        run = study.runs.get(f"trial-{trial.number:03d}-seed-1")
        assert trial.values == [run.status().latest["return_mean_100"]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trials": 0}, "trials: 0 is too few"),
        ({"reports": 0}, "reports: 0 is out of range"),
        ({"reports": 257}, "Give 1 to 256"),
        ({"pruner": "hope"}, "Known: median, hyperband, none"),
        ({"metric": "hope"}, "metric: 'hope'"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSettingError, match=words):
        SweepPlan.from_mapping(ASKED | changes)


def test_stops_are_spread_evenly_and_end_with_the_run() -> None:
    assert SweepPlan.from_mapping(ASKED | {"reports": 3}).stops == [86, 171, 256]
    assert SweepPlan.from_mapping(ASKED | {"reports": 1}).stops == [256]


def test_progress_is_told_in_steps_over_all_seeds(make: MakeStudy) -> None:
    told: dict[str, list[int]] = {}
    study = make(trials=2)
    Sweep(
        study, SweepPlan.from_mapping(study.asked),
        lambda name, steps: told.setdefault(name, []).append(steps),
    ).run(Scripted(lambda *_: 1.0))  # fmt: skip
    assert told["trial-000"] == [256, 512]


def test_a_trial_is_equal_to_what_the_journal_says_of_it(make: MakeStudy) -> None:
    study = make(trials=2)
    trials = sweep(study, Scripted(lambda config, step: config["learning_rate"])).trials()
    again = Sweep(study, SweepPlan.from_mapping(study.asked)).trials()
    assert again == trials
    assert isinstance(again[0], Trial)
