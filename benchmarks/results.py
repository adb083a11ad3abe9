"""What our PPO learns, beside what others have published for the same tasks.

Each task's preset is trained with three seeds, for as many environment steps as the published run
it is compared with took. Two numbers come out of every training: the mean return of its last 100
training episodes, in which the policy still explores, and the mean return of 100 episodes that the
finished policy plays afterwards in environments of its own, always taking the likeliest action.
Each published number is compared with the one that was measured as it was.

    .venv/bin/python benchmarks/results.py                    every task, an hour or so
    .venv/bin/python benchmarks/results.py --only acrobot     one task (several may be named)
    .venv/bin/python benchmarks/results.py --seeds 4 5        other seeds
    .venv/bin/python benchmarks/results.py --quick            half a minute: one seed, a twentieth
                                                              of the steps of the small tasks
    .venv/bin/python benchmarks/results.py --json             one JSON object on the last line
    .venv/bin/python benchmarks/results.py --save             keep every training in
                                                              docs/results.json as it ends
    .venv/bin/python benchmarks/results_page.py               tables and curves out of that file
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import gymnasium
import torch
from published import REFERENCES, Measure, verdict
from referee import processor
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ppolab.control.config import PPOConfig
from ppolab.control.evaluation import evaluate, normalization_of
from ppolab.control.presets import load_preset
from ppolab.control.trainer import PPOTrainer

SEEDS = (1, 2, 3)
EPISODES = 100  # of each of the two means
QUICK_PART = 20  # a quick run takes the steps divided by this
QUICK_TASKS = ("cartpole-baseline", "acrobot", "mountain-car", "pendulum")  # need no extra
CURVE_POINTS = 50
KEPT = Path(__file__).parents[1] / "docs" / "results.json"

Row = dict[str, Any]


def train(config: PPOConfig, advance: Callable[[PPOTrainer], None]) -> Row:
    """Train to the end, then let the finished policy play; `advance` is called every rollout."""
    trainer = PPOTrainer(config)
    curve: list[tuple[int, float | None]] = []
    every = max(1, config.iterations // CURVE_POINTS)
    started = time.perf_counter()
    while not trainer.finished:
        trainer.iterate()
        advance(trainer)
        if trainer.iteration % every == 0 or trainer.finished:
            shown = None if math.isnan(trainer.mean_return) else round(trainer.mean_return, 2)
            curve.append((trainer.step, shown))
    seconds = time.perf_counter() - started
    evaluation = evaluate(
        trainer.model, config, EPISODES, config.seed, deterministic=True,
        normalization=normalization_of(trainer.environment),
    )  # fmt: skip
    row = {
        "seed": config.seed, "steps": trainer.step, "seconds": round(seconds, 1),
        "back_end": trainer.backend.name, "training": round(trainer.mean_return, 2),
        "training_episodes": len(trainer.recent_returns),
        "evaluation": round(evaluation.mean, 2),
        "evaluation_spread": round(evaluation.std, 2),
        "load_average_at_end": round(os.getloadavg()[0], 1),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "curve": curve,
    }  # fmt: skip
    trainer.close()
    return row


def save(name: str, row: Row, measured: Row, path: Path = KEPT) -> None:
    """Put a training in the file, in the place of an older one with the same seed."""
    data = json.loads(path.read_text()) if path.exists() else {}
    kept = data.setdefault("tasks", {})
    others = [old for old in kept.get(name, []) if old["seed"] != row["seed"]]
    kept[name] = sorted([*others, row], key=lambda one: one["seed"])
    path.write_text(dumped(data | measured))


def dumped(data: Row) -> str:
    """One line per training, so that a change of one shows as one."""
    lines = []
    for name, value in sorted(data.items()):
        if name == "tasks":
            groups = [
                f"{json.dumps(task)}: [\n"
                + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
                + "\n]"
                for task, rows in sorted(value.items())
            ]
            lines.append(f"{json.dumps(name)}: {{\n" + ",\n".join(groups) + "\n}")
        else:
            lines.append(f"{json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def summarize(name: str, rows: list[Row], quick: bool) -> Row:
    """Means over the seeds, their standard deviations (n − 1), and what others published."""

    def over_seeds(measure: Measure) -> tuple[float, float | None]:
        values = [row[measure] for row in rows]
        spread = round(stdev(values), 2) if len(values) > 1 else None
        return round(mean(values), 2), spread

    means = {"training": over_seeds("training"), "evaluation": over_seeds("evaluation")}
    return {
        "environment": load_preset(name).config.environment, "seeds": rows,
        **{f"{measure}_mean": value for measure, (value, _) in means.items()},
        **{f"{measure}_std": spread for measure, (_, spread) in means.items()},
        "published": [
            dataclasses.asdict(theirs)
            | {
                "ours": means[theirs.measure][0],
                "verdict": None
                if quick
                else verdict([row[theirs.measure] for row in rows], theirs),
            }
            for theirs in REFERENCES[name]
        ],
    }  # fmt: skip


def measure_all(
    names: list[str],
    seeds: list[int],
    quick: bool,
    console: Console,
    keep: Callable[[str, Row], None],
) -> Row:
    """Train every task with every seed, behind a progress bar; `keep` is told of each training."""
    columns = (
        TextColumn("{task.description:<18}"), BarColumn(), TextColumn("{task.percentage:3.0f}%"),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    summaries: Row = {}
    with Progress(*columns, console=console) as progress:
        for name in names:
            base = load_preset(name).config
            steps = base.total_steps // QUICK_PART if quick else base.total_steps
            bar = progress.add_task(name, total=steps * len(seeds), note="")
            rows: list[Row] = []
            for seed in seeds:

                def advance(trainer: PPOTrainer, bar: Any = bar) -> None:
                    note = f"seed {trainer.config.seed}, return {trainer.mean_return:.1f}"
                    progress.update(bar, advance=trainer.config.batch_size, note=note)

                rows.append(train(dataclasses.replace(base, seed=seed, total_steps=steps), advance))
                keep(name, rows[-1])
            summaries[name] = summarize(name, rows, quick)
            progress.update(bar, completed=steps * len(seeds), note="")
    return summaries


def table_of(summaries: Row, quick: bool) -> Table:
    """One line per published number; a quick run stops too early to be compared with one."""
    table = Table(title=f"Mean return over {EPISODES} episodes")
    for heading in ("task", "measured in", "each seed", "ours", "published", "by", "verdict"):
        table.add_column(heading)
    for name, summary in summaries.items():
        for theirs in summary["published"]:
            measure = theirs["measure"]
            spread = summary[f"{measure}_std"]
            table.add_row(
                name, measure,
                ", ".join(f"{row[measure]:.1f}" for row in summary["seeds"]),
                f"{theirs['ours']:.1f}" + ("" if spread is None else f" ± {spread:.1f}"),
                f"{theirs['mean']} ± {theirs['spread']}", theirs["source"],
                theirs["verdict"] or "–",
            )  # fmt: skip
    return table


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(REFERENCES), help="these tasks alone")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--quick", action="store_true", help="only shows that it runs")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--save", action="store_true", help=f"keep the trainings in {KEPT.name}")
    options = parser.parse_args()
    if options.save and options.quick:
        parser.error("--save keeps whole trainings: leave --quick out")
    torch.set_num_threads(1)
    load = os.getloadavg()[0]
    seeds = options.seeds[:1] if options.quick else options.seeds
    names = options.only or list(QUICK_TASKS if options.quick else REFERENCES)
    measured = {
        "machine": f"{processor()}, {os.cpu_count()} cores, {platform.system()}",
        "versions": {"torch": torch.__version__, "gymnasium": gymnasium.__version__},
        "python": platform.python_version(),
    }

    def keep(name: str, row: Row) -> None:
        if options.save:
            save(name, row, measured)

    summaries = measure_all(names, seeds, options.quick, Console(stderr=True), keep)
    console = Console()
    console.print(table_of(summaries, options.quick))
    console.print(f"{measured['machine']}, load {load:.1f} at the start")
    if options.quick:
        console.print("A quick run stops long before the published ones did: no comparison.")
    if options.json:
        print(json.dumps({
            "tasks": summaries, "quick": options.quick, "threads": 1, **measured,
            "load_average_at_start": round(load, 2),
        }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
