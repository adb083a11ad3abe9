"""How many samples leave the clip range: predicted, then run with the engine's own loss."""

from functools import lru_cache

import numpy as np
import torch

from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.assessment.questions import Outcome, Prediction

TITLE = "Predict: how many ratios leave the range?"
MINUTES = 3
MISCONCEPTIONS = ("M1",)
SAMPLES, ACTIONS, EPS = 64, 6, 0.2

NONE = "None of them"
FEW = "Some, but at most a tenth"
SOME = "More than a tenth, at most a half"
MOST = "More than a half"
REASONS = {
    NONE: "Only where the steps were too few and too small to get that far. The clip itself holds no ratio "
    "back: what it clips is a copy inside the objective.",
    FEW: "Past the border a sample's own gradient ends, and with short steps few are carried much further.",
    SOME: "Weights are shared and steps have lengths: samples are carried past the border by others.",
    MOST: "Adam's momentum and the other samples carry the same logits on, long after a sample's own gradient "
    "has ended.",
}


def generate(rng: np.random.Generator) -> Prediction:
    epochs = int(rng.choice([2, 4, 10, 20]))
    rate = float(rng.choice([0.01, 0.03, 0.1, 0.3]))
    seed = int(rng.integers(1, 2**31))

    def run() -> Outcome:
        ratios = update(epochs, rate, seed)
        outside = float(((ratios < 1 - EPS) | (ratios > 1 + EPS)).double().mean())
        came = NONE if outside == 0 else FEW if outside <= 0.1 else SOME if outside <= 0.5 else MOST
        return Outcome(
            came,
            f"It was run just now: after {epochs} epochs **{100 * outside:.0f} %** of the {SAMPLES} ratios lie "
            f"outside [0.8, 1.2]. The smallest is {float(ratios.min()):.2f}, the largest {float(ratios.max()):.2f}.",
        )

    return Prediction(
        prompt=f"A softmax policy over {ACTIONS} actions has drawn {SAMPLES} samples with random advantages of "
        f"mean 0 and standard deviation 1. Adam (learning rate {rate:g}) now takes one step on the clipped loss of "
        f"all samples in each of **{epochs} epochs**, with $\\epsilon = {EPS}$. How many of the {SAMPLES} ratios lie "
        "outside [0.8, 1.2] afterwards? Your answer is kept first, then it is run.",
        reasons=REASONS,
        run=run,
    )


@lru_cache(maxsize=64)
def update(epochs: int, rate: float, seed: int) -> torch.Tensor:
    """One PPO update of a table of logits; returns the final ratio of each sample."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(ACTIONS, generator=generator, dtype=torch.float64).requires_grad_()
    old = logits.detach().log_softmax(0)
    actions = torch.multinomial(old.exp(), SAMPLES, replacement=True, generator=generator)
    advantages = torch.randn(SAMPLES, generator=generator, dtype=torch.float64)
    advantages = (advantages - advantages.mean()) / advantages.std()
    optimizer = torch.optim.Adam([logits], lr=rate)
    for _ in range(epochs):
        optimizer.zero_grad()
        clipped_policy_loss(logits.log_softmax(0)[actions], old[actions], advantages, EPS).loss.backward()
        optimizer.step()
    return (logits.detach().log_softmax(0) - old).exp()[actions]
