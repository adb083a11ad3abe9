"""PPO Lab's two back ends as contenders. Started by the referee, with this interpreter."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import torch
from serving import serve

import ppolab
from ppolab.algorithms.schedules import linear
from ppolab.control.compiled import CartPole, CompiledBackend
from ppolab.control.config import PPOConfig
from ppolab.control.trainer import PPOTrainer


class CompiledTrainer(PPOTrainer):
    """The trainer with its two stages compiled; all that is counted and recorded stays."""

    def __init__(self, config: PPOConfig, compiled_environment: bool, threads: int) -> None:
        super().__init__(config)
        self.compiled = CompiledBackend(
            self.model, self.parameters, self.optimizer, config, threads
        )
        if compiled_environment:
            self.environment: Any = CartPole(config.environments, config.seed)
        self.compiled.warm_up(config, self.environment)

    def iterate(self) -> dict[str, float]:
        """One rollout and one update."""
        rate = linear(self.config.learning_rate, 1.0 - self.iteration / self.config.iterations)
        finished = self.compiled.collect(
            self.rollout, self.environment, self.action_generator, self.config.gamma
        )
        report, returns = self.compiled.update(
            self.rollout, self.config, rate, self.shuffle_generator
        )
        self.iteration += 1
        self._count(finished)
        return self._metrics(finished, report, returns)


def make(job: dict[str, Any]) -> PPOTrainer:
    """A trainer of the kind the job asks for."""
    config = PPOConfig.from_mapping(job["config"])
    config = replace(config, total_steps=job["schedule_steps"], seed=job["seed"])
    if job["kind"] == "torch":
        return PPOTrainer(config)
    return CompiledTrainer(config, job["kind"] == "compiled environment", job.get("threads", 1))


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Train for the job's steps; time starts once everything is made and compiled."""
    trainer = make(job)
    started = time.perf_counter()
    while trainer.step < job["steps"]:
        trainer.iterate()
    return {"steps": trainer.step, "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve({"ppolab": ppolab.__version__, "torch": torch.__version__}, train)
