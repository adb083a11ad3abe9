"""PPO Lab's fine-tuning and reward model as a contender. Started by the referee."""

from __future__ import annotations

import gc
from typing import Any

import torch
from serving import Stopwatch, peak_memory, serve
from words import make_texts

import ppolab
from ppolab.language.gpt import GPT, GPTConfig
from ppolab.language.preference_data import PreferencePair
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_model import RewardModel
from ppolab.language.reward_training import RewardTrainer
from ppolab.language.sft import Example
from ppolab.language.sft_training import SFTConfig, SFTTrainer


def make_sft(job: dict[str, Any]) -> SFTTrainer:
    """A trainer on as many texts as the updates need."""
    shape = GPTConfig(**job["shape"], context=64)
    texts = make_texts(job["seed"], job["rows"] * job["updates"], job["length"], shape.vocabulary)
    config = SFTConfig(
        job["seed"], job["updates"], job["rows"], learning_rate=job["learning_rate"],
        weight_decay=0.0, evaluate_every=10**9, dtype=job["dtype"],
    )  # fmt: skip
    return SFTTrainer(config, GPT(shape, job["seed"]), [Example(text) for text in texts], [])


def make_reward(job: dict[str, Any]) -> RewardTrainer:
    """A trainer on as many pairs as the updates need, and a batch more that it never comes to."""
    shape = GPTConfig(**job["shape"], context=64)
    pairs = job["rows"] * (job["updates"] + 1) + 1
    texts = make_texts(job["seed"], 2 * pairs, job["length"], shape.vocabulary)
    config = RewardConfig(
        job["seed"], batch_size=job["rows"], learning_rate=job["learning_rate"],
        held_out=1 / pairs, evaluate_every=10**9, dtype=job["dtype"],
    )  # fmt: skip
    model = RewardModel(GPT(shape, job["seed"]), job["seed"])
    compared = [PreferencePair(*texts[i : i + 2], prompt=1) for i in range(0, 2 * pairs, 2)]
    return RewardTrainer(config, model, compared)


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job's gradient steps; time starts once the models are made."""
    gc.collect()
    torch.set_num_threads(job["threads"])
    trainer = {"sft": make_sft, "reward": make_reward}[job["stage"]](job)
    watch = Stopwatch()
    while trainer.iteration < job["updates"]:
        trainer.iterate()
    taken, steps = watch.read(), trainer.iteration
    count = steps * job["rows"] * (job["length"] if job["stage"] == "sft" else 1)
    return {"count": count, "steps": steps, **taken, "peak_memory": peak_memory()}


if __name__ == "__main__":
    serve({"ppolab": ppolab.__version__, "torch": torch.__version__}, train)
