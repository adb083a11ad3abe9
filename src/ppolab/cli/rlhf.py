"""`ppolab rlhf`: the stages of RLHF in the terminal, each a run of its own."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from ppolab.cli.options import default_home, parse, value_of
from ppolab.cli.output import Output
from ppolab.errors import InvalidSettingError
from ppolab.language.presets import RecipePreset, load_recipe, read_recipe
from ppolab.language.recipe import VERIFIABLE, Recipe

EXAMPLE = "ppolab rlhf --seed 2"
MODEL = "reward-model"
LAST = "rlhf"  # in --stage and in results: how the policy is improved, whatever the algorithm
SHOWN_TEXTS = 2  # answers before and after


@dataclass(frozen=True)
class RLHFOptions:
    """Run the three stages of RLHF: fine-tuning, reward model, PPO.

    Everything needed comes with the course: sentences of Jane Austen, a small base model, and a
    judge of their mood. --model takes a Hugging Face model instead, on the same task or on files
    of one's own. Each stage is a run that the page shows under "Runs" and that leaves its
    model in its folder. --stage does one stage again, from the folders that --sft and
    --reward-model name. --config takes any of these options from a YAML file; what is written
    in the terminal comes before it.
    """

    stage: Literal["all", "sft", "reward-model", "rlhf"] = "all"
    """Which stage; all does one after the other."""
    config: Path | None = None
    """YAML file of options, such as kl-coef: 0.2, and of settings that have none (docs/rlhf.md)."""
    preset: str | None = None
    """Options by name: austen-ppo, austen-grpo, austen-dpo and others that the page shows."""
    sft: Path | None = None
    """Folder of a fine-tuned model to go on from; needed by the later stages alone."""
    reward_model: Path | None = None
    """Folder of a reward model to please; without one, the task's own judge is pleased."""
    ranks: int = 1
    """Processes that share each batch: one for each GPU, or for some cores. More than one give
    what one gives, but for rounding."""
    shard: bool = False
    """Cut weights, gradients and Adam's memory among the ranks, for models that fill a GPU."""
    threads: int = 2
    """Threads of the arithmetic; the run keeps to them when it is resumed. Each of several ranks
    has one."""
    home: Path = field(default_factory=default_home)
    """Folder of runs and progress; PPOLAB_HOME sets it as well."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""
    recipe: Recipe = field(default_factory=Recipe)


def run(arguments: list[str], output: Output) -> int:
    """Run the stages, show progress, sum up; exit code 0 when all reached their end."""
    given = recipe_to_start_from(arguments)
    options = parse(
        RLHFOptions, "rlhf", arguments, EXAMPLE,
        default=None if given is None else RLHFOptions(recipe=given.recipe),
    )  # fmt: skip
    if options.threads < 1:
        raise InvalidSettingError("threads", options.threads, "are too few", "Give 1 or more")
    import torch

    from ppolab.cluster.executor import require_places
    from ppolab.language.pipeline import going_on, stages_of
    from ppolab.language.pitfalls import pitfall_named
    from ppolab.runs import Runs

    recipe = options.recipe
    if options.shard and options.ranks == 1:
        raise InvalidSettingError(
            "shard", True, "leaves nobody to share the weights with", "Give --ranks 2 or more"
        )
    if options.ranks != 1:
        require_places(options.ranks)
        if recipe.algorithm in ("dpo", "best-of-n"):
            raise InvalidSettingError(
                "ranks", options.ranks, f"cannot share the work of {recipe.algorithm}",
                "Leave it out, or choose an algorithm of reinforcement",
            )  # fmt: skip
    if recipe.pitfall is not None:
        pitfall = pitfall_named(recipe.pitfall)
        output.console.print(f"[bold]{pitfall.name}[/bold]: {pitfall.sentence}")
    stages = stages_of(recipe, None if given is None else given.settings)
    torch.set_num_threads(options.threads)
    runs = Runs(options.home / "runs")
    named = {"sft": options.sft, MODEL: options.reward_model}
    before = {kind: folder for kind, folder in named.items() if folder is not None}
    done: dict[str, dict[str, Any]] = {}
    for kind, stage in _asked(stages, options.stage, recipe.task, output.console).items():
        result = _run_stage(runs, going_on(stage, before), output.console, options)
        done[kind if kind in named else LAST] = result
        before[kind] = Path(result["run"])
        if result["state"] != "finished":
            break
    _show(output.console, done)
    output.result({"stages": done, "seed": recipe.seed, "task": recipe.task, **_summary(done)})
    return 0 if all(result["state"] == "finished" for result in done.values()) else 1


def recipe_to_start_from(arguments: list[str]) -> RecipePreset | None:
    """The preset or file that options start from.

    Raises:
        InvalidSettingError: both are named, or the file cannot be read.
        UnknownNameError: there is no such preset, or the file has an unknown option.
    """
    preset, config = value_of("--preset", arguments), value_of("--config", arguments)
    if preset is not None and config is not None:
        raise InvalidSettingError(
            "config", config, "comes beside a preset", "Give one of --config and --preset"
        )
    if preset is not None:
        return load_recipe(preset)
    return None if config is None else read_recipe(Path(config))


def _asked(stages: dict[str, Any], which: str, task: str, console: Console) -> dict[str, Any]:
    """The stages to run: all, or the one that was asked for."""
    if which == "all":
        if MODEL not in stages and task not in VERIFIABLE:
            console.print("No reward model: --pairs-file would give it something to learn from.")
        return stages
    kind = list(stages)[-1] if which == LAST else which
    if kind not in stages:
        raise InvalidSettingError(
            "stage", which, "has nothing to learn from", "Give pairs of answers by --pairs-file"
        )
    return {kind: stages[kind]}


def _run_stage(runs: Any, stage: Any, console: Console, options: RLHFOptions) -> dict[str, Any]:
    """Run one stage to its end; return what it came to."""
    from ppolab.runs.ranks import run_on_ranks
    from ppolab.runs.session import NoControls, Session
    from ppolab.runs.stage_results import figures_of, texts_of_run

    folder = runs.create(
        stage, title=f"{stage.kind}, {stage.task}, seed {stage.training.seed}",
        threads=options.threads,
    )  # fmt: skip
    console.print(f"[bold]{folder.manifest.title}[/bold]  {folder.path}", soft_wrap=True)
    started = time.perf_counter()
    with _progress_bar(console) as progress:
        task = progress.add_task("", total=folder.manifest.total_steps, note="starting")

        def show(step: int, metrics: dict[str, float]) -> None:
            progress.update(task, completed=step, note=_note(metrics))

        def tell(words: str) -> None:
            progress.update(task, note=words)

        if options.ranks == 1:
            with folder.locked():
                state = Session(folder, NoControls(), show, tell).run()
        else:
            state = run_on_ranks(folder, options.ranks, options.shard, show, tell)
    seconds = time.perf_counter() - started
    status = folder.status()
    console.print(status.words)
    figures = figures_of(folder)
    columns = folder.fold().columns
    first = {key: column.values[0] for key, column in columns.items() if column.values}
    texts_before, texts_after = texts_of_run(folder)
    return {
        "state": state,
        "run": str(folder.path),
        "id": folder.id,
        "seconds": round(seconds, 2),
        "first": first | {f.key: f.before for f in figures if f.before is not None},
        "last": dict(status.latest),
        "table": [dataclasses.asdict(figure) for figure in figures],
        "texts_before": texts_before,
        "texts_after": texts_after,
        "alerts": [event.data for event in folder.read() if event.type == "alert"],
    }


def _note(metrics: dict[str, float]) -> str:
    shown = (("sft_loss", "loss"), ("rm_train_accuracy", "accuracy"), ("reward", "reward"),
             ("kl", "KL"))  # fmt: skip
    return "  ".join(f"{words} {metrics[key]:6.2f}" for key, words in shown if key in metrics)


def _summary(done: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures by which the whole is judged; only of stages that were run."""
    summary: dict[str, Any] = {}
    if "sft" in done:
        summary["perplexity_before"] = done["sft"]["first"].get("perplexity")
        summary["perplexity_after"] = done["sft"]["last"].get("perplexity")
    if MODEL in done:
        summary["rm_accuracy_before"] = done[MODEL]["first"].get("rm_accuracy")
        summary["rm_accuracy"] = done[MODEL]["last"].get("rm_accuracy")
    if LAST in done:
        first, last = done[LAST]["first"], done[LAST]["last"]
        summary |= {
            "gold_before": first.get("eval_gold"),
            "gold_after": last.get("eval_gold"),
            "proxy_before": first.get("eval_reward"),
            "proxy_after": last.get("eval_reward"),
            "kl": last.get("eval_kl"),
            "distinct2": last.get("eval_distinct_2"),
        }
        if "eval_accuracy" in last:
            summary |= {
                "accuracy_before": first.get("eval_accuracy"),
                "accuracy_after": last["eval_accuracy"],
                "accuracy_greedy_before": first.get("eval_accuracy_greedy"),
                "accuracy_greedy_after": last.get("eval_accuracy_greedy"),
            }
    summary["alerts"] = [alert["kind"] for result in done.values() for alert in result["alerts"]]
    summary["seconds"] = round(sum(result["seconds"] for result in done.values()), 2)
    return summary


def _show(console: Console, done: dict[str, dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("stage", "measured", "before", "after"):
        table.add_column(heading)
    for stage, result in done.items():
        for row in result["table"]:
            table.add_row(stage, row["words"], _number(row["before"]), _number(row["after"]))
    console.print(table)
    for stage, result in done.items():
        if result["texts_after"]:
            console.print(f"[bold]{stage}[/bold], on the same held-out prompts:")
        for when in ("before", "after"):
            for text in result[f"texts_{when}"][:SHOWN_TEXTS]:
                console.print(f"  {when:<6} {text}", soft_wrap=True, markup=False)
        for alert in result["alerts"]:
            words = f"{alert.get('found', '')}. {alert.get('try', '')}"
            console.print(f"[bold]{stage}: {alert['kind']}[/bold]: {words}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.3f}"


def _progress_bar(console: Console) -> Progress:
    return Progress(
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("[bold]{task.fields[note]}"),
        TimeElapsedColumn(),
        console=console,
    )
