"""`ppolab ablate`: what each ingredient of PPO is worth, measured."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from ppolab.cli.options import default_home, parse, settings_to_start_from, value_of
from ppolab.cli.output import Output
from ppolab.cli.studies import bar, crew_at_work, number, require_seeds, span
from ppolab.control.config import PPOConfig

if TYPE_CHECKING:
    from ppolab.runs.studies.ablation import Comparison, Variant
    from ppolab.runs.studies.folder import StudyFolder
    from ppolab.runs.studies.metric import Metric

EXAMPLE = "ppolab ablate CartPole-v1 --without clip gae entropy --seeds 5 --jobs 2"


@dataclass(frozen=True)
class AblateOptions:
    """Train PPO with and without each of its ingredients, over the same seeds, and compare.

    The environment comes first; settings and preset are those of `ppolab train` and make the
    baseline. --seed is the first of the seeds. The study is a folder below studies/, and its runs
    are whole runs: `ppolab serve --home STUDY_FOLDER` shows them.
    """

    without: tuple[str, ...] = ()
    """Ingredients to leave out, one at a time, with blanks or commas between."""
    list: bool = False
    """Show what can be left out, and train nothing."""
    seeds: int = 5
    """Seeds of every variant."""
    metric: str = "return_mean_100"
    """What is compared: return_mean_100, auc or steps_to:RETURN."""
    jobs: int = 1
    """Runs that are trained at once, each in a process of its own."""
    ray: bool = False
    """Train on Ray; it is also used where RAY_ADDRESS is set."""
    resume: str | None = None
    """Id of an interrupted study to go on with; it brings its own settings."""
    preset: str | None = None
    """Name or YAML file of a configuration to start from; "none" for the bare defaults."""
    home: Path = field(default_factory=default_home)
    """Folder of runs and progress; PPOLAB_HOME sets it as well."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""
    settings: PPOConfig = field(default_factory=PPOConfig)


def run(arguments: list[str], output: Output) -> int:
    """Train all variants, print the comparison; exit code 0 when all of it was measured."""
    arguments, preset = settings_to_start_from(arguments)
    base = preset.config if preset else PPOConfig()
    if value_of("--preset", arguments) is None:
        base = dataclasses.replace(base, backend="auto")  # as in `ppolab train`
    options = parse(AblateOptions, "ablate", arguments, EXAMPLE, AblateOptions(settings=base))
    if options.list:
        return _list(output)
    from ppolab.runs.studies.ablation import plan
    from ppolab.runs.studies.folder import create_study, open_study
    from ppolab.runs.studies.metric import Metric

    if options.resume is not None:
        study = open_study(options.home, "ablation", options.resume)
    else:
        without = [name for text in options.without for name in text.split(",") if name]
        plan(options.settings, without, Metric.parse(options.metric))
        study = create_study(
            options.home,
            "ablation",
            {
                "environment": options.settings.environment,
                "preset": preset.name if preset else None,
                "config": options.settings.to_mapping(),
                "without": without,
                "seeds": require_seeds(options.seeds, options.settings.seed),
                "metric": options.metric,
            },
        )
    with study.locked():
        return _ablate(study, options, output)


def _ablate(study: StudyFolder, options: AblateOptions, output: Output) -> int:
    from ppolab.runs.studies.ablation import BASELINE, CURVES_NAME, compare, curves, plan, train_all
    from ppolab.runs.studies.folder import RESULT_NAME
    from ppolab.runs.studies.metric import Metric

    asked, console = study.asked, output.console
    baseline = PPOConfig.from_mapping(asked["config"])
    metric = Metric.parse(asked["metric"])
    variants = plan(baseline, asked["without"], metric)
    seeds: list[int] = asked["seeds"]
    console.print(
        f"[bold]{baseline.environment}[/bold]  {len(variants)} variants × {len(seeds)} seeds, "
        f"{baseline.planned_steps:,} steps each, compared by {metric}"
    )
    console.print(f"study folder: {study.path}", soft_wrap=True)
    total = sum(config.planned_steps for config in variants.values()) * len(seeds)
    over: set[str] = set()
    try:
        with crew_at_work(options.jobs, options.ray) as crew, bar(console, total) as progress:

            def tell(name: str, steps: int, all_steps: int) -> None:
                if steps == all_steps:
                    over.add(name)
                progress.at(name, steps)
                progress.note(f"{len(over)} of {len(variants) * len(seeds)} runs")

            measured = train_all(study, variants, seeds, metric, crew, tell)
    except KeyboardInterrupt:
        words = f"interrupted after {len(over)} runs; nothing is lost"
        console.print(f"{words}. Go on with:  ppolab ablate --resume {study.id}", soft_wrap=True)
        output.result({"state": "interrupted", "study": str(study.path), "id": study.id})
        return 1
    compared = {
        name: compare(variant, measured[BASELINE], metric, baseline.seed)
        for name, variant in measured.items()
    }
    study.write(CURVES_NAME, curves(study, list(variants), seeds))
    result = _result(study, measured, compared, metric)
    study.write(RESULT_NAME, json.dumps(result, indent=2) + "\n")
    _print(measured, compared, metric, output)
    output.result(result)
    return 0 if not any(variant.failures for variant in measured.values()) else 1


def _result(
    study: StudyFolder,
    measured: dict[str, Variant],
    compared: dict[str, Comparison],
    metric: Metric,
) -> dict[str, Any]:
    from ppolab.runs.studies.ablation import CURVES_NAME
    from ppolab.runs.studies.ablations import ABLATIONS

    return {
        "state": "finished",
        "study": str(study.path),
        "id": study.id,
        "environment": study.asked["environment"],
        "metric": str(metric),
        "maximize": metric.maximize,
        "seeds": study.asked["seeds"],
        "curves": str(study.path / CURVES_NAME),
        "variants": {
            name: {
                "changed": variant.changed,
                "words": ABLATIONS[name].words if name in ABLATIONS else "Nothing left out.",
                "source": ABLATIONS[name].source if name in ABLATIONS else None,
                "values": [None if value != value else float(value) for value in variant.values],
                "failures": variant.failures,
                **dataclasses.asdict(compared[name]),
            }
            for name, variant in measured.items()
        },
    }


def _print(
    measured: dict[str, Variant], compared: dict[str, Comparison], metric: Metric, output: Output
) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("variant", "mean", "95 % of it", "IQM", "difference", "95 % of it", "P(better)"):
        table.add_column(column, overflow="fold")
    for name, one in compared.items():
        table.add_row(
            name, number(one.mean), span(one.interval), number(one.iqm), number(one.difference),
            span(one.difference_interval), number(one.improvement, 2),
        )  # fmt: skip
    output.console.print(table)
    output.console.print(
        f"Of {metric}, over the seeds. IQM: mean of the middle half. Difference: to the baseline, "
        "paired by seed. Intervals: Student's t. P(better): chance that a run without it does "
        "better than one of the baseline."
    )
    for name, variant in measured.items():
        for seed, words in variant.failures.items():
            output.console.print(f"{name}, seed {seed}: {words}", markup=False)


def _list(output: Output) -> int:
    from ppolab.runs.studies.ablations import ABLATIONS

    table = Table(box=None, pad_edge=False)
    for column in ("name", "without it", "source"):
        table.add_column(column, overflow="fold")
    for one in ABLATIONS.values():
        table.add_row(one.name, one.words, one.source)
    output.console.print(table)
    output.result(
        {"ablations": [{"name": a.name, "words": a.words, "source": a.source}
                       for a in ABLATIONS.values()]}
    )  # fmt: skip
    return 0
