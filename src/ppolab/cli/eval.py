"""`ppolab eval`: how good a run's policy is, apart from training."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.table import Table

from ppolab.cli.options import default_home, parse
from ppolab.cli.output import Output
from ppolab.errors import ConflictError, InvalidSettingError

if TYPE_CHECKING:  # torch takes a second to import, which --help need not wait for
    from ppolab.control.evaluation import Evaluation
    from ppolab.control.trainer import PPOTrainer
    from ppolab.runs import RunFolder

EXAMPLE = "ppolab eval cartpole-20260101-120000-1a2b --episodes 50"


@dataclass(frozen=True)
class EvalOptions:
    """Let a run's policy play whole episodes in environments of its own, apart from training.

    The policy is that of the run's newest checkpoint. It takes its likeliest action each time;
    with --stochastic it draws, as it does in training.
    """

    run: Annotated[str | None, tyro.conf.Positional] = None
    """The run's id, as `ppolab runs` shows it."""
    episodes: int = 20
    """How many episodes."""
    seed: int = 1000
    """Seeds the environments, the actions drawn and the interval."""
    stochastic: bool = False
    """Draw actions instead of taking the likeliest."""
    record: bool = False
    """Write one more episode, step by step and with frames, into the run's folder."""
    home: Path = field(default_factory=default_home)
    """Folder of runs and progress; PPOLAB_HOME sets it as well."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""


def run(arguments: list[str], output: Output) -> int:
    """Evaluate a run's newest checkpoint, print a table, record an episode if asked to."""
    options = parse(EvalOptions, "eval", arguments, EXAMPLE)
    if options.run is None:
        raise InvalidSettingError("run", None, "is missing", "Give an id from `ppolab runs`")
    import torch

    from ppolab.control.evaluation import evaluate, normalization_of, record_episode
    from ppolab.runs import Runs
    from ppolab.runs.episodes import read_episode, write_episode
    from ppolab.runs.policies import trainer_of
    from ppolab.server.settings import default_content

    torch.set_num_threads(1)  # networks this small lose time on a second thread
    folder = Runs(options.home / "runs", default_content() / "runs").get(options.run)
    if options.record and folder.recorded:
        raise ConflictError(
            "run", folder.id, "came with the course and is kept as it is", "Leave out --record"
        )
    trainer = trainer_of(folder)
    deterministic = not options.stochastic
    normalization = normalization_of(trainer.environment)
    try:
        evaluation = evaluate(
            trainer.model, trainer.config, options.episodes, options.seed, deterministic,
            normalization,
        )  # fmt: skip
        _print(folder, trainer, options, evaluation, output)
        file, absent = None, None
        if options.record:
            episode = record_episode(
                trainer.model, trainer.config, options.seed, deterministic, normalization
            )
            file = write_episode(folder, trainer.step, options.seed, deterministic, episode)
            absent = read_episode(folder, file.stem)["frames_absent"] or None
            frames = f"no frames: {absent}" if absent else "with frames"
            output.console.print(f"recorded: {file} ({frames})", soft_wrap=True, markup=False)
    finally:
        trainer.close()
    output.result(
        {
            "mean_return": evaluation.mean,
            "std": evaluation.std,
            "interval": evaluation.interval,
            "agent_means": evaluation.agent_means,
            "min_return": float(evaluation.returns.min()),
            "max_return": float(evaluation.returns.max()),
            "mean_length": float(evaluation.lengths.mean()),
            "episodes": len(evaluation.returns),
            "deterministic": deterministic,
            "seed": options.seed,
            "step": trainer.step,
            "run": str(folder.path),
            "id": folder.id,
            "recorded": None if file is None else str(file),
            "frames_absent": absent,
        }
    )
    return 0


def _print(
    folder: RunFolder,
    trainer: PPOTrainer,
    options: EvalOptions,
    evaluation: Evaluation,
    output: Output,
) -> None:
    returns, lengths = evaluation.returns, evaluation.lengths
    action = "drawn" if options.stochastic else "likeliest"
    output.console.print(
        f"[bold]{folder.manifest.title}[/bold]  checkpoint of step {trainer.step:,} of "
        f"{trainer.total_steps:,}"
    )
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("Episodes", f"{len(returns)}", f"{action} actions, seed {options.seed}")
    interval = ""
    if evaluation.interval is not None:
        low, high = evaluation.interval
        interval = f"95 % interval {low:,.1f} to {high:,.1f}"
    table.add_row("Mean return", f"{evaluation.mean:,.1f}", interval)
    for agent, mean in evaluation.agent_means.items():
        table.add_row(f"… of {agent}", "–" if math.isnan(mean) else f"{mean:,.1f}", "")
    std = "–" if math.isnan(evaluation.std) else f"{evaluation.std:,.1f}"
    table.add_row("Standard deviation", std, "between episodes")
    table.add_row("Lowest, highest", f"{returns.min():,.1f}", f"{returns.max():,.1f}")
    shortest, longest = lengths.min(), lengths.max()
    table.add_row("Mean length", f"{lengths.mean():,.1f}", f"steps, {shortest:,} to {longest:,}")
    output.console.print(table)
