"""The visible examples: going through them, and writing one down as a call."""

from __future__ import annotations

import ast
from typing import Any

import torch

from ppolab.assessment.challenge import ChallengeFolder
from ppolab.assessment.checking import Ask, CheckFailed, require_value
from ppolab.assessment.examples import Example, matches, show, to_value


def check_examples(ask: Ask, challenge: ChallengeFolder) -> None:
    """Put every example to the submission, the smallest first; fail with the first that is wrong.

    An error that the submission raises on the way is told with the example, too.
    """
    for example in challenge.examples:
        case = call_of(challenge, example)
        positions = tuple(sorted(example.gradients))
        args = [to_value(argument) for argument in example.args]
        answer = ask(*args, gradient_of=positions)
        ask.latest_case = case
        try:
            value = require_value(answer, "a value")
        except CheckFailed as failure:
            raise CheckFailed(str(failure), case) from None
        if not matches(value, example.expected):
            raise CheckFailed(f"Expected {show(example.expected)}, got {show(value)}.", case)
        for index, position in enumerate(positions):
            name = argument_names(challenge)[position]
            _check_gradient(answer.gradients[index], example.gradients[position], name, case)


def _check_gradient(actual: Any, expected: Any, name: str, case: str) -> None:
    if actual is None:
        if matches(torch.zeros_like(to_value(expected)), expected):
            return  # a constant sends no gradient, and none is wanted
        words = f"The value is right, but no gradient for {name} comes back from it"
        raise CheckFailed(f"{words}; expected {show(expected)}.", case)
    if not matches(actual, expected):
        words = f"The value is right, but its gradient for {name} is not"
        raise CheckFailed(f"{words}. Expected {show(expected)}, got {show(actual)}.", case)


def call_of(challenge: ChallengeFolder, example: Example) -> str:
    """Write an example down as the call that it is, e.g. `f(rewards=[1, 2], gamma=0.5)`."""
    args = list(example.args)
    if challenge.kind == "class":
        settings, steps = args
        given = ", ".join(f"{name}={show(value)}" for name, value in settings.items())
        lines = [f"subject = {challenge.entry}({given})"]
        for name, *values in steps:
            calls = name in _methods(challenge)
            listed = ", ".join(show(value) for value in values)
            lines.append(f"subject.{name}({listed})" if calls else f"subject.{name}")
        return "\n".join(lines)
    entry = challenge.entry
    if "," in entry:
        entry, *args = args
    names = argument_names(challenge, entry)
    parts = [
        f"{names[i]}={show(value)}" if i < len(names) else show(value)
        for i, value in enumerate(args)
    ]
    return f"{entry}({', '.join(parts)})"


def argument_names(challenge: ChallengeFolder, entry: str | None = None) -> list[str]:
    """How the starter calls the arguments of a function."""
    for node in ast.walk(ast.parse(challenge.starter)):
        if isinstance(node, ast.FunctionDef) and node.name == (entry or challenge.entry):
            return [argument.arg for argument in node.args.args]
    return []


def _methods(challenge: ChallengeFolder) -> set[str]:
    """The methods of the starter's class, apart from its properties."""
    return {
        node.name
        for node in ast.walk(ast.parse(challenge.starter))
        if isinstance(node, ast.FunctionDef)
        and not any(getattr(mark, "id", "") == "property" for mark in node.decorator_list)
    }
