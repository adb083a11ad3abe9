"""How many gradient steps a run takes: batch, minibatch and epochs kept apart."""

import numpy as np

from ppolab.assessment.questions import Belief, Numeric
from ppolab.control.config import PPOConfig

TITLE = "Counting gradient steps"
MINUTES = 3
MISCONCEPTIONS = ("M16",)


def generate(rng: np.random.Generator) -> Numeric:
    environments = int(rng.choice([4, 8, 16]))
    rollout = int(rng.choice([64, 128, 256]))
    minibatch = int(rng.choice([64, 128]))
    epochs = int(rng.choice([3, 4, 10]))
    updates = int(rng.integers(20, 60))
    batch = environments * rollout
    total = updates * batch
    config = PPOConfig(
        total_steps=total, environments=environments, rollout_steps=rollout,
        minibatch_size=minibatch, epochs=epochs,
    )  # fmt: skip
    answer = updates * epochs * (batch // minibatch)
    steps = 0
    for _ in range(config.total_steps // (config.environments * config.rollout_steps)):
        for _ in range(config.epochs):
            steps += len(range(0, config.environments * config.rollout_steps, config.minibatch_size))
    return Numeric(
        prompt=f"A run takes {total:,} environment steps with {environments} environments side by side. "
        f"Each rollout has {rollout} steps of each environment; an update makes {epochs} passes over it in "
        f"minibatches of {minibatch} samples. How many gradient steps does the run take in all?",
        answer=answer,
        again=steps,
        tolerance=0.5,
        unit="steps",
        beliefs=(
            Belief(answer / epochs, "That counts one pass over each rollout. There are several."),
            Belief(updates * epochs, "That counts one gradient step for each pass. A pass takes one for each minibatch."),
            Belief(answer * environments, "The steps of a rollout are per environment, and the total counts all environments together."),
            Belief(updates, "That is the number of updates. Each makes several passes in many minibatches."),
        ),
        explanation=f"A rollout holds ${environments} \\times {rollout} = {batch}$ samples, so there are "
        f"${total} / {batch} = {updates}$ updates. Each makes {epochs} passes of "
        f"${batch} / {minibatch} = {batch // minibatch}$ minibatches: "
        f"${updates} \\times {epochs} \\times {batch // minibatch} = {answer}$.",
    )
