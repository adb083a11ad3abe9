"""PPO Lab's update of an image policy. Started by the referee, with this interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from samples import ACTIONS, SHAPE, make_samples
from serving import Stopwatch, serve

import ppolab
from ppolab.control.config import PPOConfig
from ppolab.control.distributions import Categorical
from ppolab.control.networks import ActorCritic
from ppolab.control.observations import ObservationLayout
from ppolab.control.optimizer import Adam
from ppolab.control.parameters import FlatParameters
from ppolab.control.rollout import Rollout
from ppolab.control.update import Parts, update


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Time one update of the job's epochs on samples of its seed."""
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    config = PPOConfig(
        environments=job["environments"],
        rollout_steps=job["steps"],
        epochs=job["epochs"],
        minibatch_size=job["minibatch_size"],
        clip_range=job["clip_range"],
        learning_rate=job["learning_rate"],
        precision=job["precision"],
    )
    layout = ObservationLayout("none", Box(0, 255, SHAPE, np.uint8))
    model = ActorCritic(layout, Categorical(ACTIONS), config.hidden_size)
    parameters = FlatParameters(model)
    optimizer = Adam(parameters, config.learning_rate, config.adam_epsilon)
    rollout = Rollout(**make_samples(job["seed"], job["steps"], job["environments"]))
    generator = torch.Generator().manual_seed(job["seed"])
    watch = Stopwatch()
    update(model, parameters, optimizer, rollout, config, Parts(), generator)
    return {"count": config.epochs * config.batch_size, **watch.read()}


if __name__ == "__main__":
    serve({"ppolab": ppolab.__version__, "torch": torch.__version__}, train)
