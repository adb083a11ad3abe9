"""The language of derivation lines: parsed here, run nowhere but in `evaluation`.

    line       = expression
    expression = term (("+" | "-") term)*
    term       = factor (("*" | "/") factor)*
    factor     = "-" factor | power
    power      = atom ("^" factor)?
    atom       = number | name | name "(" expression ("," expression)* ")" | "(" expression ")"

Two forms bind a letter: `sum(k, from, to, …)` and `integral(x, …)`. There are no attributes, no
strings, no assignments: nothing in it can reach the machine. Greek letters and other symbols may be
typed as they are. Length, depth and number of parts are limited.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LENGTH = 400  # characters of a line
MAX_DEPTH = 24
MAX_PARTS = 240

SPELLINGS = {
    "π": "pi", "γ": "gamma", "λ": "lam", "δ": "delta", "ε": "eps", "ϵ": "eps", "σ": "sigmoid",
    "Σ": "sum", "∑": "sum", "∫": "integral", "∇": "grad", "·": "*", "×": "*", "−": "-", "–": "-",
    "÷": "/", "[": "(", "]": ")", "{": "(", "}": ")", "₀": "0", "₁": "1",
}  # fmt: skip
ALIASES = {"lambda": "lam", "epsilon": "eps", "sigma": "sigmoid", "ln": "log", "D": "grad"}
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*|\.\d+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<mark>\*\*|[-+*/^(),]))"
)


class LineError(Exception):
    """A line that cannot be read or has no value; the message is for the learner."""


@dataclass(frozen=True)
class Number:
    """A number as written."""

    value: float


@dataclass(frozen=True)
class Name:
    """A symbol or a bound letter."""

    name: str


@dataclass(frozen=True)
class Call:
    """A function or an indexed symbol, such as log(x) or V(k + 1)."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Negative:
    """Minus something."""

    of: Node


@dataclass(frozen=True)
class Operation:
    """left + right, and so on with - * / ^."""

    sign: str
    left: Node
    right: Node


Node = Number | Name | Call | Negative | Operation


def parse(text: str) -> Node:
    """Parse a line. Raises LineError with what is wrong and where."""
    if len(text) > MAX_LENGTH:
        raise LineError(f"This line has {len(text)} characters; at most {MAX_LENGTH} are read.")
    plain = "".join(SPELLINGS.get(character, character) for character in text)
    parser = _Parser(_tokens(plain))
    node = parser.expression(0)
    parser.expect_end()
    return node


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            odd = text[position:].strip()[0]
            raise LineError(f"{odd!r} is not part of the language of lines.")
        token = match.group().strip()
        name = match["name"]
        found.append(ALIASES.get(token, token) if name else token.replace("**", "^"))
        position = match.end()
    return found


class _Parser:
    """Recursive descent over tokens, with a limit on depth and on the number of parts."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0
        self.parts = 0

    @property
    def next(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        token = self.next
        self.position += 1
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise LineError(f"This line has over {MAX_PARTS} parts. Write it shorter.")
        return token

    def expect(self, mark: str) -> None:
        if self.next != mark:
            came = repr(self.next) if self.next else "the end of the line"
            raise LineError(f"Expected {mark!r} {self.after()}, but {came} came.")
        self.take()

    def expect_end(self) -> None:
        if self.next == ")":
            raise LineError(f"A ')' {self.after()} closes nothing.")
        if self.next:
            raise LineError(
                f"Between {self.tokens[self.position - 1]!r} and {self.next!r} a sign is missing, "
                "such as *."
            )

    def after(self) -> str:
        return f"after {' '.join(self.tokens[max(0, self.position - 3) : self.position])!r}"

    def expression(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise LineError(f"This line is nested more than {MAX_DEPTH} deep. Write it flatter.")
        left = self.term(depth)
        while self.next in ("+", "-"):
            left = Operation(self.take(), left, self.term(depth))
        return left

    def term(self, depth: int) -> Node:
        left = self.factor(depth)
        while self.next in ("*", "/"):
            left = Operation(self.take(), left, self.factor(depth))
        return left

    def factor(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise LineError(f"This line is nested more than {MAX_DEPTH} deep. Write it flatter.")
        if self.next == "-":
            self.take()
            return Negative(self.factor(depth + 1))
        if self.next == "+":
            self.take()
            return self.factor(depth + 1)
        base = self.atom(depth)
        if self.next == "^":
            self.take()
            return Operation("^", base, self.factor(depth + 1))
        return base

    def atom(self, depth: int) -> Node:
        token = self.take()
        if token == "(":
            inner = self.expression(depth + 1)
            self.expect(")")
            return inner
        if token[:1].isdigit() or token[:1] == ".":
            return Number(float(token))
        if token[:1].isalpha():
            if self.next != "(":
                return Name(token)
            self.take()
            arguments = [self.expression(depth + 1)]
            while self.next == ",":
                self.take()
                arguments.append(self.expression(depth + 1))
            self.expect(")")
            return Call(token, tuple(arguments))
        if not token:
            raise LineError("The line ends where a symbol or number is due.")
        self.position -= 1
        raise LineError(f"A symbol or number is due before {token!r}.")


def names_in(node: Node) -> set[str]:
    """Every name in a line: symbols, functions and bound letters."""
    return {part.name for part in walk(node) if isinstance(part, Name | Call)}


def walk(node: Node) -> list[Node]:
    """A line's parts, outer before inner."""
    found: list[Node] = [node]
    if isinstance(node, Call):
        for argument in node.arguments:
            found += walk(argument)
    elif isinstance(node, Negative):
        found += walk(node.of)
    elif isinstance(node, Operation):
        found += walk(node.left) + walk(node.right)
    return found
