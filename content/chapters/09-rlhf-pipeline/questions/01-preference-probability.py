"""What two scores of a reward model say about a preference."""

import math

import numpy as np
import torch

from ppolab.algorithms.preferences import preference_probability
from ppolab.assessment.questions import Belief, Numeric

TITLE = "How likely is the preference?"
MINUTES = 3
MISCONCEPTIONS = ("M12",)


def generate(rng: np.random.Generator) -> Numeric:
    while True:  # until the usual mistakes all give numbers of their own
        first, second = (round(float(x), 1) for x in rng.uniform(-2.5, 3.5, 2))
        answer = 1 / (1 + math.exp(second - first))
        wrong = {
            "That is the chance that the other one is preferred.": 1 - answer,
            "The other score is missing: what counts is the difference.": 1 / (1 + math.exp(-first)),
            "That is the sum of the scores; what counts is their difference.": 1 / (1 + math.exp(-first - second)),
            "That is the difference itself. The sigmoid makes a probability of it.": first - second,
        }
        if abs(first - second) > 0.3 and all(abs(value - answer) > 0.03 for value in wrong.values()):
            break
    scores = (torch.tensor([x], dtype=torch.float64) for x in (first, second))
    return Numeric(
        prompt=f"A reward model scores two answers to one prompt: $\\htmlClass{{m-reward}}{{r_a}} = {first}$ and "
        f"$\\htmlClass{{m-reward}}{{r_b}} = {second}$. By Bradley and Terry, how likely is it that a person prefers "
        "**a**? Give a probability to two decimals.",
        answer=answer,
        again=float(preference_probability(*scores)[0]),
        tolerance=0.006,
        beliefs=tuple(Belief(value, words) for words, value in wrong.items()),
        explanation=f"$\\sigma(r_a - r_b) = \\sigma({first - second:.1f}) = {answer:.3f}$. Add any number to both "
        "scores and nothing changes: they have no zero.",
    )
