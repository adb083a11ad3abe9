"""The parts of one PPO iteration in their order."""

import numpy as np

from ppolab.assessment.questions import Ordering

TITLE = "One iteration, in order"
MINUTES = 3
MISCONCEPTIONS = ("M11",)

ITEMS = (
    "The policy acts, and its log-probabilities are written down beside actions and rewards",
    "The critic values the observation at which the rollout ends",
    "Advantages are computed backwards in time, from rewards and values",
    "The samples are shuffled into minibatches",
    "The ratio of new to old probability is computed for one minibatch",
    "The clipped loss is differentiated and the weights take a step",
    "The next rollout begins with the new weights",
)
REASONS = (
    "Only a finished rollout has an end to value; what comes after it is known to the critic alone.",
    "The last advantage rests on the value of what comes after the rollout.",
    "Advantages need neighbours in time, which shuffling takes apart.",
    "The ratio is of a minibatch: each has weights that the one before has already moved.",
    "The loss is made of the ratios.",
    "All passes over a rollout come first: afterwards its samples describe a policy that is gone.",
)


def generate(rng: np.random.Generator) -> Ordering:
    return Ordering(
        prompt="Bring the parts of one PPO iteration into the order in which they happen.",
        items=ITEMS,
        reasons=REASONS,
    )
