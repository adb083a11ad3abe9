"""Proves with SymPy that lines are equal. Run as a program of its own, apart from everything.

Reads {"world": …, "pairs": [[before, line], …]} as JSON on standard input, where a line is a tree
of lists (`symbolic.as_lists`); writes one line of JSON for each pair: true where it was proved. It
is ended from outside when it takes too long; what it wrote until then stands.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import sympy as sp

Tree = list[Any]
Names = dict[str, Any]

MEMORY = 2 * 1024**3  # bytes
LENGTHS = (1, 2, 3, 4)  # episodes of these lengths are written out


def main() -> None:
    """Try one pair after another."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.load(sys.stdin)
    proves = {"episode": equal_in_episodes, "pair": equal_for_a_pair}[asked["world"]]
    for before, line in asked["pairs"]:
        try:
            proved = bool(proves(before, line))
        except (NotImplementedError, KeyError, RecursionError, MemoryError):
            proved = False
        print(json.dumps(proved), flush=True)


def equal_in_episodes(before: Tree, line: Tree) -> bool:
    """Whether two lines are one polynomial, for each length."""
    for length in LENGTHS:
        names = episode(length)
        difference = write(before, names) - write(line, names)
        if sp.cancel(sp.expand(difference)) != 0:
            return False
    return True


def episode(length: int) -> Names:
    """The symbols of an episode of this length."""
    gamma, lam = sp.symbols("gamma lam", positive=True)
    r, v = sp.symbols(f"r0:{length}"), sp.symbols(f"V0:{length + 1}")
    delta = {k: r[k] + gamma * v[k + 1] - v[k] for k in range(length)}
    advantage = {
        n: sum(gamma**k * r[k] for k in range(n)) + gamma**n * v[n] - v[0]
        for n in range(1, length + 1)
    }
    families = {"r": dict(enumerate(r)), "V": dict(enumerate(v)), "delta": delta, "A": advantage}
    return {"gamma": gamma, "lam": lam, "T": sp.Integer(length), **families}


def equal_for_a_pair(before: Tree, line: Tree) -> bool:
    """Whether two lines without integrals are one function of the utilities."""
    t = sp.Symbol("t")
    names: Names = {"t": t}
    for name in ("u_w", "u_l"):
        names[name] = sp.Symbol(name, real=True) + t * sp.Symbol(f"d{name}", real=True)
    difference = (write(before, names) - write(line, names)).subs(t, 0)
    return bool(sp.simplify(difference.rewrite(sp.exp)) == 0)


def write(tree: Tree, names: Names) -> Any:
    """Turn a tree into a SymPy expression."""
    kind, *parts = tree
    if kind == "number":
        return sp.nsimplify(parts[0], rational=True)
    if kind == "name":
        return names[parts[0]]
    if kind == "negative":
        return -write(parts[0], names)
    if kind == "operation":
        sign, left, right = parts[0], write(parts[1], names), write(parts[2], names)
        return {
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
            "/": lambda: left / right,
            "^": lambda: left**right,
        }[sign]()
    return call(parts[0], parts[1], names)


def call(name: str, arguments: list[Tree], names: Names) -> Any:
    """Turn a function, a sum or an indexed symbol into a SymPy expression."""
    if name == "sum":
        letter = arguments[0][1]
        first, last = (int(write(end, names)) for end in arguments[1:3])
        terms = (
            write(arguments[3], {**names, letter: sp.Integer(k)}) for k in range(first, last + 1)
        )
        return sum(terms, sp.Integer(0))
    (inside,) = (write(argument, names) for argument in arguments)
    if name in names:
        return names[name][int(inside)]
    if name == "exp":
        return sp.exp(inside)
    if name == "log":
        return sp.log(inside)
    if name == "sigmoid":
        return 1 / (1 + sp.exp(-inside))
    if name == "grad":
        return sp.diff(inside, names["t"])
    raise NotImplementedError(name)


if __name__ == "__main__":
    main()
