"""Searching settings: Optuna proposes, several seeds of each proposal train, the hopeless ones end.

The search is Optuna's tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for
hyper-parameter optimization"). Its sampler is made anew for every trial, from the study's seed and
the trial's number, so that it holds no state of its own: with one job at a time an interrupted
sweep goes on exactly as an uninterrupted one.
"""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import FrozenTrial, TrialState

from ppolab.control.config import PPOConfig
from ppolab.errors import InvalidSettingError
from ppolab.runs.statistics import Interval, student_interval
from ppolab.runs.studies.crews import Crew
from ppolab.runs.studies.folder import StudyFolder
from ppolab.runs.studies.metric import Metric
from ppolab.runs.studies.space import Dimension, Range, read_space
from ppolab.runs.studies.team import Job, Report

JOURNAL_NAME = "journal.log"
PRUNERS = ("median", "hyperband", "none")
ENOUGH = 10  # finished trials before importances mean anything; as many as are drawn at random


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep is asked to do.

    Attributes:
        config: the settings that are not searched; its seed is the first of the runs' seeds and
            that of the search.
        space: what is searched.
        trials: proposals in all.
        seeds: runs of each proposal.
        metric: what is optimised, as the mean over the seeds.
        pruner: "median" ends a trial that is below the median of the earlier ones at the same
            step, "hyperband" gives many trials a little and few of them all (Li et al. 2018).
        reports: times that a trial may be ended, evenly spread over its steps.
    """

    config: PPOConfig
    space: list[Dimension]
    trials: int
    seeds: list[int]
    metric: Metric
    pruner: str
    reports: int

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise InvalidSettingError("trials", self.trials, "is too few", "Give 1 or more")
        if not 1 <= self.reports <= self.config.total_steps:
            raise InvalidSettingError(
                "reports", self.reports, "is out of range",
                f"Give 1 to {self.config.total_steps}, the steps of a run",
            )  # fmt: skip
        if self.pruner not in PRUNERS:
            raise InvalidSettingError(
                "pruner", self.pruner, "is not known", f"Known: {', '.join(PRUNERS)}"
            )

    @classmethod
    def from_mapping(cls, asked: Mapping[str, Any]) -> SweepPlan:
        """Build from what a study's folder keeps."""
        config = PPOConfig.from_mapping(asked["config"])
        return cls(
            config, read_space(config, asked["space"]), asked["trials"], list(asked["seeds"]),
            Metric.parse(asked["metric"]), asked["pruner"], asked["reports"],
        )  # fmt: skip

    @property
    def stops(self) -> list[int]:
        """Steps at which trials are compared, the same in all of them."""
        total = self.config.total_steps
        return [math.ceil(total * (i + 1) / self.reports) for i in range(self.reports)]


@dataclass(frozen=True)
class Trial:
    """A proposal and what became of it.

    Attributes:
        number: from 0, in the order of proposals.
        settings: the proposed values.
        state: "finished", "pruned", "failed" or "going".
        value: the metric, mean over the seeds; None if it did not finish.
        values: the metric of each seed.
        interval: 95 %, Student's, of the mean; None of one seed.
        words: why it has no value, or whose it shares.
    """

    number: int
    settings: dict[str, Any]
    state: str
    value: float | None
    values: list[float]
    interval: Interval | None
    words: str


@dataclass
class _AtWork:
    trial: optuna.Trial
    paths: tuple[str, ...]
    configs: list[PPOConfig]
    stops: deque[int] = field(default_factory=deque)


class Sweep:
    """A search in a study's folder; it goes on where an earlier sitting of it was interrupted.

    Args:
        study: where runs and journal lie; the caller holds its lock.
        plan: what to do.
        tell: called with a trial's name and its steps so far, over all seeds.
    """

    def __init__(
        self, study: StudyFolder, plan: SweepPlan, tell: Callable[[str, int], None] | None = None
    ) -> None:
        self._folder = study
        self._plan = plan
        self._tell = tell or (lambda name, steps: None)
        self._distributions = {one.name: _distribution(one) for one in plan.space}
        self._at_work: dict[str, _AtWork] = {}
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        backend = JournalFileBackend(str(study.path / JOURNAL_NAME))
        self._optuna = optuna.create_study(
            storage=JournalStorage(backend),
            study_name="sweep",
            direction="maximize" if plan.metric.maximize else "minimize",
            pruner=_pruner(plan),
            load_if_exists=True,
        )

    def run(self, crew: Crew) -> None:
        """Make and train all trials; the crew stays open.

        Raises:
            KeyboardInterrupt: as soon as it comes; once the crew is closed, a new `Sweep` goes on.
        """
        left_over = deque(self._left_over())
        for earlier in self.trials():
            if earlier.state != "going":
                self._tell(_name(earlier.number), self._whole)
        while True:
            while len(self._at_work) < crew.size and (trial := self._next(left_over)) is not None:
                self._begin(trial, crew)
            if not self._at_work:
                return
            self._take(crew.wait(), crew)

    def trials(self) -> list[Trial]:
        """All trials so far, in the order of proposals."""
        return [_told(frozen) for frozen in self._optuna.get_trials(deepcopy=False)]

    def ranking(self) -> list[Trial]:
        """Finished trials, the best first; of equals the earlier first."""
        sign = -1.0 if self._plan.metric.maximize else 1.0
        finished = [trial for trial in self.trials() if trial.value is not None]
        return sorted(finished, key=lambda trial: sign * (trial.value or 0.0))

    def importances(self) -> dict[str, float] | None:
        """Share of each setting in what tells the best trials from the others.

        PED-ANOVA (Watanabe et al. 2023, "PED-ANOVA: efficiently quantifying hyperparameter
        importance in arbitrary subspaces"). None where fewer than ten trials finished, or all did
        equally well, or only one setting was searched.
        """
        finished = self.ranking()
        alike = len({trial.value for trial in finished}) < 2
        if len(finished) < ENOUGH or alike or len(self._distributions) < 2:
            return None
        found = get_param_importances(self._optuna, evaluator=PedAnovaImportanceEvaluator())
        return None if any(map(math.isnan, found.values())) else dict(found)

    def best_config(self) -> PPOConfig | None:
        """The settings of the best trial, with the first seed; None if none finished."""
        ranking = self.ranking()
        if not ranking:
            return None
        return PPOConfig.from_mapping(self._plan.config.to_mapping() | ranking[0].settings)

    @property
    def _whole(self) -> int:
        return self._plan.config.total_steps * len(self._plan.seeds)

    def _left_over(self) -> list[optuna.Trial]:
        """Trials that an interruption left in the middle."""
        left: list[optuna.Trial] = []
        for frozen in self._optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if frozen.params.keys() == self._distributions.keys():
                left.append(optuna.Trial(self._optuna, frozen._trial_id))
            else:  # not even its settings had been drawn
                self._optuna.tell(frozen.number, state=TrialState.FAIL)
        return left

    def _next(self, left_over: deque[optuna.Trial]) -> optuna.Trial | None:
        if left_over:
            return left_over.popleft()
        number = len(self._optuna.get_trials(deepcopy=False))
        if number >= self._plan.trials:
            return None
        seed = np.random.SeedSequence([self._plan.config.seed, number]).generate_state(1)[0]
        with warnings.catch_warnings():  # experimental options that are the library's own defaults
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._optuna.sampler = optuna.samplers.TPESampler(
                seed=int(seed), n_startup_trials=ENOUGH
            )
        return self._optuna.ask(self._distributions)

    def _begin(self, trial: optuna.Trial, crew: Crew) -> None:
        name = _name(trial.number)
        if self._same_as_an_earlier_one(trial):
            return
        settings = self._plan.config.to_mapping() | self._plan.metric.settings() | trial.params
        try:
            configs = [
                PPOConfig.from_mapping(settings | {"seed": seed}) for seed in self._plan.seeds
            ]
            paths = tuple(
                str(self._folder.run(f"{name}-seed-{config.seed}", config,
                                     f"{config.environment} trial {trial.number}, seed "
                                     f"{config.seed}").path)
                for config in configs
            )  # fmt: skip
        except InvalidSettingError as error:  # settings that do not fit each other
            self._give_up(trial, str(error), TrialState.PRUNED)
            return
        reported = max(self._frozen(trial).intermediate_values, default=0)
        stops = deque(stop for stop in self._plan.stops if stop > reported)
        # All stops were reported and then the power failed: the last one again tells its end.
        stops = stops or deque(self._plan.stops[-1:])
        self._at_work[name] = _AtWork(trial, paths, configs, stops)
        crew.begin(Job(name, paths, tuple(stops), str(self._plan.metric)))

    def _same_as_an_earlier_one(self, trial: optuna.Trial) -> bool:
        """Take over the result of a trial with the same settings: the same seeds give the same."""
        for twin in self._optuna.get_trials(
            deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)
        ):
            if twin.number == trial.number or twin.params != trial.params:
                continue
            for step, reported in twin.intermediate_values.items():
                trial.report(reported, step)
            trial.set_user_attr("values", twin.user_attrs.get("values", []))
            trial.set_user_attr("words", f"the same settings as trial {twin.number}")
            value = twin.value if twin.state == TrialState.COMPLETE else None
            self._optuna.tell(trial, value, twin.state)
            self._tell(_name(trial.number), self._whole)
            return True
        return False

    def _take(self, report: Report, crew: Crew) -> None:
        """Deal with a report: let the trial go on, end it, or note its result."""
        one = self._at_work[report.job]
        seeds = len(self._plan.seeds)
        if report.state == "going":
            self._tell(report.job, report.step * seeds)
            self._report(one, report)
            if one.trial.should_prune():
                crew.stop(report.job)
            else:
                crew.go_on(report.job)
            return
        del self._at_work[report.job]
        if report.state == "finished":
            self._report(one, report)
            self._finish(one)
        elif report.state == "stopped":
            steps = self._frozen(one.trial).last_step or 0
            self._give_up(one.trial, f"pruned after {steps:,} steps", TrialState.PRUNED)
        elif report.state == "failed":
            # Counted like a pruned one, so that the search keeps away from such settings.
            self._give_up(one.trial, report.words, TrialState.PRUNED)
        else:
            self._give_up(one.trial, report.words, TrialState.FAIL)

    def _report(self, one: _AtWork, report: Report) -> None:
        value = float(np.mean(report.values))
        # While some seed has finished no episode there is nothing to compare.
        if math.isfinite(value) and report.step not in self._frozen(one.trial).intermediate_values:
            one.trial.report(value, report.step)

    def _finish(self, one: _AtWork) -> None:
        values = []
        for path, config in zip(one.paths, one.configs, strict=True):
            run = self._folder.runs.get(path.rsplit("/", 1)[-1])
            values.append(self._plan.metric.of(run.fold(), config))
        mean = float(np.mean(values))
        if not math.isfinite(mean):
            words = f"no episode was over within {self._plan.config.total_steps:,} steps"
            self._give_up(one.trial, words, TrialState.FAIL)
            return
        one.trial.set_user_attr("values", values)
        self._optuna.tell(one.trial, mean)
        self._tell(_name(one.trial.number), self._whole)

    def _give_up(self, trial: optuna.Trial, words: str, state: TrialState) -> None:
        trial.set_user_attr("words", words)
        self._optuna.tell(trial, state=state)
        self._tell(_name(trial.number), self._whole)

    def _frozen(self, trial: optuna.Trial) -> FrozenTrial:
        return self._optuna.get_trials(deepcopy=False)[trial.number]


def _name(number: int) -> str:
    return f"trial-{number:03d}"


def _distribution(dimension: Dimension) -> BaseDistribution:
    if not isinstance(dimension, Range):
        return CategoricalDistribution(dimension.values)
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), dimension.log,
                               int(dimension.step or 1))  # fmt: skip
    return FloatDistribution(dimension.low, dimension.high, dimension.log, dimension.step)


def _pruner(plan: SweepPlan) -> optuna.pruners.BasePruner:
    if plan.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5)
    if plan.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(plan.stops[0], plan.config.total_steps)
    return optuna.pruners.NopPruner()


def _told(frozen: FrozenTrial) -> Trial:
    states = {
        TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed",
    }  # fmt: skip
    finished = frozen.state == TrialState.COMPLETE
    values = list(frozen.user_attrs.get("values", ()))
    return Trial(
        frozen.number, dict(frozen.params), states.get(frozen.state, "going"),
        frozen.value if finished else None, values,
        student_interval(np.array(values)) if finished else None,
        frozen.user_attrs.get("words", ""),
    )  # fmt: skip
