"""The world of two answers and a noisy judge, in which Bradley–Terry is derived."""

from __future__ import annotations

import numpy as np

from ppolab.assessment.derivations.evaluation import Scope
from ppolab.assessment.derivations.values import Array, Value, exp, sigmoid
from ppolab.assessment.derivations.worlds import (
    BANDIT,
    EPISODE,
    MDP,
    REALS,
    Params,
    Quantity,
    Symbol,
    World,
    real,
)

# The integrands are analytic and fall off at both ends, so that the trapezoid rule at this spacing
# is exact to rounding; what lies beyond the ends is below 1e-15 for utilities between -3 and 3.
SPACING = 0.1
GRID = np.arange(-14.0, 46.0, SPACING)[None, :]
LARGEST = 3.0  # utility


def _density(x: Value) -> Value:
    return exp(-x - exp(-x))


def _distribution(x: Value) -> Value:
    return exp(-exp(-x))


def _pair(params: Params, size: int) -> Scope:
    return Scope(
        symbols={
            name: Value(params[name].clip(-LARGEST, LARGEST), params[f"slope_{name}"])
            for name in ("u_w", "u_l")
        },
        operators={"density": _density, "below": _distribution, "sigmoid": sigmoid},
        functions=frozenset({"exp", "log", "grad"}),
        grid=GRID,
        spacing=SPACING,
        axes=("the letter of an integral",),
    )


def _show_pair(params: Params, size: int) -> list[tuple[str, Array]]:
    labels = {"u_w": "u_w", "u_l": "u_l", "slope_u_w": "grad u_w", "slope_u_l": "grad u_l"}
    return [(label, params[name][0]) for name, label in labels.items()]


PAIR = World(
    name="pair",
    words="Two answers with utilities $u_w$ and $u_l$. A judge adds to each utility noise of its "
    "own, drawn from the Gumbel distribution, and prefers the larger sum. `grad` is the derivative "
    "by the reward model's parameters.",
    sizes=(1,),
    size_words="two answers",
    quantities={
        "u_w": Quantity(lambda n: (1,), real, REALS),
        "u_l": Quantity(lambda n: (1,), real, REALS),
        "slope_u_w": Quantity(lambda n: (1,), real, REALS),
        "slope_u_l": Quantity(lambda n: (1,), real, REALS),
    },
    scope=_pair,
    symbols=(
        Symbol("u_w", "u_w", "the utility of the answer that was preferred"),
        Symbol("u_l", "u_l", "the utility of the other one"),
        Symbol("density", "f", "`density(x)`: the noise's density at x, $e^{-x - e^{-x}}$"),
        Symbol("below", "F", "`below(x)`: the chance that the noise is below x, $e^{-e^{-x}}$"),
        Symbol("integral", r"\int", "`integral(x, y)`: the integral of y over all real x"),
        Symbol("sigmoid", r"\sigma", r"`sigmoid(x)`: $1 / (1 + e^{-x})$"),
    ),
    shown=_show_pair,
)

WORLDS = {world.name: world for world in (BANDIT, MDP, EPISODE, PAIR)}
