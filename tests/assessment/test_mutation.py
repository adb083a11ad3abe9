"""Mutants made by machine: which there are, and what a report says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ppolab.assessment import load_challenge, mutation_report
from ppolab.assessment.mutation import machine_mutants
from ppolab.sandbox import Backend

DISCOUNTED = (
    Path(__file__).parents[2]
    / "content/chapters/06-advantage-estimation/challenges/discounted-returns"
)


def test_every_operator_number_and_call_is_changed_once() -> None:
    made = {
        mutant.name: mutant.source for mutant in machine_mutants("x = -a.abs() * 2 < b.mean()\n")
    }
    assert made == {
        "line 1: -a.abs() * 2 < b.mean() → -a.abs() * 2 <= b.mean()": (
            "x = -a.abs() * 2 <= b.mean()\n"
        ),
        "line 1: -a.abs() * 2 < b.mean() → -a.abs() * 2 >= b.mean()": (
            "x = -a.abs() * 2 >= b.mean()\n"
        ),
        "line 1: -a.abs() * 2 → -a.abs() / 2": "x = -a.abs() / 2 < b.mean()\n",
        "line 1: -a.abs() → a.abs()": "x = a.abs() * 2 < b.mean()\n",
        "line 1: a.abs() → a": "x = -a * 2 < b.mean()\n",
        "line 1: 2 → 3": "x = -a.abs() * 3 < b.mean()\n",
        "line 1: b.mean → b.sum": "x = -a.abs() * 2 < b.sum()\n",
    }


def test_statements_and_decorators_are_left_out_and_texts_are_not() -> None:
    source = '@mark\ndef f(x):\n    """Words."""\n    if x:\n        x += y\n    return x\n'
    names = [mutant.name for mutant in machine_mutants(source)]
    assert names == [
        "line 2: @mark def f → def f",
        "line 4: if x: x += y → if False: x += y",
        "line 5: x += y → pass",
    ]


@pytest.mark.sandbox
def test_a_report_tells_survivors_from_those_that_are_argued(backend: Backend) -> None:
    challenge = load_challenge(DISCOUNTED)
    report = mutation_report(challenge, backend, seeds=(1,))
    assert (report.refused, report.survivors, report.score) == (report.total, (), 1.0)
    # A statement without an effect survives; an argument for what is refused is stale.
    idle = challenge.solution.replace("    return returns", "    len(returns)\n    return returns")
    reason = {"line 11: len(returns) → pass": "It does nothing.", "line 1: gone": "It is."}
    holed = replace(challenge, solution=idle)
    report = mutation_report(holed, backend, seeds=(1,))
    assert report.survivors == ("line 11: len(returns) → pass",)
    assert report.score == report.refused / report.total < 1
    report = mutation_report(replace(holed, survivors=reason), backend, seeds=(1,))
    assert (report.survivors, report.stale, report.score) == ((), ("line 1: gone",), 1.0)
