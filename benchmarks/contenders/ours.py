"""PPO Lab's trainer as a contender. Started by the referee, with this repository's interpreter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from serving import Stopwatch, serve

import ppolab
from ppolab.control.config import PPOConfig
from ppolab.control.trainer import PPOTrainer


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Train with the job's settings; time starts once environments and networks are made."""
    config = PPOConfig.from_mapping(job["config"])
    trainer = PPOTrainer(replace(config, total_steps=job["schedule_steps"], seed=job["seed"]))
    solved: dict[str, Any] = {"seconds_to_475": None, "steps_to_475": None}
    watch = Stopwatch()
    while trainer.step < job["steps"]:
        trainer.iterate()
        seconds = watch.read()["seconds"]
        full = len(trainer.recent_returns) == 100
        if solved["seconds_to_475"] is None and full and trainer.mean_return >= 475:
            solved = {"seconds_to_475": seconds, "steps_to_475": trainer.step}
            if job["stop_when_solved"]:
                break
        if seconds > job["most_seconds"]:
            break
    return {"count": trainer.step, **watch.read(), **solved}


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve({"ppolab": ppolab.__version__, "torch": torch.__version__}, train)
