"""`ppolab overoptimization`: how far a reward can be pushed before it stops being worth it."""

from __future__ import annotations

import csv
import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from ppolab.cli.options import default_home, parse
from ppolab.cli.output import Output
from ppolab.cli.rlhf import recipe_to_start_from
from ppolab.cli.studies import Bar, Clock, bar, number, require_seeds, span
from ppolab.errors import InvalidSettingError, PPOLabError
from ppolab.language.recipe import MODEL, Recipe

if TYPE_CHECKING:
    from ppolab.language.pipeline import Settings
    from ppolab.runs import RunFolder, Runs
    from ppolab.runs.studies.overoptimization import FittedLaw, Point

EXAMPLE = "ppolab overoptimization --sft RUN --reward-model RUN --kl-coefs 0,0.02,0.1,0.3"


@dataclass(frozen=True)
class OveroptimizationOptions:
    """Push a reward model by PPO at several prices of KL and by best-of-n; fit the law of both.

    Gold and reward gained at a distance d = √KL from the fine-tuned model follow d·(α − β·log d) in
    reinforcement and d·(α − β·d) in best-of-n (Gao et al. 2022). Each run is an ordinary run that
    the page shows; one that has finished with the same settings is not trained again. --runs fits
    runs that there are. docs/overoptimization.md has what came of it.
    """

    config: Path | None = None
    """YAML file of options, and of settings that have none, as for `ppolab rlhf`."""
    preset: str | None = None
    """Options by name, as for `ppolab rlhf`."""
    sft: str | None = None
    """The fine-tuned model: a run's id or folder, from `ppolab rlhf`."""
    reward_model: str | None = None
    """The reward model to push, likewise."""
    kl_coefs: str = "0,0.02,0.05,0.1,0.3"
    """Prices of a nat of KL, each fixed for a whole run."""
    seeds: int = 1
    """Runs at each price; --seed is the first."""
    runs: tuple[str, ...] = ()
    """Ids or folders of finished runs to fit, in place of training any."""
    out: Path | None = None
    """JSON file for points and laws; a CSV of the points is put beside it."""
    threads: int = 2
    """Threads of the arithmetic."""
    home: Path = field(default_factory=default_home)
    """Folder of runs and progress; PPOLAB_HOME sets it as well."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""
    recipe: Recipe = field(default_factory=Recipe)


def run(arguments: list[str], output: Output) -> int:
    """Train what is missing, fit, and show; exit code 0 when all runs finished."""
    given = recipe_to_start_from(arguments)
    options = parse(
        OveroptimizationOptions, "overoptimization", arguments, EXAMPLE,
        default=None if given is None else OveroptimizationOptions(recipe=given.recipe),
    )  # fmt: skip
    if options.threads < 1:
        raise InvalidSettingError("threads", options.threads, "are too few", "Give 1 or more")
    if options.out is not None and not options.out.absolute().parent.is_dir():
        raise InvalidSettingError(
            "out", str(options.out), "lies in no existing folder", "Make the folder first"
        )
    _prices(options.kl_coefs)  # before anything is read or trained
    import torch

    from ppolab.runs import Runs
    from ppolab.runs.studies.overoptimization import fitted_laws, points_of

    torch.set_num_threads(options.threads)
    clock, runs = Clock(), Runs(options.home / "runs")
    found = (
        [_named(runs, name) for name in options.runs]
        if options.runs
        else _trained(runs, options, {} if given is None else given.settings, output.console)
    )
    points = [point for one in found for point in points_of(one)]
    laws = fitted_laws(found, points)
    _show(output.console, points, laws)
    result = {
        "runs": [one.id for one in found],
        "laws": [law.to_mapping() for law in laws],
        "points": [dataclasses.asdict(point) for point in points],
    }
    if options.out is not None:
        _write(options.out, result)
        output.console.print(f"points and laws: {options.out}", soft_wrap=True)
    output.result({**result, "seconds": clock.seconds})
    return 0


def _trained(
    runs: Runs, options: OveroptimizationOptions, settings: Settings, console: Console
) -> list[RunFolder]:
    """The sweep's runs, those that there were and those that were missing."""
    from ppolab.language.pipeline import going_on, stages_of
    from ppolab.language.rival_stages import BestOfNStage
    from ppolab.language.rlhf_stage import RLHFStage
    from ppolab.runs.studies.overoptimization import done_before, sweep_stages

    before = {
        kind: _named(runs, name).path
        for kind, name in (("sft", options.sft), (MODEL, options.reward_model))
        if name is not None
    }
    if MODEL not in before:
        raise InvalidSettingError(
            "reward_model", None, "is missing: there is nothing to push",
            f"Train one by `ppolab rlhf`, then: {EXAMPLE}",
        )  # fmt: skip
    recipe = options.recipe
    choosing = dataclasses.replace(recipe, algorithm="best-of-n", policy=_choosing(recipe))
    pushed, chosen = (
        going_on(stages_of(made, {k: v for k, v in settings.items() if k != other})[kind], before)
        for made, kind, other in (
            (recipe, RLHFStage.kind, BestOfNStage.kind),
            (choosing, BestOfNStage.kind, RLHFStage.kind),
        )
    )
    assert isinstance(pushed, RLHFStage)
    seeds = require_seeds(options.seeds, recipe.seed)
    stages = [*sweep_stages(pushed, _prices(options.kl_coefs), seeds), chosen]
    found = []
    with bar(console, sum(stage.training.updates for stage in stages)) as progress:
        for place, stage in enumerate(stages):
            folder = done_before(runs, stage) or runs.create(stage, title=_title(stage))
            progress.note(f"{place + 1} of {len(stages)}: {folder.manifest.title}")
            _finish(folder, progress)
            found.append(folder)
    return found


def _choosing(recipe: Recipe) -> Any:
    """What best-of-n is told of the policy's options: the rest means nothing to it."""
    from ppolab.language.recipe import PolicyOptions

    policy = recipe.policy
    return PolicyOptions(reward=policy.reward, temperature=policy.temperature, n=policy.n)


def _finish(folder: RunFolder, progress: Bar) -> None:
    """Train a run to its end, unless it has one.

    Raises:
        PPOLabError: it came to no end.
    """
    from ppolab.runs.session import NoControls, Session

    if folder.status().state != "finished":
        with folder.locked():
            state = Session(
                folder, NoControls(), lambda step, _: progress.at(folder.id, step)
            ).run()
        if state == "interrupted":
            raise KeyboardInterrupt
        if state != "finished":
            raise PPOLabError(
                "run", folder.id, folder.status().words, "Mend what it says; the rest is kept"
            )
    progress.at(folder.id, folder.manifest.total_steps)


def _title(stage: Any) -> str:
    if stage.kind == "best-of-n":
        return f"best of {stage.training.n[-1]}, {stage.task}"
    return f"KL at {stage.training.kl_coef:g}, {stage.task}, seed {stage.training.seed}"


def _prices(listed: str) -> list[float]:
    try:
        return [float(price) for price in listed.split(",")]
    except ValueError as error:
        raise InvalidSettingError(
            "kl_coefs", listed, "is no list of numbers", "Give such as 0,0.02,0.1"
        ) from error


def _named(runs: Runs, name: str) -> RunFolder:
    """A run by its folder or id."""
    from ppolab.runs import RunFolder

    return RunFolder(Path(name)) if Path(name).is_dir() else runs.get(name)


def _write(path: Path, result: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.DictWriter(file, list(result["points"][0]))
            rows.writeheader()
            rows.writerows(result["points"])
    except OSError as error:
        raise InvalidSettingError(
            "out", str(path), f"cannot be written ({error.strerror})",
            "The runs are kept: the same command fits them again, with another file",
        ) from error  # fmt: skip


def _show(console: Console, points: list[Point], laws: list[FittedLaw]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("method", "KL coefficient or n", "KL, nats", "gold", "second judge", "reward"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for point in _last_of_each(points):
        pushed = f"best of {point.n}" if point.n is not None else f"{point.kl_coef:g}"
        table.add_row(
            point.method,
            pushed,
            number(point.kl),
            number(point.gold, 3),
            number(point.second, 3),
            number(point.reward, 3),
        )
    console.print(table)
    fits = Table(box=None, pad_edge=False)
    for heading in ("law of", "α", "95 % of it", "β", "95 % of it", "left, RMS", "highest at KL"):
        fits.add_column(heading)
    for fitted in laws:
        law = fitted.law
        fits.add_row(
            f"{fitted.of}, {law.method}", number(law.alpha, 3), span(fitted.alpha_interval, 3),
            number(law.beta, 3), span(fitted.beta_interval, 3), number(law.residual, 3),
            number(fitted.best_kl),
        )  # fmt: skip
    console.print(fits)
    console.print(
        "Intervals: Student's t, by leaving out one run (rl) or prompt (best-of-n) at a time."
    )


def _last_of_each(points: list[Point]) -> list[Point]:
    """Of each run of reinforcement its end; of best-of-n all."""
    ends = {point.run: point for point in points if point.method == "rl"}
    return [*ends.values(), *(point for point in points if point.method == "best-of-n")]
