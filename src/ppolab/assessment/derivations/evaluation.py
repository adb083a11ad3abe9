"""Evaluates a parsed line on many random cases of a world at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ppolab.assessment.derivations.language import (
    Call,
    LineError,
    Name,
    Negative,
    Node,
    Number,
    Operation,
)
from ppolab.assessment.derivations.values import FUNCTIONS, Array, Value, constant

MAX_WORK = 6000  # parts evaluated, over all terms of all sums
MAX_TERMS = 32  # of one sum


@dataclass(frozen=True)
class Scope:
    """What the names of a line mean on a group of cases.

    `axes` names what quantities of this world may depend on, in the order of their axes after the
    first, which runs over the cases; a line as a whole must depend on none of them.
    """

    symbols: Mapping[str, Value]
    # Indexed symbols: the value of each index that exists.
    families: Mapping[str, Mapping[int, Value]] = field(default_factory=dict)
    # Functions of this world alone, such as expectations.
    operators: Mapping[str, Callable[[Value], Value]] = field(default_factory=dict)
    functions: frozenset[str] = frozenset({"exp", "log", "min", "max", "abs", "grad"})
    integers: Mapping[str, int] = field(default_factory=dict)  # such as the length of an episode
    grid: Array | None = None  # points of an integral over the real line, [1, points]
    spacing: float = 0.0
    axes: tuple[str, ...] = ()

    @property
    def known(self) -> list[str]:
        """Every name that may stand in a line."""
        binding = ["sum"] if self.families else ["integral"] if self.grid is not None else []
        return sorted(
            {*self.symbols, *self.families, *self.operators, *self.functions, *self.integers}
            | set(binding)
        )


def evaluate(node: Node, scope: Scope) -> Array:
    """The values of a line, [cases]. Raises LineError where it has none."""
    with np.errstate(all="ignore"):  # what is not finite is told as a counter-example
        value = _Evaluator(scope).value(node, {})
    shape = value.number.shape
    free = [name for name, size in zip(scope.axes, shape[1:], strict=False) if size > 1]
    if free:
        raise LineError(
            f"The line still depends on {' and '.join(free)}. Take an expectation or a sum over it."
        )
    return value.number.reshape(shape[0]) if shape else value.number.reshape(1)


Bound = dict[str, Value]


class _Evaluator:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.work = 0

    def value(self, node: Node, bound: Bound) -> Value:
        self.work += 1
        if self.work > MAX_WORK:
            raise LineError("This line takes too much work: too many terms in its sums.")
        if isinstance(node, Number):
            return constant(node.value)
        if isinstance(node, Name):
            return self.named(node.name, bound)
        if isinstance(node, Negative):
            return -self.value(node.of, bound)
        if isinstance(node, Operation):
            left, right = self.value(node.left, bound), self.value(node.right, bound)
            return OPERATIONS[node.sign](left, right)
        return self.called(node, bound)

    def named(self, name: str, bound: Bound) -> Value:
        scope = self.scope
        if name in bound:
            return bound[name]
        if name in scope.symbols:
            return scope.symbols[name]
        if name in scope.integers:
            return constant(scope.integers[name])
        if name in scope.families:
            raise LineError(f"{name} needs an index, as in {name}(k).")
        if name in scope.known:
            raise LineError(f"{name} needs something in parentheses, as in {name}(…).")
        raise LineError(f"{name!r} is not known here. Known: {', '.join(scope.known)}.")

    def called(self, node: Call, bound: Bound) -> Value:
        scope, name, arguments = self.scope, node.name, node.arguments
        if name == "sum" and len(arguments) == 4 and scope.families:
            return self.sum(node, bound)
        if name == "integral" and scope.grid is not None:
            return self.integral(node, bound)
        if name in scope.families:
            (index,) = self.take(node, 1)
            return self.member(name, self.integer(index, bound))
        if name in scope.operators:
            (inside,) = self.take(node, 1)
            return scope.operators[name](self.value(inside, bound))
        if name in scope.functions:
            count, function = FUNCTIONS[name]
            return function(*(self.value(part, bound) for part in self.take(node, count)))
        if name in scope.symbols or name in scope.integers or name in bound:
            raise LineError(f"{name} is no function. Between it and '(' a * may be missing.")
        raise LineError(f"{name!r} is not known here. Known: {', '.join(scope.known)}.")

    def take(self, node: Call, count: int) -> tuple[Node, ...]:
        if len(node.arguments) != count:
            noun = "argument" if count == 1 else "arguments"
            raise LineError(f"{node.name} takes {count} {noun}, not {len(node.arguments)}.")
        return node.arguments

    def letter(self, node: Node) -> str:
        if not isinstance(node, Name):
            raise LineError("A sum or integral begins with its letter, as in sum(k, 0, T-1, …).")
        if node.name in self.scope.known:
            raise LineError(f"{node.name} has a meaning already. Take another letter.")
        return node.name

    def sum(self, node: Call, bound: Bound) -> Value:
        letter = self.letter(node.arguments[0])
        first = self.integer(node.arguments[1], bound)
        last = self.integer(node.arguments[2], bound)
        if last - first >= MAX_TERMS:
            raise LineError(f"This sum has over {MAX_TERMS} terms.")
        total = constant(0.0)
        for index in range(first, last + 1):
            total += self.value(node.arguments[3], {**bound, letter: constant(index)})
        return total

    def integral(self, node: Call, bound: Bound) -> Value:
        variable, body = self.take(node, 2)
        if bound:
            raise LineError("An integral within an integral is more than these lines can hold.")
        assert self.scope.grid is not None
        inside = self.value(body, {self.letter(variable): constant(self.scope.grid)})
        # A full grid also where the body does not depend on the letter.
        full = np.broadcast_arrays(inside.number, self.scope.grid)[0]
        slope = None
        if inside.slope is not None:
            slope = np.broadcast_arrays(inside.slope, full)[0].sum(-1, keepdims=True)
            slope = slope * self.scope.spacing
        return Value(full.sum(-1, keepdims=True) * self.scope.spacing, slope)

    def member(self, name: str, index: int) -> Value:
        family = self.scope.families[name]
        if index not in family:
            where = ", ".join(f"{key} = {size}" for key, size in self.scope.integers.items())
            raise LineError(
                f"{name}({index}) does not exist where {where}: the index goes from "
                f"{min(family)} to {max(family)}."
            )
        return family[index]

    def integer(self, node: Node, bound: Bound) -> int:
        value = self.value(node, bound).number
        if value.size != 1 or not float(value.reshape(-1)[0]).is_integer():
            raise LineError("An index or an end of a sum must be a whole number.")
        return int(value.reshape(-1)[0])


OPERATIONS: dict[str, Callable[[Value, Value], Value]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
}
