"""Which way the clipped objective pushes one sample: asked of autograd."""

import numpy as np
import torch

from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.assessment.questions import Choice, Option

TITLE = "Which way does this sample pull?"
MINUTES = 2
MISCONCEPTIONS = ("M2", "M3")

LIKELIER = "It makes the action likelier."
RARER = "It makes the action rarer."
NOTHING = "It does nothing: the objective is flat there."


def generate(rng: np.random.Generator) -> Choice:
    eps = float(rng.choice([0.1, 0.2, 0.3]))
    advantage = round(float(rng.uniform(0.5, 2.0)), 1) * int(rng.choice([-1, 1]))
    place = rng.choice(["below", "within", "above"])
    low, high = {"below": (0.4, 0.6), "within": (0.95, 1.05), "above": (1.4, 1.9)}[place]
    ratio = round(float(rng.uniform(low, high)), 2)
    right = pull(ratio, advantage, eps)
    good = "good" if advantage > 0 else "bad"
    wish = LIKELIER if advantage > 0 else RARER
    where = {"below": f"under $1-\\epsilon = {1 - eps:g}$", "within": "inside the range",
             "above": f"over $1+\\epsilon = {1 + eps:g}$"}[place]  # fmt: skip
    away = (place == "above") == (advantage > 0)
    if place == "within":
        why = "Inside the range the minimum is $r_t\\hat A_t$ itself, so the gradient is the usual one."
    elif away:
        why = "The ratio has gone past the range in the direction that the advantage asks for: the minimum takes the clipped term, which does not depend on the policy."
    else:
        why = "The ratio has gone the wrong way: $r_t\\hat A_t$ is the smaller of the two, the minimum keeps it, and its gradient pulls the sample back."
    reasons = {
        right: why,
        wish: f"The advantage of a {good} action does ask for that, but the ratio lies {where}, where the clipped term is the smaller one.",
        NOTHING: "Only two of the four cases outside the range are flat: a good action that is already likelier, and a bad one that is already rarer. "
        "Being outside is not enough." if place != "within" else "The ratio lies inside the range, where nothing is clipped.",
    }  # fmt: skip
    opposite = RARER if wish == LIKELIER else LIKELIER
    reasons.setdefault(opposite, f"For a {good} action the gradient never points that way: the clip can take it away, not turn it round.")
    reasons[right] = why
    return Choice(
        prompt=f"A sample has the ratio $\\htmlClass{{m-actor}}{{r_t}} = {ratio}$ and the advantage "
        f"$\\htmlClass{{m-critic}}{{\\hat A_t}} = {advantage}$; $\\epsilon = {eps:g}$. What does the "
        "gradient of its own term in the clipped objective do to the action's probability?",
        options=tuple(Option(text, reasons[text], text == right) for text in (LIKELIER, RARER, NOTHING)),
        explanation=f"The ratio lies {where} and the action was {good}.",
    )


def pull(ratio: float, advantage: float, eps: float) -> str:
    """What autograd says of the engine's own loss."""
    log_prob = torch.tensor([ratio], dtype=torch.float64).log().requires_grad_()
    zero, advantages = torch.zeros(1, dtype=torch.float64), torch.tensor([advantage], dtype=torch.float64)
    clipped_policy_loss(log_prob, zero, advantages, eps).loss.backward()
    slope = float(log_prob.grad[0])
    return NOTHING if slope == 0 else LIKELIER if slope < 0 else RARER
