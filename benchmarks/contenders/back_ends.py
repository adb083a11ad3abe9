"""PPO Lab's two back ends as contenders. Started by the referee, with this interpreter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from serving import Stopwatch, serve

import ppolab
from ppolab.control.config import PPOConfig
from ppolab.control.trainer import PPOTrainer

KINDS = {
    "torch": {"backend": "torch"},
    "compiled": {"backend": "compiled"},
    "compiled environment": {"backend": "compiled", "environment": "compiled/CartPole-v1"},
}


def make(job: dict[str, Any]) -> PPOTrainer:
    """A trainer of the kind the job asks for."""
    settings = job["config"] | KINDS[job["kind"]] | {"threads": job.get("threads", 1)}
    config = PPOConfig.from_mapping(settings)
    return PPOTrainer(replace(config, total_steps=job["schedule_steps"], seed=job["seed"]))


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Train for the job's steps; time starts once everything is made and compiled."""
    trainer = make(job)
    watch = Stopwatch()
    while trainer.step < job["steps"]:
        trainer.iterate()
    return {"count": trainer.step, **watch.read()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve({"ppolab": ppolab.__version__, "torch": torch.__version__}, train)
