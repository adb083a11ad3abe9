"""The clipped loss of three samples by hand."""

import numpy as np
import torch

from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.assessment.questions import Belief, Numeric

TITLE = "The clipped loss by hand"
MINUTES = 5
MISCONCEPTIONS = ("M3",)


def generate(rng: np.random.Generator) -> Numeric:
    while True:  # until the usual mistakes all give numbers of their own
        eps = float(rng.choice([0.1, 0.2, 0.3]))
        ratios = [round(float(x), 2) for x in (rng.uniform(1.35, 1.8), rng.uniform(1.35, 1.8), rng.uniform(0.3, 0.65))]
        good, bad, third = (round(float(x), 1) for x in rng.uniform(0.4, 2.0, 3))
        advantages = [good, -bad, third * int(rng.choice([-1, 1]))]
        order = rng.permutation(3)
        ratios, advantages = [ratios[i] for i in order], [advantages[i] for i in order]
        terms = [(r * a, min(max(r, 1 - eps), 1 + eps) * a) for r, a in zip(ratios, advantages, strict=True)]
        answer = -sum(min(pair) for pair in terms) / 3
        wrong = {
            "That takes the clipped product alone. Where the ratio has gone the wrong way, the minimum keeps the product that is not clipped.": -sum(c for _, c in terms) / 3,
            "That takes the larger of the two products. PPO is pessimistic: it takes the smaller.": -sum(max(pair) for pair in terms) / 3,
            "That is without any clip.": -sum(u for u, _ in terms) / 3,
            "The objective is to be made large; the loss is its negative.": -answer,
            "That is the sum over the samples. The loss is their mean.": 3 * answer,
        }
        if all(abs(value - answer) > 0.03 for value in wrong.values()):
            break
    engine = clipped_policy_loss(
        torch.tensor(ratios, dtype=torch.float64).log(), torch.zeros(3, dtype=torch.float64),
        torch.tensor(advantages, dtype=torch.float64), eps,
    )  # fmt: skip
    rows = "\n".join(
        f"| {n} | {r} | {a} | {u:.3f} | {c:.3f} | {min(u, c):.3f} |"
        for n, (r, a, (u, c)) in enumerate(zip(ratios, advantages, terms, strict=True), 1)
    )
    asked = "\n".join(f"| {n} | {r} | {a} |" for n, (r, a) in enumerate(zip(ratios, advantages, strict=True), 1))
    return Numeric(
        prompt=f"A minibatch has three samples, and $\\epsilon = {eps:g}$. What is the clipped loss, to two "
        f"decimals?\n\n| sample | $r_t$ | $\\hat A_t$ |\n|---|---|---|\n{asked}",
        answer=answer,
        again=float(engine.loss),
        tolerance=0.006,
        beliefs=tuple(Belief(value, words) for words, value in wrong.items()),
        explanation=f"The smaller product of each sample, their mean, and a minus sign: $L = {answer:.3f}$.\n\n"
        f"| sample | $r_t$ | $\\hat A_t$ | $r_t\\hat A_t$ | clipped | smaller |\n|---|---|---|---|---|---|\n{rows}",
    )
