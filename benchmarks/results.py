"""What our PPO learns, beside what others have published for the same tasks.

Each task's preset is trained with three seeds, for as many environment steps as the published run
it is compared with took. Two numbers come out of every training: the mean return of its last 100
training episodes, in which the policy still explores, and the mean return of 100 episodes that the
finished policy plays afterwards in environments of its own, always taking the likeliest action.
Each published number is compared with the one that was measured as it was.

    .venv/bin/python benchmarks/results.py                    about ten minutes
    .venv/bin/python benchmarks/results.py --only acrobot     one task (several may be named)
    .venv/bin/python benchmarks/results.py --seeds 4 5        other seeds
    .venv/bin/python benchmarks/results.py --quick            half a minute: one seed, a twentieth
                                                              of the steps; no comparison
    .venv/bin/python benchmarks/results.py --json             one JSON object on the last line
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any, Literal

import gymnasium
import torch
from ppo_cartpole import processor
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

Measure = Literal["training", "evaluation"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Published:
    """A number somebody has published; `spread` is what they give after "±"."""

    source: str
    mean: float
    spread: float
    steps: int
    measure: Measure  # which of ours was measured as theirs was


CLEANRL, BASELINES, ZOO = "CleanRL", "openai/baselines", "Stable-Baselines3 zoo"

# CleanRL and openai/baselines: the tables of CleanRL's docs/rl-algorithms/ppo.md, last training
# episodes, 3 seeds, ± between seeds. The zoo: its benchmark.md, one tuned agent that takes the
# likeliest action, ± between that agent's episodes.
REFERENCES: dict[str, tuple[Published, ...]] = {
    "cartpole-baseline": (
        Published(CLEANRL, 490.04, 6.12, 500_000, "training"),
        Published(BASELINES, 497.54, 4.02, 500_000, "training"),
    ),
    "cartpole-value-clip": (
        Published(CLEANRL, 490.04, 6.12, 500_000, "training"),
        Published(BASELINES, 497.54, 4.02, 500_000, "training"),
    ),
    "acrobot": (
        Published(CLEANRL, -86.36, 1.32, 500_000, "training"),
        Published(BASELINES, -81.82, 5.58, 500_000, "training"),
    ),
    "mountain-car": (Published(ZOO, -110.4, 19.5, 1_000_000, "evaluation"),),
    "pendulum": (Published(ZOO, -172.2, 104.2, 100_000, "evaluation"),),
}


def settings_of(name: str) -> PPOConfig:
    """The task's preset; "cartpole-value-clip" adds what both references do and it leaves out."""
    if name == "cartpole-value-clip":
        return dataclasses.replace(load_preset("cartpole-baseline").config, value_clip_range=0.2)
    return load_preset(name).config


def train(config: PPOConfig, advance: Callable[[PPOTrainer], None]) -> Row:
    """Train to the end, then let the finished policy play; `advance` is called every rollout."""
    trainer = PPOTrainer(config)
    started = time.perf_counter()
    while not trainer.finished:
        trainer.iterate()
        advance(trainer)
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
    }  # fmt: skip
    trainer.close()
    return row


def summarize(name: str, rows: list[Row], quick: bool) -> Row:
    """Means over the seeds, their standard deviations (n − 1), and what others published."""

    def over_seeds(measure: Measure) -> tuple[float, float | None]:
        values = [row[measure] for row in rows]
        spread = round(stdev(values), 2) if len(values) > 1 else None
        return round(mean(values), 2), spread

    means = {"training": over_seeds("training"), "evaluation": over_seeds("evaluation")}
    return {
        "environment": settings_of(name).environment, "seeds": rows,
        **{f"{measure}_mean": value for measure, (value, _) in means.items()},
        **{f"{measure}_std": spread for measure, (_, spread) in means.items()},
        "published": [
            dataclasses.asdict(theirs)
            | {
                "ours": means[theirs.measure][0],
                "at_or_above": None if quick else means[theirs.measure][0] >= theirs.mean,
            }
            for theirs in REFERENCES[name]
        ],
    }  # fmt: skip


def measure_all(names: list[str], seeds: list[int], quick: bool, console: Console) -> Row:
    """Train every task with every seed, behind a progress bar."""
    columns = (
        TextColumn("{task.description:<18}"), BarColumn(), TextColumn("{task.percentage:3.0f}%"),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    summaries: Row = {}
    with Progress(*columns, console=console) as progress:
        for name in names:
            base = settings_of(name)
            steps = base.total_steps // QUICK_PART if quick else base.total_steps
            bar = progress.add_task(name, total=steps * len(seeds), note="")
            rows: list[Row] = []
            for seed in seeds:

                def advance(trainer: PPOTrainer, bar: Any = bar) -> None:
                    note = f"seed {trainer.config.seed}, return {trainer.mean_return:.1f}"
                    progress.update(bar, advance=trainer.config.batch_size, note=note)

                rows.append(train(dataclasses.replace(base, seed=seed, total_steps=steps), advance))
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
                "–" if quick else "at or above" if theirs["at_or_above"] else "below",
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
    options = parser.parse_args()
    torch.set_num_threads(1)
    load = os.getloadavg()[0]
    seeds = options.seeds[:1] if options.quick else options.seeds
    names = options.only or list(REFERENCES)
    summaries = measure_all(names, seeds, options.quick, Console(stderr=True))
    machine = f"{processor()}, {os.cpu_count()} cores, {platform.system()}"
    console = Console()
    console.print(table_of(summaries, options.quick))
    console.print(f"{machine}, load {load:.1f} at the start")
    if options.quick:
        console.print("A quick run stops long before the published ones did: no comparison.")
    if options.json:
        print(json.dumps({
            "tasks": summaries, "quick": options.quick, "machine": machine, "threads": 1,
            "versions": {"torch": torch.__version__, "gymnasium": gymnasium.__version__},
            "python": platform.python_version(), "load_average_at_start": round(load, 2),
        }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
