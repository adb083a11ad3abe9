"""PPO Lab's RLHF trainer as a contender. Started by the referee, with this interpreter."""

from __future__ import annotations

import copy
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from serving import Stopwatch, peak_memory, serve
from words import make_texts, make_tokenizer

import ppolab
from ppolab.language.config import RLHFConfig
from ppolab.language.gpt import GPT, GPTConfig
from ppolab.language.reward_model import RewardModel
from ppolab.language.tokenizer import Tokenizer
from ppolab.language.trainer import RLHFTrainer
from ppolab.recorder import NullRecorder


class StageTimer(NullRecorder):
    """Adds up what each stage of the loop took."""

    def __init__(self) -> None:
        self.stages: dict[str, dict[str, float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        watch = Stopwatch()
        yield
        known = self.stages.setdefault(name, {})
        for clock, seconds in watch.read().items():
            known[clock] = known.get(clock, 0.0) + seconds


def make(job: dict[str, Any], recorder: StageTimer) -> RLHFTrainer:
    """A trainer with the job's settings, its models random."""
    config = RLHFConfig(
        seed=job["seed"], updates=job["updates"], batch_size=job["batch"], epochs=job["epochs"],
        minibatch_size=job["minibatch"], longest_response=job["response"],
        learning_rate=job["learning_rate"], warmup_updates=0, final_learning_rate=1.0,
        kl_controller="fixed", kl_coef=job["kl_coef"], missing_end_penalty=0.0,
        dtype=job["dtype"], shared_trunk=job["shared_trunk"], evaluate_every=0,
    )  # fmt: skip
    shape = GPTConfig(**job["shape"], context=64)
    policy = GPT(shape, job["seed"])
    return RLHFTrainer(
        config, policy, copy.deepcopy(policy), Tokenizer(make_tokenizer(shape.vocabulary)),
        RewardModel(GPT(shape, job["seed"] + 1)),
        make_texts(job["seed"], job["batch"] * job["updates"], job["prompt"], shape.vocabulary),
        critic=None if config.shared_trunk else GPT(shape, job["seed"] + 2), recorder=recorder,
    )  # fmt: skip


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job's updates; time starts once the models are made."""
    gc.collect()
    torch.set_num_threads(job["threads"])
    timer = StageTimer()
    trainer = make(job, timer)
    watch = Stopwatch()
    while not trainer.finished:
        last = trainer.iterate()
    return {
        "count": job["updates"] * job["batch"] * job["response"], **watch.read(),
        "rollout": timer.stages["generate"], "stages": timer.stages, "peak_memory": peak_memory(),
        "optimizer_steps": job["updates"] * job["epochs"] * (job["batch"] // job["minibatch"]),
        "response_length": last["response_length"],
    }  # fmt: skip


if __name__ == "__main__":
    serve({"ppolab": ppolab.__version__, "torch": torch.__version__}, train)
