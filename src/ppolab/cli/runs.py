"""`ppolab runs`: the runs of this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.table import Table

from ppolab.cli.options import default_home, parse
from ppolab.cli.output import Output
from ppolab.control.metrics import is_of_one_layer
from ppolab.errors import ConflictError, InvalidSettingError
from ppolab.runs import RunFolder, Runs

EXAMPLE = "ppolab runs show cartpole-20260101-120000-1a2b"


@dataclass(frozen=True)
class RunsOptions:
    """List all runs, show one, resume one from its checkpoint, or delete one."""

    action: Annotated[Literal["list", "show", "resume", "delete"], tyro.conf.Positional] = "list"
    """What to do."""
    run: Annotated[str | None, tyro.conf.Positional] = None
    """The run's id, as the list shows it."""
    ranks: int = 1
    """Processes that share each batch of a run that is resumed; stages of RLHF only."""
    shard: bool = False
    """Cut the weights among the ranks."""
    home: Path = field(default_factory=default_home)
    """Folder of runs and progress; PPOLAB_HOME sets it as well."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""


def run(arguments: list[str], output: Output) -> int:
    """Carry out one action on the runs."""
    options = parse(RunsOptions, "runs", arguments, EXAMPLE)
    runs = Runs(options.home / "runs")
    if options.action == "list":
        return _list(runs, output)
    if options.run is None:
        raise InvalidSettingError("run", None, "is missing", "Give an id from `ppolab runs`")
    folder = runs.get(options.run)
    if options.action == "resume":
        return _resume(folder, output, options.ranks, options.shard)
    if options.action == "delete":
        runs.delete(folder.id)
        output.console.print(f"deleted {folder.id}")
        output.result({"deleted": folder.id})
        return 0
    return _show(folder, output)


def _list(runs: Runs, output: Output) -> int:
    folders = runs.list()
    table = Table(box=None, pad_edge=False)
    for column in ("id", "environment", "state", "steps", "mean return"):
        table.add_column(column, overflow="fold")
    for folder in folders:
        status = folder.status()
        mean_return = status.latest.get("return_mean_100")
        table.add_row(
            folder.id, folder.manifest.environment, status.words.split(":")[0],
            f"{status.step:,}", "–" if mean_return is None else f"{mean_return:.1f}",
        )  # fmt: skip
    if folders:
        output.console.print(table)
    else:
        output.console.print("No runs yet. Start one:  ppolab train CartPole-v1")
    output.result({"runs": [_facts(folder) for folder in folders]})
    return 0


def _show(folder: RunFolder, output: Output) -> int:
    console, status = output.console, folder.status()
    console.print(f"[bold]{folder.manifest.title}[/bold]  {status.words}")
    console.print(f"folder: {folder.path}", soft_wrap=True)
    layers = [key for key in status.latest if is_of_one_layer(key)]
    for key, value in status.latest.items():
        if key not in layers:
            console.print(f"  {key:<20} {'–' if value is None else f'{value:,.4g}'}")
    if layers:
        console.print(f"  and {len(layers)} of single layers, which --json shows")
    output.result(_facts(folder) | {"latest": status.latest, "config": folder.manifest.config})
    return 0


def _resume(folder: RunFolder, output: Output, ranks: int, shard: bool) -> int:
    import torch

    from ppolab.runs.kinds import threads_of
    from ppolab.runs.ranks import run_on_ranks
    from ppolab.runs.session import NoControls, Session

    state = folder.status().state
    if state == "finished":
        raise ConflictError("run", folder.id, "has finished", "Start a new run")
    torch.set_num_threads(threads_of(folder.manifest))
    started = time.perf_counter()
    output.console.print(f"going on with {folder.id} from step {folder.status().step:,}")
    if ranks == 1:
        with folder.locked():
            state = Session(folder, NoControls()).run()
    else:
        state = run_on_ranks(folder, ranks, shard)
    output.console.print(folder.status().words)
    output.result(_facts(folder) | {"seconds": round(time.perf_counter() - started, 3)})
    return 0 if state == "finished" else 1


def _facts(folder: RunFolder) -> dict[str, Any]:
    status = folder.status()
    return {
        "id": folder.id,
        "environment": folder.manifest.environment,
        "seed": folder.manifest.seed,
        "state": status.state,
        "words": status.words,
        "steps": status.step,
        "mean_return_100": status.latest.get("return_mean_100"),
        "run": str(folder.path),
        "created_at": folder.manifest.created_at,
    }
