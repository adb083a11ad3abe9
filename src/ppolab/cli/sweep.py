"""`ppolab sweep`: search settings that learn better."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.table import Table

from ppolab.cli.options import default_home, parse, settings_to_start_from, value_of
from ppolab.cli.output import Output
from ppolab.cli.studies import Clock, bar, crew_at_work, number, require_seeds, span
from ppolab.control.config import PPOConfig
from ppolab.control.presets import preset_text
from ppolab.errors import InvalidSettingError

if TYPE_CHECKING:
    from ppolab.runs.studies.folder import StudyFolder
    from ppolab.runs.studies.sweep import Sweep, SweepPlan, Trial

EXAMPLE = "ppolab sweep CartPole-v1 --vary learning_rate=log:1e-4:1e-2 gamma=0.98,0.99 --trials 30"
SHOWN = 10  # trials in the table


@dataclass(frozen=True)
class SweepOptions:
    """Search settings that learn better: Optuna proposes, several seeds of each proposal train.

    The environment comes first; settings and preset are those of `ppolab train` and stay as they
    are unless they are searched. --seed is the first of the seeds and that of the search. The study
    is a folder below studies/, and its runs are whole runs: `ppolab serve --home STUDY_FOLDER`
    shows them.
    """

    vary: tuple[str, ...] = ()
    """What is searched: NAME=log:LOW:HIGH, NAME=LOW:HIGH, NAME=LOW:HIGH:STEP or NAME=A,B,C."""
    space: Path | None = None
    """A YAML file that maps settings to the same, or to lists."""
    trials: int = 20
    """Proposals in all."""
    seeds: int = 3
    """Runs of each proposal; their mean counts."""
    metric: str = "return_mean_100"
    """What is optimised: return_mean_100, auc or steps_to:RETURN."""
    pruner: Literal["median", "hyperband", "none"] = "median"
    """How trials that fall behind are ended early."""
    reports: int = 20
    """Times at which a trial may be ended, evenly spread over its steps."""
    jobs: int = 1
    """Trials that are trained at once, each in a process; with 1 the seed decides everything."""
    ray: bool = False
    """Train on Ray; it is also used where RAY_ADDRESS is set."""
    resume: str | None = None
    """Id of a study to go on with; it brings its own settings, --trials may be raised."""
    write_preset: Path | None = None
    """YAML file for the best settings, which `ppolab train --preset FILE` takes."""
    preset: str | None = None
    """Name or YAML file of a configuration to start from; "none" for the bare defaults."""
    home: Path = field(default_factory=default_home)
    """Folder of runs and progress; PPOLAB_HOME sets it as well."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""
    settings: PPOConfig = field(default_factory=PPOConfig)


def run(arguments: list[str], output: Output) -> int:
    """Search, print the best trials; exit code 0 when at least one trial finished."""
    arguments, preset = settings_to_start_from(arguments)
    base = preset.config if preset else PPOConfig()
    if value_of("--preset", arguments) is None:
        base = dataclasses.replace(base, backend="auto")  # as in `ppolab train`
    options = parse(SweepOptions, "sweep", arguments, EXAMPLE, SweepOptions(settings=base))
    if options.write_preset is not None:
        _require_writable(options.write_preset)
    from ppolab.runs.studies.folder import create_study, open_study
    from ppolab.runs.studies.sweep import SweepPlan

    if options.resume is not None:
        study = open_study(options.home, "sweep", options.resume)
        plan = SweepPlan.from_mapping(study.asked)
        if value_of("--trials", arguments) is not None:
            plan = dataclasses.replace(plan, trials=options.trials)
    else:
        asked = _asked(options) | {"preset": preset.name if preset else None}
        plan = SweepPlan.from_mapping(asked)
        study = create_study(options.home, "sweep", asked)
    with study.locked():
        return _sweep(study, plan, options, output)


def _asked(options: SweepOptions) -> dict[str, Any]:
    """What is asked for, as plain data."""
    from ppolab.runs.studies.space import from_arguments, from_file

    return {
        "environment": options.settings.environment,
        "config": options.settings.to_mapping(),
        "space": (from_file(options.space) if options.space else {}) | from_arguments(options.vary),
        "trials": options.trials,
        "seeds": require_seeds(options.seeds, options.settings.seed),
        "metric": options.metric,
        "pruner": options.pruner,
        "reports": options.reports,
    }


def _require_writable(path: Path) -> None:
    """Refuse a file that cannot be written before the work is done, not after."""
    if path.suffix not in (".yaml", ".yml") or not path.absolute().parent.is_dir():
        raise InvalidSettingError(
            "write_preset", str(path), "is no YAML file in an existing folder",
            "Give a name that ends in .yaml",
        )  # fmt: skip


def _sweep(study: StudyFolder, plan: SweepPlan, options: SweepOptions, output: Output) -> int:
    from ppolab.runs.studies.sweep import Sweep

    console, clock, config = output.console, Clock(), plan.config
    console.print(
        f"[bold]{config.environment}[/bold]  {plan.trials} trials × {len(plan.seeds)} seeds, "
        f"{config.total_steps:,} steps each, by {plan.metric}"
    )
    console.print(f"study folder: {study.path}", soft_wrap=True)
    total = plan.trials * len(plan.seeds) * config.total_steps
    sweep: Sweep | None = None
    state = "finished"
    try:
        with crew_at_work(options.jobs, options.ray) as crew, bar(console, total) as progress:

            def tell(name: str, steps: int) -> None:
                progress.at(name, steps)
                if sweep is not None:
                    progress.note(_so_far(sweep))

            sweep = Sweep(study, plan, tell)
            sweep.run(crew)
    except KeyboardInterrupt:
        state = "interrupted"
    sweep = sweep or Sweep(study, plan)
    trials = sweep.trials()
    if state == "interrupted":
        over = sum(trial.state != "going" for trial in trials)
        console.print(
            f"interrupted after {over} of {plan.trials} trials; nothing is lost. "
            f"Go on with:  ppolab sweep --resume {study.id}",
            soft_wrap=True,
        )
    result = _result(study, plan, sweep, state) | {"seconds": clock.seconds}
    _print(plan, sweep, output)
    if options.write_preset is not None and result["best"] is not None:
        result["preset_file"] = str(_write_preset(options.write_preset, study, plan, sweep))
        console.print(f"preset: {options.write_preset}", soft_wrap=True)
    from ppolab.runs.studies.folder import RESULT_NAME

    study.write(RESULT_NAME, json.dumps(result, indent=2) + "\n")
    output.result(result)
    return 0 if state == "finished" and result["best"] is not None else 1


def _so_far(sweep: Sweep) -> str:
    over = [trial for trial in sweep.trials() if trial.state != "going"]
    ranking = sweep.ranking()
    best = f"best {number(ranking[0].value)} (trial {ranking[0].number})" if ranking else "no best"
    return f"{len(over)} trials, {best}"


def _result(study: StudyFolder, plan: SweepPlan, sweep: Sweep, state: str) -> dict[str, Any]:
    trials, ranking = sweep.trials(), sweep.ranking()
    return {
        "state": state,
        "study": str(study.path),
        "id": study.id,
        "environment": plan.config.environment,
        "metric": str(plan.metric),
        "maximize": plan.metric.maximize,
        "seeds": plan.seeds,
        "finished": len(ranking),
        "pruned": sum(trial.state == "pruned" for trial in trials),
        "failed": sum(trial.state == "failed" for trial in trials),
        "best": dataclasses.asdict(ranking[0]) if ranking else None,
        "trials": [dataclasses.asdict(trial) for trial in trials],
        "importances": sweep.importances(),
        "preset_file": None,
    }


def _print(plan: SweepPlan, sweep: Sweep, output: Output) -> None:
    console, ranking = output.console, sweep.ranking()
    if not ranking:
        console.print("No trial finished.")
        for trial in [one for one in sweep.trials() if one.words][:SHOWN]:
            console.print(f"trial {trial.number}: {trial.words}", markup=False)
        return
    table = Table(box=None, pad_edge=False)
    for column in ("trial", "mean", "95 % of it", "settings"):
        table.add_column(column, overflow="fold")
    for trial in ranking[:SHOWN]:
        table.add_row(f"{trial.number}", number(trial.value), span(trial.interval), _words(trial))
    console.print(table)
    others = [trial for trial in sweep.trials() if trial.value is None and trial.state != "going"]
    console.print(
        f"Of {plan.metric}, over {len(plan.seeds)} seeds; interval: Student's t. "
        f"{len(ranking)} trials finished, {len(others)} did not. The best of many on the same "
        "seeds is flattered: train it on other seeds before you believe it."
    )
    importances = sweep.importances()
    if importances:
        words = ", ".join(f"{name} {share:.2f}" for name, share in importances.items())
        console.print(f"Importance (PED-ANOVA): {words}")


def _words(trial: Trial) -> str:
    def word(value: Any) -> str:
        if isinstance(value, float):
            return f"{value:.4g}"
        return "none" if value is None else str(value).lower()

    return ", ".join(f"{name} {word(value)}" for name, value in trial.settings.items())


def _write_preset(path: Path, study: StudyFolder, plan: SweepPlan, sweep: Sweep) -> Path:
    best, config = sweep.ranking()[0], sweep.best_config()
    assert config is not None
    text = preset_text(
        f"{config.environment}, found by a sweep",
        f"The best of {len(sweep.trials())} trials by {plan.metric}: mean {number(best.value)} "
        f"over the seeds {plan.seeds[0]} to {plan.seeds[-1]} "
        f"(study {study.id}, trial {best.number}).",
        config,
    )
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise InvalidSettingError(
            "write_preset", str(path), f"cannot be written ({error.strerror})",
            f"The study is kept: ppolab sweep --resume {study.id} --write-preset FILE",
        ) from error  # fmt: skip
    return path
