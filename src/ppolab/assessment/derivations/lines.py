"""Checks a chain of typed lines: each must follow from the one before, on every random case.

The first line that does not is named, with the smallest case found on which it fails.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ppolab.assessment.derivations.evaluation import Scope, evaluate
from ppolab.assessment.derivations.language import Call, LineError, Node, names_in, parse, walk
from ppolab.assessment.derivations.tex import tex_of
from ppolab.assessment.derivations.values import Array
from ppolab.assessment.derivations.worlds import Params, World

CASES = 200
MAX_LINES = 24
TOLERANCE = 1e-8  # relative to the larger of the two; rounding of these few sums is below 1e-12
PLAIN = 1e-3  # a counter-example stays at least this far apart while it is made smaller
SIGNS = {">=": ">=", "<=": "<=", "≥": ">=", "≤": "<=", "=": "="}
Relation = Literal["=", ">=", "<="]
LineStatus = Literal["right", "wrong", "unreadable", "not checked"]


@dataclass(frozen=True)
class Form:
    """The form that the last line must have: which names it must and must not hold."""

    words: str
    requires: frozenset[str] = frozenset()
    forbids: frozenset[str] = frozenset()
    gradients_of: Literal["anything", "logarithms", "symbols"] = "anything"
    sums: int | None = None  # at most so many

    def missing(self, node: Node) -> str | None:
        """What a line lacks of this form, in words; None where it has it."""
        names = names_in(node)
        absent, surplus = sorted(self.requires - names), sorted(self.forbids & names)
        if absent:
            return f"it does not use {', '.join(absent)} yet"
        if surplus:
            return f"it still uses {', '.join(surplus)}"
        calls = [part for part in walk(node) if isinstance(part, Call)]
        if self.sums is not None and sum(call.name == "sum" for call in calls) > self.sums:
            return "it still has more sums than it needs"
        for inside in (call.arguments[0] for call in calls if call.name == "grad"):
            is_log = isinstance(inside, Call) and inside.name == "log"
            if self.gradients_of == "logarithms" and not is_log:
                return "a gradient in it is not that of a log-probability"
            if self.gradients_of == "symbols" and len(walk(inside)) > 1:
                return "a gradient in it is still that of an expression"
        return None


@dataclass(frozen=True)
class Mistake:
    """A line that a wrong idea leads to, and what to tell whoever writes it."""

    line: str
    belief: str


@dataclass(frozen=True)
class Chain:
    """A chain of lines from a given start to a goal."""

    name: str
    start: str
    target: str  # an expression of the goal; any equal one in the right form will do
    form: Form
    relations: tuple[Relation, ...] = ("=",)
    mistakes: tuple[Mistake, ...] = ()
    proofs: tuple[tuple[str, ...], ...] = ()  # chains that must be accepted


@dataclass(frozen=True)
class CounterExample:
    """A case on which a line does not follow, its quantities, and what the two lines come to."""

    size: str
    quantities: tuple[tuple[str, str], ...]
    before: str
    line: str


@dataclass(frozen=True)
class LineVerdict:
    """How a line was found."""

    status: LineStatus
    words: str
    tex: str = ""
    relation: Relation = "="
    example: CounterExample | None = None


@dataclass(frozen=True)
class ChainVerdict:
    """How a chain was found; `reached` when its last line is the goal."""

    lines: tuple[LineVerdict, ...]
    reached: bool
    words: str


Group = tuple[int, Params, Scope]


def draw_groups(world: World, seed: int, cases: int = CASES) -> list[Group]:
    """About `cases` random cases, in groups of one size, the smallest first."""
    rng = np.random.default_rng(seed)
    each = -(-cases // len(world.sizes))
    drawn = [(size, world.draw(rng, size, each)) for size in world.sizes]
    return [(size, params, world.scope(params, size)) for size, params in drawn]


def check_chain(world: World, chain: Chain, lines: list[str], seed: int) -> ChainVerdict:
    """Check lines one after another, up to the first that does not follow.

    Blank lines are left out. Whatever a learner types ends in a verdict, never in an error.
    """
    texts = [line for line in lines if line.strip()]
    if not texts:
        return ChainVerdict((), False, "Write the first line.")
    checker = _Checker(world, chain, draw_groups(world, seed))
    found: list[LineVerdict] = []
    for number, text in enumerate(texts[:MAX_LINES], 1):
        verdict = checker.next_line(text)
        found.append(verdict)
        if verdict.status != "right":
            rest = [LineVerdict("not checked", "")] * (len(texts[:MAX_LINES]) - number)
            return ChainVerdict((*found, *rest), False, f"Line {number}: {verdict.words}")
    if len(texts) > MAX_LINES:
        return ChainVerdict(tuple(found), False, f"At most {MAX_LINES} lines are read.")
    missing = checker.missing()
    words = missing or "Every line holds, and the last one is the goal."
    return ChainVerdict(tuple(found), missing is None, words)


class _Checker:
    """Goes along a chain, remembering the last line that holds."""

    def __init__(self, world: World, chain: Chain, groups: list[Group]) -> None:
        self.world = world
        self.chain = chain
        self.groups = groups
        self.last = parse(chain.start)
        self.direction: Relation = "="  # of the inequalities so far

    def next_line(self, text: str) -> LineVerdict:
        """Hold one line against the last that holds."""
        relation, expression = split_relation(text)
        turned = relation != "=" and self.direction not in ("=", relation)
        if relation not in self.chain.relations or turned:
            allowed = " or ".join(self.chain.relations)
            words = "Inequalities of one chain must all point the same way."
            return LineVerdict("unreadable", words if turned else f"A line begins with {allowed}.")
        try:
            node = parse(expression)
            case = self.difference(self.last, node, relation)
            tex = tex_of(node, self.world)
            if case is not None:
                example = smallest(self.world, self.last, node, relation, *case)
                words = self.belief(relation, node) or WRONG[relation]
                return LineVerdict("wrong", words, tex, relation, example)
        except LineError as error:
            return LineVerdict("unreadable", str(error), relation=relation)
        self.last = node
        if relation != "=":
            self.direction = relation
        count = sum(len(next(iter(params.values()))) for _, params, _ in self.groups)
        return LineVerdict("right", f"Holds on {count} random cases.", tex, relation)

    def missing(self) -> str | None:
        """What the last line lacks to be the goal; None where it is."""
        if self.difference(parse(self.chain.target), self.last, "=") is not None:
            # Every line holds, so only an inequality can have led away from the goal.
            return "Every line holds, but an inequality gave away too much: this is not the goal."
        missing = self.chain.form.missing(self.last)
        return missing and f"Every line holds. The last one is not the goal yet: {missing}."

    def belief(self, relation: Relation, node: Node) -> str | None:
        """What to tell whoever wrote a line that a known wrong idea leads to."""
        for mistake in self.chain.mistakes:
            known_relation, known = split_relation(mistake.line)
            if known_relation == relation and self.same(parse(known), node):
                return mistake.belief
        return None

    def same(self, known: Node, node: Node) -> bool:
        """Whether two lines agree on every case, also on where they have no value."""
        pairs = ((evaluate(known, scope), evaluate(node, scope)) for _, _, scope in self.groups)
        return all(
            bool((~_broken(a, b, "=") | (~np.isfinite(a) & ~np.isfinite(b))).all())
            for a, b in pairs
        )

    def difference(self, before: Node, line: Node, relation: Relation) -> tuple[int, Params] | None:
        """The first case on which a line does not follow, with its size; None where it does."""
        for size, params, scope in self.groups:
            broken = _broken(evaluate(before, scope), evaluate(line, scope), relation)
            if broken.any():
                at = int(np.argmax(broken)) if broken.size > 1 else 0
                return size, {name: values[at : at + 1] for name, values in params.items()}
        return None


WRONG: dict[Relation, str] = {
    "=": "This is not equal to the line before.",
    ">=": "The line before should be at least this, and is not always.",
    "<=": "The line before should be at most this, and is not always.",
}


def split_relation(text: str) -> tuple[Relation, str]:
    """Part a line from the sign it begins with; without one it says "="."""
    text = text.strip()
    for sign, relation in SIGNS.items():
        if text.startswith(sign):
            return relation, text[len(sign) :]  # type: ignore[return-value]
    return "=", text


def _broken(before: Array, line: Array, relation: Relation) -> NDArray[np.bool_]:
    """On which cases `before relation line` does not hold; not where either is not finite."""
    margin = TOLERANCE * (1 + np.maximum(np.abs(before), np.abs(line)))
    with np.errstate(invalid="ignore"):
        gap = before - line
        too_far: Any = {"=": np.abs(gap), ">=": -gap, "<=": gap}[relation]
        holds: NDArray[np.bool_] = too_far <= margin
    return ~holds


def smallest(
    world: World, before: Node, line: Node, relation: Relation, size: int, params: Params
) -> CounterExample:
    """Make a case plainer, entry by entry, as long as the line still fails on it."""

    def values(candidate: Params) -> tuple[Array, Array]:
        scope = world.scope(candidate, size)
        return evaluate(before, scope)[:1], evaluate(line, scope)[:1]

    def fails(candidate: Params) -> bool:
        was, now = values(candidate)
        clearly = not abs(float(now[0]) - float(was[0])) < PLAIN
        return clearly and bool(_broken(was, now, relation)[0])

    if fails(params):
        for name, quantity in world.quantities.items():
            for place in np.ndindex(params[name].shape):
                for plain in quantity.plain:
                    if params[name][place] == plain:
                        break
                    changed = params[name].copy()
                    changed[place] = plain
                    if fails({**params, name: changed}):
                        params = {**params, name: changed}
                        break
    was, now = values(params)
    shown = tuple((label, numbers(value)) for label, value in world.shown(params, size))
    return CounterExample(world.size_words.format(size=size), shown, numbers(was), numbers(now))


def numbers(values: Array) -> str:
    """An array for people, with four significant digits; one number without brackets."""
    if values.size == 1:
        return f"{float(values.reshape(-1)[0]):.4g}".replace("-", "−")
    return "[" + ", ".join(numbers(np.asarray(part)) for part in values) + "]"


def without_mistakes(chain: Chain) -> Chain:
    """The chain without its known mistakes, to prove that those fail by themselves."""
    return replace(chain, mistakes=())
