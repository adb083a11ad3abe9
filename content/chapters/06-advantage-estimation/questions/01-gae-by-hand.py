"""The advantage of the first of three steps, by hand."""

import numpy as np
import torch

from ppolab.algorithms.advantages import generalized_advantages
from ppolab.assessment.questions import Belief, Numeric

TITLE = "Generalised advantages by hand"
MINUTES = 5
MISCONCEPTIONS = ("M10",)


def generate(rng: np.random.Generator) -> Numeric:
    while True:  # until the usual mistakes all give numbers of their own
        gamma, lam = float(rng.choice([0.9, 0.8])), float(rng.choice([0.5, 0.8]))
        rewards = [round(float(x), 1) for x in rng.uniform(-1.5, 1.5, 3)]
        values = [round(float(x), 1) for x in rng.uniform(0.5, 2.5, 3)]
        after = round(float(rng.uniform(1.0, 3.0)), 1)  # what the critic says of the state reached
        nexts = [*values[1:], 0.0]
        deltas = [r + gamma * n - v for r, n, v in zip(rewards, nexts, values, strict=True)]
        answer = sum((gamma * lam) ** k * d for k, d in enumerate(deltas))
        wrong = {
            "That goes on past the end of the episode. After a real ending nothing more comes, so the value there counts as 0.": answer
            + (gamma * lam) ** 2 * gamma * after,
            "λ is missing: each further surprise weighs γλ times the one before.": sum(
                gamma**k * d for k, d in enumerate(deltas)
            ),
            "The discount between surprises is missing: each weighs γλ times the one before.": sum(
                lam**k * d for k, d in enumerate(deltas)
            ),
            "That is the first surprise alone, as for λ = 0.": deltas[0],
        }
        if all(abs(value - answer) > 0.03 for value in wrong.values()):
            break
    column = [torch.tensor(x, dtype=torch.float64)[:, None] for x in (rewards, values, [0.0, 0.0, 1.0])]
    engine = generalized_advantages(
        *column, last_values=torch.tensor([after], dtype=torch.float64), gamma=gamma, gae_lambda=lam
    )
    rows = "\n".join(f"| {k} | {r} | {v} |" for k, (r, v) in enumerate(zip(rewards, values, strict=True)))
    told = ", ".join(f"$\\delta_{k} = {d:.3f}$" for k, d in enumerate(deltas))
    return Numeric(
        prompt=f"An episode **ends** after step 2; of the state it ended in, the critic would say {after}. With "
        f"$\\gamma = {gamma}$ and $\\lambda = {lam}$, what is the generalised advantage of step 0, to two "
        f"decimals?\n\n| step | reward | value |\n|---|---|---|\n{rows}",
        answer=answer,
        again=float(engine[0, 0]),
        tolerance=0.006,
        beliefs=tuple(Belief(value, words) for words, value in wrong.items()),
        explanation=f"The surprises are {told}; the last one has no value after it, because the episode ended. "
        f"$\\hat A_0 = \\delta_0 + \\gamma\\lambda\\,\\delta_1 + (\\gamma\\lambda)^2\\delta_2 = {answer:.3f}$.",
    )
