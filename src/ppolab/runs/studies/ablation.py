"""What each ingredient is worth: the same training with and without it, over the same seeds."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ppolab.control.config import PPOConfig
from ppolab.errors import InvalidSettingError
from ppolab.runs.folder import RunFolder
from ppolab.runs.statistics import (
    Interval,
    Values,
    interquartile_mean,
    paired_difference,
    probability_of_improvement,
    stratified_bootstrap,
    student_interval,
)
from ppolab.runs.studies.ablations import ablation
from ppolab.runs.studies.crews import Crew
from ppolab.runs.studies.folder import StudyFolder
from ppolab.runs.studies.metric import Metric
from ppolab.runs.studies.team import Job

BASELINE = "baseline"
CURVES_NAME = "curves.csv"
STOPS = 20  # reports of a run, for the progress bar


@dataclass(frozen=True)
class Variant:
    """The baseline, or what is left of it, over several seeds.

    Attributes:
        name: "baseline" or the ingredient's.
        config: its settings, with the first seed.
        changed: the settings that differ from the baseline.
        values: [seeds], the metric of each run; NaN of one that failed or finished no episode.
        failures: why a run has no value, by seed.
    """

    name: str
    config: PPOConfig
    changed: dict[str, Any]
    values: Values
    failures: dict[int, str]


@dataclass(frozen=True)
class Comparison:
    """A variant in numbers. Intervals are 95 %.

    Attributes:
        mean: over the seeds that have a value; None if none has.
        interval: Student's, of the mean.
        iqm, iqm_interval: interquartile mean and its bootstrap interval.
        difference, difference_interval: variant − baseline, paired by seed, with Student's.
        improvement, improvement_interval: probability that a run of the variant does better than
            one of the baseline, with its bootstrap interval. Better is less for "steps_to".
    """

    mean: float | None = None
    interval: Interval | None = None
    iqm: float | None = None
    iqm_interval: Interval | None = None
    difference: float | None = None
    difference_interval: Interval | None = None
    improvement: float | None = None
    improvement_interval: Interval | None = None


def plan(baseline: PPOConfig, without: Sequence[str], metric: Metric) -> dict[str, PPOConfig]:
    """The settings of each variant, the baseline first.

    Raises:
        UnknownNameError, InvalidSettingError: an ingredient that there is not, or not here.
    """
    baseline = dataclasses.replace(baseline, **metric.settings())
    if not without:
        raise InvalidSettingError(
            "without", None, "names nothing to leave out",
            "Write ingredients, such as --without clip gae; --list shows them",
        )  # fmt: skip
    if len(set(without)) < len(without):
        raise InvalidSettingError("without", ",".join(without), "names one twice", "Name each once")
    return {BASELINE: baseline} | {name: ablation(name).of(baseline) for name in without}


def train_all(
    study: StudyFolder,
    variants: dict[str, PPOConfig],
    seeds: Sequence[int],
    metric: Metric,
    crew: Crew,
    tell: Callable[[str, int, int], None],
) -> dict[str, Variant]:
    """Train every variant with every seed; runs that finished in an earlier sitting stay.

    Seeds are the outer loop, so that whenever this is interrupted the variants can be compared.

    Args:
        study: where the runs lie.
        variants: as `plan` made them.
        seeds: of the runs, the same for each variant.
        metric: what is compared.
        crew: who works; it stays open.
        tell: called with a run's name, its steps so far and its steps in all.
    """
    runs = {
        (name, seed): _run(study, name, dataclasses.replace(config, seed=seed))
        for seed in seeds
        for name, config in variants.items()
    }
    waiting = deque[Job]()
    for folder in runs.values():
        total = folder.manifest.total_steps
        if folder.status().state in ("finished", "failed"):
            tell(folder.id, total, total)
        else:
            stops = tuple(sorted({max(1, total * (i + 1) // STOPS) for i in range(STOPS)}))
            waiting.append(Job(folder.id, (str(folder.path),), stops, str(metric)))
    totals = {folder.id: folder.manifest.total_steps for folder in runs.values()}
    working = 0
    while waiting or working:
        while waiting and working < crew.size:
            crew.begin(waiting.popleft())
            working += 1
        report = crew.wait()
        over = report.state != "going"
        tell(report.job, totals[report.job] if over else report.step, totals[report.job])
        if over:
            working -= 1
        else:
            crew.go_on(report.job)
    return {
        name: _variant(name, config, variants[BASELINE], metric,
                       {seed: runs[name, seed] for seed in seeds})
        for name, config in variants.items()
    }  # fmt: skip


def compare(variant: Variant, baseline: Variant, metric: Metric, seed: int) -> Comparison:
    """A variant's numbers, by itself and beside the baseline.

    Args:
        variant: whose; the baseline itself has no comparison.
        baseline: over the same seeds.
        metric: says which direction is better.
        seed: of the bootstraps.
    """
    known = np.isfinite(variant.values)
    values = variant.values[known]
    if not len(values):
        return Comparison()
    several = len(values) > 1
    alone = Comparison(
        mean=float(values.mean()),
        interval=student_interval(values),
        iqm=interquartile_mean(values),
        iqm_interval=stratified_bootstrap([values], interquartile_mean, seed) if several else None,
    )
    both = known & np.isfinite(baseline.values)
    others = baseline.values[np.isfinite(baseline.values)]
    if variant.name == BASELINE or not both.any():
        return alone
    difference, interval = paired_difference(variant.values[both], baseline.values[both])
    sign = 1.0 if metric.maximize else -1.0
    sides = [sign * values, sign * others]
    return dataclasses.replace(
        alone,
        difference=difference,
        difference_interval=interval,
        improvement=probability_of_improvement(*sides),
        improvement_interval=(
            stratified_bootstrap(sides, probability_of_improvement, seed)
            if several and len(others) > 1
            else None
        ),
    )


def curves(study: StudyFolder, variants: Sequence[str], seeds: Sequence[int]) -> str:
    """All learning curves as CSV: variant, seed, step, return_mean_100; empty before an episode."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("variant", "seed", "step", "return_mean_100"))
    for name in variants:
        for seed in seeds:
            column = study.runs.get(run_name(name, seed)).fold().columns.get("return_mean_100")
            for step, value in zip(*((column.steps, column.values) if column else ((), ())),
                                   strict=True):  # fmt: skip
                writer.writerow((name, seed, step, value if np.isfinite(value) else ""))
    return text.getvalue()


def run_name(variant: str, seed: int) -> str:
    """The id of a run within its study."""
    stem = variant if variant == BASELINE else f"without-{variant.replace('_', '-')}"
    return f"{stem}-seed-{seed}"


def _run(study: StudyFolder, variant: str, config: PPOConfig) -> RunFolder:
    words = BASELINE if variant == BASELINE else f"without {variant}"
    title = f"{config.environment} {words}, seed {config.seed}"
    return study.run(run_name(variant, config.seed), config, title)


def _variant(
    name: str, config: PPOConfig, baseline: PPOConfig, metric: Metric, runs: dict[int, RunFolder]
) -> Variant:
    before, after = baseline.to_mapping(), config.to_mapping()
    changed = {key: after[key] for key in after if after[key] != before[key]}
    values = np.full(len(runs), np.nan)
    failures = {}
    for i, (seed, folder) in enumerate(runs.items()):
        status = folder.status()
        if status.state != "finished":
            failures[seed] = status.words
            continue
        values[i] = metric.of(folder.fold(), config)
        if np.isnan(values[i]):
            failures[seed] = f"no episode was over within {status.step:,} steps"
    return Variant(name, config, changed, values, failures)
