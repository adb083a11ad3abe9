"""The small worlds in which lines are tried: drawn at random, plain numbers first.

A world turns *parameters* (arrays whose first axis runs over cases) into a `Scope`, in which the
symbols of a line have values. Its cases come in groups of one size, the smallest size first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ppolab.assessment.derivations.evaluation import Scope
from ppolab.assessment.derivations.values import Array, Value, constant

Params = dict[str, Array]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Symbol:
    """A name in lines, how it is printed, and what it means (Markdown)."""

    name: str
    tex: str
    words: str


@dataclass(frozen=True)
class Quantity:
    """A parameter: its shape at a size, how it is drawn, and plain values to simplify it to."""

    shape: Callable[[int], Shape]
    draw: Callable[[np.random.Generator, Shape], Array]
    plain: tuple[float, ...]


@dataclass(frozen=True)
class World:
    """A kind of random case, the symbols in it and what they are made of."""

    name: str
    words: str  # Markdown
    sizes: tuple[int, ...]
    size_words: str  # "{size} actions"
    quantities: Mapping[str, Quantity]
    scope: Callable[[Params, int], Scope]
    symbols: tuple[Symbol, ...]
    shown: Callable[[Params, int], list[tuple[str, Array]]]  # of one case, for people

    def draw(self, rng: np.random.Generator, size: int, cases: int) -> Params:
        """Parameters of some cases of one size; the first fifth of them plain numbers."""
        drawn: Params = {}
        plain = max(1, cases // 5)
        for name, quantity in self.quantities.items():
            shape = (cases, *quantity.shape(size))
            values = quantity.draw(rng, shape)
            values[:plain] = rng.choice(quantity.plain, (plain, *shape[1:]))
            drawn[name] = values
        return drawn

    def functions(self) -> frozenset[str]:
        """The functions that every reader of formulas knows, as far as this world has them."""
        size = self.sizes[0]
        return self.scope(self.draw(np.random.default_rng(0), size, 1), size).functions


def real(rng: np.random.Generator, shape: Shape) -> Array:
    """Numbers of order 1, of both signs."""
    return rng.normal(size=shape)


def weight(rng: np.random.Generator, shape: Shape) -> Array:
    """Numbers above 0, to be made into probabilities."""
    return np.exp(rng.normal(size=shape))


def share(rng: np.random.Generator, shape: Shape) -> Array:
    """Numbers well between 0 and 1."""
    return rng.uniform(0.1, 0.95, size=shape)


REALS = (0.0, 1.0, -1.0, 2.0, -2.0)
WEIGHTS = (1.0, 2.0, 3.0)


def policy(weights: Array, direction: Array) -> Value:
    """A softmax policy over the last axis, differentiated along a direction of its logits."""
    probabilities = weights / weights.sum(-1, keepdims=True)
    mean = (probabilities * direction).sum(-1, keepdims=True)
    return Value(probabilities, probabilities * (direction - mean))


def total(shape: Shape) -> Callable[[Value], Value]:
    """The sum over everything that a quantity of this shape [cases, …] may depend on."""
    axes = tuple(range(1, len(shape)))

    def over(value: Value) -> Value:
        number = np.broadcast_to(value.number, shape).sum(axes, keepdims=True)
        slope = value.slope
        if slope is not None:
            slope = np.broadcast_to(slope, shape).sum(axes, keepdims=True)
        return Value(number, slope)

    return over


def expectation(probabilities: Value, shape: Shape) -> Callable[[Value], Value]:
    """The mean under probabilities that may themselves depend on the parameters."""
    add = total(shape)
    return lambda value: add(probabilities * value)


# ------------------------------------------------------------------------------------- a bandit


def _bandit(params: Params, size: int) -> Scope:
    pi = policy(params["weights"], params["direction"])
    old = constant(params["old"] / params["old"].sum(-1, keepdims=True))
    q = constant(params["Q"])
    shape = (len(params["Q"]), size)
    under_old = expectation(old, shape)
    v = under_old(q)
    symbols = {"pi": pi, "old": old, "Q": q, "V": v, "A": q - v, "r": pi / old}
    return Scope(
        symbols={**symbols, "eps": constant(params["eps"])},
        operators={"E": expectation(pi, shape), "E_old": under_old, "sum": total(shape)},
        functions=frozenset({"exp", "log", "min", "max", "abs", "clip", "grad"}),
        axes=("the action a",),
    )


def _show_bandit(params: Params, size: int) -> list[tuple[str, Array]]:
    symbols = _bandit(params, size).symbols
    pairs = [("π", "pi"), ("π_old", "old"), ("Q", "Q"), ("A", "A"), ("ε", "eps")]
    return [(label, symbols[name].number[0]) for label, name in pairs]


BANDIT = World(
    name="bandit",
    words="One decision among a few actions $a$. The samples come from an old policy.",
    sizes=(2, 3, 4, 5, 6),
    size_words="{size} actions",
    quantities={
        "weights": Quantity(lambda n: (n,), weight, WEIGHTS),
        "old": Quantity(lambda n: (n,), weight, WEIGHTS),
        "direction": Quantity(lambda n: (n,), real, REALS),
        "Q": Quantity(lambda n: (n,), real, REALS),
        "eps": Quantity(lambda n: (1,), share, (0.5, 0.2)),
    },
    scope=_bandit,
    symbols=(
        Symbol("pi", r"\pi_\theta(a)", "the policy now"),
        Symbol("old", r"\pi_{\text{old}}(a)", "the policy that drew the samples"),
        Symbol("r", "r(a)", r"the ratio $\pi_\theta(a) / \pi_{\text{old}}(a)$"),
        Symbol("Q", "Q(a)", "what an action is worth"),
        Symbol("V", "V", "the mean of $Q$ under the old policy, one number"),
        Symbol("A", "A(a)", "the advantage $Q(a) - V$"),
        Symbol("eps", r"\epsilon", "the clip range"),
        Symbol("E", r"\mathbb{E}_{\pi}", "`E(x)`: the mean of x when the policy now acts"),
        Symbol("E_old", r"\mathbb{E}_{\text{old}}", "`E_old(x)`: the mean when the old one acts"),
        Symbol("sum", r"\sum_a", "`sum(x)`: the sum over all actions"),
    ),
    shown=_show_bandit,
)


# --------------------------------------------------------------------------------- two decisions


def _mdp(params: Params, size: int) -> Scope:
    """Axes: cases, first action, state in between, second action."""
    cases, shape = len(params["r0"]), (len(params["r0"]), size, size, size)
    pi0 = _placed(policy(params["weights0"], params["direction0"]), (cases, size, 1, 1))
    pi1 = _placed(policy(params["weights1"], params["direction1"]), (cases, 1, size, size))
    moves = params["moves"] / params["moves"].sum(-1, keepdims=True)
    p = constant(moves.reshape(cases, size, size, 1))
    r0 = constant(params["r0"].reshape(cases, size, 1, 1))
    r1 = constant(params["r1"].reshape(cases, 1, size, size))
    gamma = constant(params["gamma"].reshape(cases, 1, 1, 1))
    v1 = _over(pi1 * r1, 3)
    q0 = r0 + gamma * _over(p * v1, 2)
    v0 = _over(pi0 * q0, 1)
    symbols = {"pi0": pi0, "pi1": pi1, "p": p, "r0": r0, "r1": r1, "gamma": gamma}
    values = {"Q0": q0, "V0": v0, "A0": q0 - v0, "Q1": r1, "V1": v1, "A1": r1 - v1}
    baselines = {
        "b0": constant(params["b0"].reshape(cases, 1, 1, 1)),
        "b1": constant(params["b1"].reshape(cases, 1, size, 1)),
    }
    return Scope(
        symbols={**symbols, **values, **baselines},
        operators={"E": expectation(pi0 * p * pi1, shape), "sum": total(shape)},
        axes=("the first action", "the state in between", "the second action"),
    )


def _placed(value: Value, shape: Shape) -> Value:
    assert value.slope is not None
    return Value(value.number.reshape(shape), value.slope.reshape(shape))


def _over(value: Value, axis: int) -> Value:
    assert value.slope is not None
    slope = np.broadcast_to(value.slope, value.number.shape)
    return Value(value.number.sum(axis, keepdims=True), slope.sum(axis, keepdims=True))


def _show_mdp(params: Params, size: int) -> list[tuple[str, Array]]:
    symbols = _mdp(params, size).symbols
    pairs = [("π0", "pi0"), ("p", "p"), ("π1", "pi1"), ("r0", "r0"), ("r1", "r1"), ("γ", "gamma")]
    shown = [(label, np.squeeze(symbols[name].number[0])) for label, name in pairs]
    moves = [("θ0 moves by", params["direction0"][0]), ("θ1 moves by", params["direction1"][0])]
    return [*shown, ("b0", params["b0"][0]), ("b1", params["b1"][0]), *moves]


MDP = World(
    name="mdp",
    words="Two decisions: an action $a_0$, then a state $s_1$, then an action $a_1$. "
    "`grad` is the derivative by the policy's parameters.",
    sizes=(2, 3),
    size_words="{size} actions and {size} states",
    quantities={
        "weights0": Quantity(lambda n: (n,), weight, WEIGHTS),
        "weights1": Quantity(lambda n: (n, n), weight, WEIGHTS),
        "direction0": Quantity(lambda n: (n,), real, REALS),
        "direction1": Quantity(lambda n: (n, n), real, REALS),
        "moves": Quantity(lambda n: (n, n), weight, WEIGHTS),
        "r0": Quantity(lambda n: (n,), real, REALS),
        "r1": Quantity(lambda n: (n, n), real, REALS),
        "gamma": Quantity(lambda n: (1,), share, (0.5,)),
        "b0": Quantity(lambda n: (1,), real, REALS),
        "b1": Quantity(lambda n: (n,), real, REALS),
    },
    scope=_mdp,
    symbols=(
        Symbol("pi0", r"\pi_0(a_0)", "the probability of the first action"),
        Symbol("p", r"p(s_1 \mid a_0)", "where the first action leads; no parameter is in it"),
        Symbol("pi1", r"\pi_1(a_1 \mid s_1)", "the probability of the second action"),
        Symbol("r0", "r_0", "the reward of the first action"),
        Symbol("r1", "r_1", "the reward of the second action in its state"),
        Symbol("gamma", r"\gamma", "the discount"),
        Symbol("Q0", "Q_0", r"$r_0 + \gamma\,\mathbb{E}[V_1]$, what the first action is worth"),
        Symbol("Q1", "Q_1", "what the second action is worth, here $r_1$"),
        Symbol("V0", "V_0", r"the mean of $Q_0$ under $\pi_0$"),
        Symbol("V1", "V_1", r"the mean of $Q_1$ under $\pi_1$ in that state"),
        Symbol("A0", "A_0", "$Q_0 - V_0$"),
        Symbol("A1", "A_1", "$Q_1 - V_1$"),
        Symbol("b0", "b_0", "a baseline: any number"),
        Symbol("b1", "b_1", "a baseline: any number of each state"),
        Symbol("E", r"\mathbb{E}", "`E(x)`: the mean over trajectories under the policy"),
        Symbol("sum", r"\sum", "`sum(x)`: the sum over all $a_0, s_1, a_1$"),
    ),
    shown=_show_mdp,
)


# ----------------------------------------------------------------------------------- an episode


def _episode(params: Params, size: int) -> Scope:
    gamma, lam = (constant(params[name]) for name in ("gamma", "lam"))
    r = {k: constant(params["r"][:, k, None]) for k in range(size)}
    v = {k: constant(params["V"][:, k, None]) for k in range(size + 1)}
    delta = {k: r[k] + gamma * v[k + 1] - v[k] for k in range(size)}
    advantage = {}
    gathered, discount = constant(0.0), constant(1.0)
    for n in range(1, size + 1):
        gathered = gathered + discount * r[n - 1]
        discount = discount * gamma
        advantage[n] = gathered + discount * v[n] - v[0]
    return Scope(
        symbols={"gamma": gamma, "lam": lam},
        families={"r": r, "V": v, "delta": delta, "A": advantage},
        functions=frozenset(),
        integers={"T": size},
    )


def _show_episode(params: Params, size: int) -> list[tuple[str, Array]]:
    labels = {"r": "r", "V": "V", "gamma": "γ", "lam": "λ"}
    return [(label, params[name][0]) for name, label in labels.items()]


EPISODE = World(
    name="episode",
    words="The rest of an episode of $T$ steps, seen from time 0: its rewards, and the critic's "
    "values.",
    sizes=(1, 2, 3, 4, 5, 6),
    size_words="T = {size}",
    quantities={
        "r": Quantity(lambda n: (n,), real, REALS),
        "V": Quantity(lambda n: (n + 1,), real, REALS),
        "gamma": Quantity(lambda n: (1,), share, (0.5,)),
        "lam": Quantity(lambda n: (1,), share, (0.5,)),
    },
    scope=_episode,
    symbols=(
        Symbol("r", "r_k", "`r(k)`: the reward of step $k$, from 0 to $T-1$"),
        Symbol("V", "V_k", "`V(k)`: the value at step $k$, from 0 to $T$"),
        Symbol("delta", r"\delta_k", r"`delta(k)`: $r_k + \gamma V_{k+1} - V_k$, from 0 to $T-1$"),
        Symbol(
            "A",
            "A^{(n)}",
            r"`A(n)`: the $n$-step advantage $\sum_{k<n}\gamma^k r_k + \gamma^n V_n - V_0$, "
            "from 1 to $T$",
        ),
        Symbol("T", "T", "the number of steps"),
        Symbol("gamma", r"\gamma", "the discount"),
        Symbol("lam", r"\lambda", "the weight of longer looks ahead"),
        Symbol("sum", r"\sum", "`sum(k, 0, T-1, x)`: the sum of x over k, both ends included"),
    ),
    shown=_show_episode,
)
