"""TRL's PPO as a contender: version 1.12.0, the last that has it. Started by the referee.

Its settings are chosen so that it takes every gradient step that is asked for; the optimizer's
steps are counted and told. As its documentation has it (minibatches through gradient
accumulation), it would take one of four.
"""

from __future__ import annotations

import gc
import io
import os
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from serving import Stopwatch, peak_memory, serve

sys.path.insert(0, str(Path(sys.prefix) / "trl-1.12.0"))
os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"

import torch
import transformers
import trl
from datasets import Dataset, disable_progress_bars
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel
from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer
from trl_models import shape_of, tokenizer_of
from words import make_texts

disable_progress_bars()
SILENT = {"disable_tqdm": True, "report_to": "none", "save_strategy": "no"}


def make(job: dict[str, Any], folder: str) -> PPOTrainer:
    """A trainer with the job's settings, its models random."""
    assert not job["shared_trunk"], "TRL's PPO always has a critic of its own"
    config = PPOConfig(
        output_dir=folder, seed=job["seed"], use_cpu=True, bf16=False,
        gradient_checkpointing=False, num_sample_generations=0,
        # The batch as one piece: else `accumulate` skips optimizer steps between minibatches.
        per_device_train_batch_size=job["batch"], gradient_accumulation_steps=1,
        num_mini_batches=job["batch"] // job["minibatch"], num_ppo_epochs=job["epochs"],
        total_episodes=job["batch"] * job["updates"], response_length=job["response"],
        local_rollout_forward_batch_size=job["batch"], temperature=1.0,
        learning_rate=job["learning_rate"], lr_scheduler_type="constant", kl_coef=job["kl_coef"],
        **SILENT,
    )  # fmt: skip
    shape, tokenizer = shape_of(job), tokenizer_of(job)
    prompts = make_texts(
        job["seed"], job["batch"] * job["updates"], job["prompt"], shape.vocab_size
    )
    torch.manual_seed(job["seed"])
    policy = GPT2LMHeadModel(shape)
    reference = GPT2LMHeadModel(shape)
    reference.load_state_dict(policy.state_dict())
    return PPOTrainer(
        config, tokenizer, policy, reference, GPT2ForSequenceClassification(shape),
        Dataset.from_dict({"input_ids": prompts}), GPT2ForSequenceClassification(shape),
    )  # fmt: skip


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job's updates; time starts once the models are made."""
    gc.collect()
    torch.set_num_threads(job["threads"])
    rollout: dict[str, float] = {}
    steps, lengths = 0, []
    write = ppo_trainer.batch_generation

    def timed_write(model: Any, queries: Any, *arguments: Any) -> Any:
        watch = Stopwatch()
        written = write(model, queries, *arguments)
        for clock, seconds in watch.read().items():
            rollout[clock] = rollout.get(clock, 0.0) + seconds
        lengths.append(written[0].shape[1] - queries.shape[1])
        return written

    def count(*_: Any) -> None:
        nonlocal steps
        steps += 1

    with tempfile.TemporaryDirectory(prefix="trl-") as folder, redirect_stdout(io.StringIO()):
        trainer = make(job, folder)
        trainer.optimizer.optimizer.register_step_post_hook(count)
        ppo_trainer.batch_generation = timed_write
        try:
            watch = Stopwatch()
            trainer.train()
            taken = watch.read()
        finally:
            ppo_trainer.batch_generation = write
    return {
        "count": job["updates"] * job["batch"] * job["response"], **taken, "rollout": rollout,
        "peak_memory": peak_memory(), "optimizer_steps": steps,
        "response_length": sum(lengths) / len(lengths),
    }  # fmt: skip


if __name__ == "__main__":
    versions = {"trl": trl.__version__, "transformers": transformers.__version__}
    serve({**versions, "torch": torch.__version__}, train)
