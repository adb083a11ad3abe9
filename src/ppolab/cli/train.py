"""`ppolab train`: the same training as the page starts, in the terminal."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from ppolab.cli.options import default_home, parse, settings_to_start_from, value_of
from ppolab.cli.output import Output
from ppolab.control.config import PPOConfig

EXAMPLE = "ppolab train CartPole-v1 --seed 2 --total-steps 60000"


@dataclass(frozen=True)
class TrainOptions:
    """Train PPO on a Gymnasium environment and keep the run as a folder.

    The environment comes first: `ppolab train CartPole-v1`. Settings not given come from the
    preset; without --preset, from the first one made for that environment (with the quickest back
    end), else from the defaults. The page shows the run under "Runs".
    """

    preset: str | None = None
    """Name or YAML file of a configuration to start from; "none" for the bare defaults."""
    title: str | None = None
    """A title for the run; by default the environment and the seed."""
    home: Path = field(default_factory=default_home)
    """Folder of runs and progress; PPOLAB_HOME sets it as well."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""
    settings: PPOConfig = field(default_factory=PPOConfig)


def run(arguments: list[str], output: Output) -> int:
    """Train, show progress, sum up; exit code 0 when the run reached its end."""
    arguments, preset = settings_to_start_from(arguments)
    base = preset.config if preset else PPOConfig()
    if value_of("--preset", arguments) is None:
        # A lesson's preset may ask for the readable back end; here nobody watches it work.
        base = replace(base, backend="auto")
    options = parse(TrainOptions, "train", arguments, EXAMPLE, TrainOptions(settings=base))
    options = replace(options, preset=preset.name if preset else None)
    return _train(options, output)


def _train(options: TrainOptions, output: Output) -> int:
    import torch

    from ppolab.runs import Runs
    from ppolab.runs.session import NoControls, Session

    torch.set_num_threads(1)  # networks this small lose time on a second thread
    console = output.console
    runs = Runs(options.home / "runs")
    folder = runs.create(options.settings, options.preset, options.title)
    manifest = folder.manifest
    console.print(
        f"[bold]{manifest.title}[/bold]  preset {options.preset or 'none'}, "
        f"{manifest.total_steps:,} steps, torch {manifest.versions['torch']}"
    )
    console.print(f"run folder: {folder.path}", soft_wrap=True)
    started = time.perf_counter()
    with _progress_bar(console) as progress, folder.locked():
        task = progress.add_task("", total=manifest.total_steps, note="starting")

        def show(step: int, metrics: dict[str, float]) -> None:
            note = f"return {metrics['return_mean_100']:6.1f}"
            progress.update(task, completed=step, note=note)

        def tell(words: str) -> None:
            progress.update(task, note=words)
            if words.endswith("back end"):
                console.print(words)

        state = Session(folder, NoControls(), show, tell).run()
    seconds = time.perf_counter() - started
    status = folder.status()
    mean_return = status.latest.get("return_mean_100")
    console.print(status.words)
    if status.latest:
        console.print(_summary(status.latest, seconds))
    if state == "interrupted":
        console.print(f"Go on with:  ppolab runs resume {folder.id}")
    output.result(
        {
            "mean_return_100": mean_return,
            "episodes": int(status.latest.get("episodes") or 0),
            "steps": status.step,
            "seconds": round(seconds, 3),
            "run": str(folder.path),
            "id": folder.id,
            "state": state,
            "preset": options.preset,
            "seed": options.settings.seed,
        }
    )
    return 0 if state == "finished" else 1


def _progress_bar(console: Console) -> Progress:
    return Progress(
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TextColumn("[bold]{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def _summary(latest: dict[str, float | None], seconds: float) -> Table:
    from ppolab.control.metrics import METRICS

    table = Table(show_header=False, box=None, pad_edge=False)
    shown = ("return_mean_100", "episode_length", "entropy", "approx_kl", "clip_fraction",
             "explained_variance")  # fmt: skip
    for metric in METRICS:
        value = latest.get(metric.key)
        if metric.key in shown:
            words = "–" if value is None or math.isnan(value) else f"{value:,.3f}"
            table.add_row(metric.label, words, metric.unit)
    table.add_row("Seconds", f"{seconds:,.1f}", "s")
    return table
