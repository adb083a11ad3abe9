"""`ppolab rlhf`: the three stages of RLHF in the terminal, each a run of its own."""

from __future__ import annotations

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

from ppolab.cli.options import default_home, parse
from ppolab.cli.output import Output
from ppolab.errors import InvalidSettingError

EXAMPLE = "ppolab rlhf --seed 2"
STAGES = ("sft", "reward-model", "rlhf")
BASE = "base"  # the course's own model
MODEL = "reward-model"  # in --reward: the one that the stage before has left
# For models a thousand times larger than ours, after Huang et al. (2024), "The N+ implementation
# details of RLHF with PPO"; LoRA wants about ten times as much (Schulman and Thinking Machines
# 2025, "LoRA without regret").
LARGE_MODEL_RATE = 3e-6
LORA_FACTOR = 10


@dataclass(frozen=True)
class RLHFOptions:
    """Run the three stages of RLHF: fine-tuning, reward model, PPO.

    Everything needed comes with the course: sentences of Jane Austen, a small base model, and a
    judge of their mood. --model takes a Hugging Face model instead, on the same task or on files
    of one's own. Each stage is a run that the page shows under "Runs" and that leaves its
    model in its folder. --stage does one stage again, from the folders that --sft and
    --reward-model name.
    """

    stage: Literal["all", "sft", "reward-model", "rlhf"] = "all"
    """Which stage; all does one after the other."""
    task: str = "austen"
    """What to write about."""
    model: str = "base"
    """What to begin with: base, or a Hugging Face model's folder or id."""
    prompts: Path | None = None
    """JSON lines to write about in place of the task: "prompt", and for fine-tuning "response"."""
    pairs_file: Path | None = None
    """JSON lines to learn preferences from: "prompt", "chosen", "rejected"."""
    reward: str | None = None
    """What to please: my.py:function, answer, a classifier, reward-model, gold, or a sum of such as
    in "reward-model + 0.5*my.py:polite"; by default the reward model."""
    lora_rank: int = 0
    """Rank of LoRA adapters, which alone are trained; 0 trains all weights."""
    gradient_checkpointing: bool = False
    """Less memory for about a third more time; for Hugging Face models."""
    algorithm: Literal["ppo", "rloo", "grpo", "reinforce++", "dpo", "best-of-n"] = "ppo"
    """How the policy is improved: by reinforcement, by the comparisons themselves (dpo), or not at
    all but by choosing among several answers (best-of-n)."""
    n: str = "1,2,4,8,16,32,64"
    """Answers that best-of-n chooses among, rising; as many as the last are written."""
    pitfall: str | None = None
    """A mistake to make on purpose: kl-off, placeholder-loss, untrained-reward, swapped-pairs,
    reward-at-padding or length-bias. A monitor should catch it."""
    seed: int = 1
    """Seeds all stages."""
    sft_updates: int = 400
    """Gradient steps of fine-tuning."""
    pairs: int = 6000
    """Pairs of answers that the rater compares."""
    updates: int = 100
    """Batches of responses that the policy learns from."""
    kl_coef: float = 0.1
    """Price of a nat of KL at the start; 0 leaves the policy unbound."""
    kl_target: float = 8.0
    """KL per response that the coefficient is steered towards, nats."""
    shared_trunk: bool = False
    """Let policy and critic share a trunk: half the work, a little less learnt per update."""
    batch_size: int = 64
    """Responses in a batch of the policy's."""
    minibatch_size: int = 16
    """Responses per gradient step of the policy; must divide the batch."""
    longest_response: int = 24
    """Tokens of a response at most."""
    learning_rate: float | None = None
    """Adam's step size in every stage; None takes what suits stage and model."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic; auto measures which is quicker here."""
    threads: int = 2
    """Threads of the arithmetic."""
    sft: Path | None = None
    """Folder of a fine-tuned model to go on from; needed by the later stages alone."""
    reward_model: Path | None = None
    """Folder of a reward model to please; without one, the task's own judge is pleased."""
    home: Path = field(default_factory=default_home)
    """Folder of runs and progress; PPOLAB_HOME sets it as well."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""


def run(arguments: list[str], output: Output) -> int:
    """Run the stages, show progress, sum up; exit code 0 when all reached their end."""
    options = parse(RLHFOptions, "rlhf", arguments, EXAMPLE)
    import torch

    from ppolab.language.pitfalls import pitfall_named, with_pitfall
    from ppolab.runs import Runs

    pitfall = None if options.pitfall is None else pitfall_named(options.pitfall)
    if pitfall is not None:
        output.console.print(f"[bold]{pitfall.name}[/bold]: {pitfall.sentence}")
    torch.set_num_threads(options.threads)
    runs = Runs(options.home / "runs")
    folders = {"sft": options.sft, "reward-model": options.reward_model}
    done: dict[str, dict[str, Any]] = {}
    for name in _stages_to_run(options, output.console):
        stage = _stage(name, options, folders)
        if pitfall is not None:
            stage = with_pitfall(stage, pitfall.name)
        result = _run_stage(runs, stage, output.console)
        done[name] = result
        folders[name] = Path(result["run"])
        if result["state"] != "finished":
            break
    _show(output.console, done)
    output.result({"stages": done, "seed": options.seed, "task": options.task, **_summary(done)})
    return 0 if all(result["state"] == "finished" for result in done.values()) else 1


def _stages_to_run(options: RLHFOptions, console: Console) -> tuple[str, ...]:
    if options.stage != "all":
        return (options.stage,)
    judged = options.pairs_file is not None or options.prompts is None
    if not judged:
        console.print("No reward model: --pairs-file would give it something to learn from.")
    return tuple(name for name in STAGES if judged or name != "reward-model")


def _stage(name: str, options: RLHFOptions, folders: dict[str, Path | None]) -> Any:
    """The settings of one stage, going on from the folders of those before it."""
    from ppolab.language.config import GROUPED, RLHFConfig
    from ppolab.language.reward_config import RewardConfig
    from ppolab.language.sft_training import SFTConfig
    from ppolab.language.stages import RewardStage, RLHFStage, SFTStage

    if name == "sft":
        sft = SFTConfig(
            options.seed,
            options.sft_updates,
            dtype=options.dtype,
            learning_rate=_rate(options, SFTConfig.learning_rate),
        )
        return SFTStage(options.task, options.model, sft, _huggingface(options))
    if folders["sft"] is None and options.model == BASE:
        raise InvalidSettingError(
            "sft", None, f"is missing: the stage {name} goes on from a fine-tuned model",
            "Give the folder of an SFT run by --sft, or run all stages",
        )  # fmt: skip
    policy = str(folders["sft"] or options.model)
    if name == "reward-model":
        training = RewardConfig(
            options.seed, dtype=options.dtype,
            learning_rate=_rate(options, RewardConfig.learning_rate),
        )  # fmt: skip
        return RewardStage(
            options.task, policy, options.pairs, options.longest_response, training=training,
            huggingface=_huggingface(options),
        )  # fmt: skip
    algorithm = options.algorithm
    if algorithm == "dpo" or algorithm == "best-of-n":
        return _rival(options, policy, folders["reward-model"])
    ppo = RLHFConfig(
        algorithm, options.seed, options.updates, kl_coef=options.kl_coef,
        kl_target=options.kl_target, dtype=options.dtype,
        # Beside an adapter a critic of its own would be a second copy of the model.
        shared_trunk=options.shared_trunk or (options.lora_rank > 0 and options.algorithm == "ppo"),
        responses_per_prompt=4 if options.algorithm in GROUPED else 1,
        batch_size=options.batch_size, minibatch_size=options.minibatch_size,
        longest_response=options.longest_response,
        learning_rate=_rate(options, RLHFConfig.learning_rate),
    )  # fmt: skip
    reward = _reward(options.reward, folders["reward-model"])
    return RLHFStage(options.task, policy, reward, ppo, huggingface=_huggingface(options))


def _reward(asked: str | None, model: Path | None) -> str:
    """What the policy is to please, with the reward model's folder in place of its name."""
    from ppolab.language.stages import GOLD

    if asked is None:
        return GOLD if model is None else str(model)
    terms = asked.split(" + ")
    named = [term.rpartition("*")[2].strip() for term in terms]
    if MODEL in named and model is None:
        raise InvalidSettingError(
            "reward", asked, "names a reward model, and there is none",
            "Give its folder by --reward-model, or run all stages",
        )  # fmt: skip
    return " + ".join(
        term.replace(MODEL, str(model)) if name == MODEL else term
        for term, name in zip(terms, named, strict=True)
    )


def _huggingface(options: RLHFOptions) -> Any:
    from ppolab.language.huggingface.settings import HuggingFaceSettings

    return HuggingFaceSettings(
        str(options.prompts or ""), str(options.pairs_file or ""), options.lora_rank,
        gradient_checkpointing=options.gradient_checkpointing,
    )  # fmt: skip


def _rate(options: RLHFOptions, default: float) -> float:
    """The learning rate of a stage whose default suits the course's own model."""
    if options.learning_rate is not None:
        return options.learning_rate
    if options.model == BASE:
        return default
    return LARGE_MODEL_RATE * (LORA_FACTOR if options.lora_rank else 1)


def _rival(options: RLHFOptions, policy: str, reward: Path | None) -> Any:
    """The settings of a stage that does without reinforcement."""
    from ppolab.language.best_of_n import BestOfNConfig
    from ppolab.language.dpo import DPOConfig
    from ppolab.language.rival_stages import BestOfNStage, DPOStage
    from ppolab.language.stages import GOLD

    if options.algorithm == "best-of-n":
        sampling = BestOfNConfig(options.seed, _numbers(options.n))
        return BestOfNStage(options.task, policy, str(reward or GOLD), sampling)
    dpo = DPOConfig(options.seed, beta=options.kl_coef, dtype=options.dtype)
    return DPOStage(options.task, policy, str(reward or ""), dpo)


def _numbers(listed: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in listed.split(","))
    except ValueError as error:
        raise InvalidSettingError(
            "n", listed, "is no list of whole numbers", "Give such as 1,2,4,8"
        ) from error


def _run_stage(runs: Any, stage: Any, console: Console) -> dict[str, Any]:
    """Run one stage to its end; return what it came to."""
    from ppolab.runs.session import NoControls, Session

    folder = runs.create(stage, title=f"{stage.kind}, {stage.task}, seed {stage.training.seed}")
    console.print(f"[bold]{folder.manifest.title}[/bold]  {folder.path}", soft_wrap=True)
    started = time.perf_counter()
    with _progress_bar(console) as progress, folder.locked():
        task = progress.add_task("", total=folder.manifest.total_steps, note="starting")

        def show(step: int, metrics: dict[str, float]) -> None:
            progress.update(task, completed=step, note=_note(metrics))

        def tell(words: str) -> None:
            progress.update(task, note=words)

        state = Session(folder, NoControls(), show, tell).run()
    seconds = time.perf_counter() - started
    status = folder.status()
    console.print(status.words)
    columns = folder.fold().columns
    first = {key: column.values[0] for key, column in columns.items() if column.values}
    if stage.kind == "best-of-n" and columns:  # before: one answer, from the same sample
        for key, column in (("eval_gold", "bon_gold"), ("eval_reward", "bon_reward")):
            first[key] = columns[f"{column}/{stage.training.n[0]}"].values[-1]
        first["eval_kl"] = 0.0
    return {
        "state": state,
        "run": str(folder.path),
        "id": folder.id,
        "seconds": round(seconds, 2),
        "first": first,
        "last": dict(status.latest),
        "alerts": [event.data for event in folder.read() if event.type == "alert"],
    }


def _note(metrics: dict[str, float]) -> str:
    shown = (("sft_loss", "loss"), ("rm_train_accuracy", "accuracy"), ("reward", "reward"),
             ("kl", "KL"))  # fmt: skip
    return "  ".join(f"{words} {metrics[key]:6.2f}" for key, words in shown if key in metrics)


def _summary(done: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures by which the whole is judged; only of stages that were run."""
    summary: dict[str, Any] = {}
    if "reward-model" in done:
        summary["rm_accuracy"] = done["reward-model"]["last"].get("rm_accuracy")
    if "rlhf" in done:
        first, last = done["rlhf"]["first"], done["rlhf"]["last"]
        summary |= {
            "gold_before": first.get("eval_gold"),
            "gold_after": last.get("eval_gold"),
            "proxy_before": first.get("eval_reward"),
            "proxy_after": last.get("eval_reward"),
            "kl": last.get("eval_kl"),
            "distinct2": last.get("eval_distinct_2"),
        }
    summary["alerts"] = [alert["kind"] for result in done.values() for alert in result["alerts"]]
    summary["seconds"] = round(sum(result["seconds"] for result in done.values()), 2)
    return summary


def _show(console: Console, done: dict[str, dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("stage", "measured", "before", "after"):
        table.add_column(heading)
    rows = (("sft", "perplexity", "perplexity"), ("reward-model", "rm_accuracy", "accuracy"),
            ("rlhf", "eval_gold", "gold score"), ("rlhf", "eval_reward", "reward"),
            ("rlhf", "eval_kl", "KL, nats"), ("rlhf", "eval_distinct_2", "distinct pairs"),
            ("rlhf", "eval_length", "length, tokens"))  # fmt: skip
    for stage, key, words in rows:
        if stage in done and key in done[stage]["last"]:
            before, after = done[stage]["first"].get(key), done[stage]["last"][key]
            table.add_row(stage, words, _number(before), _number(after))
    console.print(table)
    for stage, result in done.items():
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
