"""The ratio of one sample from two log-probabilities."""

import math

import numpy as np
import torch

from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.assessment.questions import Belief, Numeric

TITLE = "The ratio of one sample"
MINUTES = 2
MISCONCEPTIONS = ()


def generate(rng: np.random.Generator) -> Numeric:
    old = round(float(rng.uniform(-2.5, -0.6)), 2)
    moved = round(float(rng.uniform(0.12, 0.55)), 2) * int(rng.choice([-1, 1]))
    new = round(old + moved, 2)
    answer = math.exp(new - old)
    engine = clipped_policy_loss(*(torch.tensor([x], dtype=torch.float64) for x in (new, old, 1.0)), 0.2)
    return Numeric(
        prompt=f"When an action was taken, the policy gave it the log-probability ${old}$. After some "
        f"gradient steps it gives the same action ${new}$. What is the ratio "
        "$\\htmlClass{m-actor}{r_t}$ of this sample, to two decimals?",
        answer=answer,
        again=float(engine.ratio[0]),
        tolerance=0.006,
        beliefs=(
            Belief(1 / answer, "That is the old probability over the new one. The new one is on top."),
            Belief(new - old, "That is the logarithm of the ratio. Take its exponential."),
            Belief(new / old, "That divides log-probabilities. It is the probabilities that are divided."),
        ),
        explanation=f"A quotient of probabilities is the exponential of a difference of their "
        f"logarithms: $r_t = e^{{{new} - ({old})}} = e^{{{new - old:.2f}}} = {answer:.3f}$. "
        f"The action has become {'likelier' if answer > 1 else 'rarer'} by a factor of {answer:.2f}.",
    )
