"""TRL's fine-tuning and reward model as a contender: version 1.16.0. Started by the referee."""

from __future__ import annotations

import gc
import io
import tempfile
from contextlib import redirect_stdout
from typing import Any

import trl_models  # silences transformers before it is imported
from serving import Stopwatch, peak_memory, serve
from words import make_texts

import torch  # isort: skip
import transformers  # isort: skip
import trl  # isort: skip
from datasets import Dataset, disable_progress_bars  # isort: skip
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, TrainerCallback  # isort: skip

disable_progress_bars()


class Timer(TrainerCallback):
    """Times the steps alone, without what a training does before the first and after the last."""

    def __init__(self) -> None:
        self.watch = Stopwatch()
        self.taken: dict[str, float] = {}

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.watch = Stopwatch()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.taken = self.watch.read()


def settings(job: dict[str, Any], folder: str) -> dict[str, Any]:
    """The job's settings by the names that TRL's trainers share."""
    return {
        "output_dir": folder, "seed": job["seed"], "use_cpu": True,
        "bf16": job["dtype"] == "bfloat16", "per_device_train_batch_size": job["rows"],
        "max_steps": job["updates"], "learning_rate": job["learning_rate"],
        # By default it computes twice to save memory.
        "gradient_checkpointing": False, "max_length": None,
        "disable_tqdm": True, "report_to": "none", "save_strategy": "no",
    }  # fmt: skip


def make_sft(job: dict[str, Any], folder: str) -> trl.SFTTrainer:
    """A trainer on as many texts as the updates need."""
    shape = trl_models.shape_of(job)
    texts = make_texts(job["seed"], job["rows"] * job["updates"], job["length"], shape.vocab_size)
    return trl.SFTTrainer(
        GPT2LMHeadModel(shape), trl.SFTConfig(**settings(job, folder)),
        train_dataset=Dataset.from_dict({"input_ids": texts}),
        processing_class=trl_models.tokenizer_of(job),
    )  # fmt: skip


def make_reward(job: dict[str, Any], folder: str) -> trl.RewardTrainer:
    """A trainer on as many pairs as the updates need."""
    shape = trl_models.shape_of(job)
    pairs = job["rows"] * job["updates"]
    texts = make_texts(job["seed"], 2 * pairs, job["length"], shape.vocab_size)
    return trl.RewardTrainer(
        GPT2ForSequenceClassification(shape), trl.RewardConfig(**settings(job, folder)),
        train_dataset=Dataset.from_dict({"chosen_ids": texts[::2], "rejected_ids": texts[1::2]}),
        processing_class=trl_models.tokenizer_of(job),
    )  # fmt: skip


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job's gradient steps; time starts once the models are made."""
    gc.collect()
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    with tempfile.TemporaryDirectory(prefix="trl-") as folder, redirect_stdout(io.StringIO()):
        trainer = {"sft": make_sft, "reward": make_reward}[job["stage"]](job, folder)
        timer = Timer()
        trainer.add_callback(timer)
        trainer.train()
    steps = trainer.state.global_step
    count = steps * job["rows"] * (job["length"] if job["stage"] == "sft" else 1)
    return {"count": count, "steps": steps, **timer.taken, "peak_memory": peak_memory()}


if __name__ == "__main__":
    versions = {"trl": trl.__version__, "transformers": transformers.__version__}
    serve({**versions, "torch": torch.__version__}, train)
