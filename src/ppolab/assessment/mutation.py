"""Mutants made by machine: a right solution with one small change, which some check must refuse.

Hand-written mutants are the mistakes that people make; these are all the slips of one kind that the
solution's text allows. What no check can refuse is either a hole in the checks or a change that
changes nothing; `survivors.yaml` holds the reason for each of the latter, by its name.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

Swap = dict[type[ast.AST], tuple[type[ast.AST], ...]]

OPERATORS: Swap = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
}
COMPARISONS: Swap = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
NAMES = {
    "mean": "sum",
    "sum": "mean",
    "min": "max",
    "max": "min",
    "minimum": "maximum",
    "maximum": "minimum",
    "zeros_like": "ones_like",
    "deepcopy": "copy",
}
DROPPED = {"detach", "abs", "exp", "log", "sqrt", "clone", "reversed", "square"}  # calls left out


@dataclass(frozen=True)
class MachineMutant:
    """A solution with one change; the name is its line and what became of what."""

    name: str
    source: str


def machine_mutants(solution: str) -> list[MachineMutant]:
    """Every mutant of a solution, each different from the solution and from the others."""
    tree = ast.parse(solution)
    seen = {ast.unparse(tree)}
    found: dict[str, MachineMutant] = {}
    for index, node in enumerate(ast.walk(tree)):
        for changed in _changes(node):
            mutated = copy.deepcopy(tree)
            target = list(ast.walk(mutated))[index]
            _put(mutated, target, changed)
            source = ast.unparse(ast.fix_missing_locations(mutated))
            if source in seen:
                continue
            seen.add(source)
            name = f"line {getattr(node, 'lineno', 0)}: {_line(node)} → {_line(changed)}"
            found[name] = MachineMutant(name, source + "\n")
    return list(found.values())


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    """What one node may become."""
    if isinstance(node, ast.BinOp):
        for operator in OPERATORS.get(type(node.op), ()):
            yield ast.BinOp(node.left, operator(), node.right)  # type: ignore[arg-type]
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for comparison in COMPARISONS.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [comparison()], node.comparators)  # type: ignore[list-item]
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        if not isinstance(node.value, bool):
            yield ast.Constant(node.value + 1)
            if node.value == 1:
                yield ast.Constant(0)
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield ast.Attribute(node.value, NAMES[node.attr], node.ctx)
    elif isinstance(node, ast.Name) and node.id in NAMES and isinstance(node.ctx, ast.Load):
        yield ast.Name(NAMES[node.id], node.ctx)
    elif isinstance(node, ast.AugAssign | ast.Expr) and not _is_text(node):
        yield ast.Pass()
    elif isinstance(node, ast.FunctionDef) and node.decorator_list:
        plain = copy.deepcopy(node)
        plain.decorator_list = []
        yield plain
    elif isinstance(node, ast.If):
        yield ast.If(ast.Constant(False), node.body, node.orelse)
    if isinstance(node, ast.Call):
        yield from _without_call(node)


def _without_call(call: ast.Call) -> Iterator[ast.AST]:
    if isinstance(call.func, ast.Attribute) and call.func.attr in DROPPED and not call.args:
        yield call.func.value
    elif len(call.args) == 1 and _name_of(call.func) in DROPPED:
        yield call.args[0]


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _put(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """Replace a node wherever it hangs in the tree."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, copy.deepcopy(new))
                return
            if isinstance(value, list):
                for place, item in enumerate(value):
                    if item is old:
                        value[place] = copy.deepcopy(new)
                        return


def _line(node: ast.AST) -> str:
    """A node on one line; of a definition its head alone."""
    if isinstance(node, ast.FunctionDef):
        marks = "".join(f"@{ast.unparse(mark)} " for mark in node.decorator_list)
        return f"{marks}def {node.name}"
    return " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
