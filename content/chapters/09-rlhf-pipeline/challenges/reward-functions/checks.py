"""Checks of the challenge "reward functions of your own"."""

import math

import numpy as np

from ppolab.assessment.checking import Ask, CheckFailed, require_number, require_value


def rule(ask: Ask, response: str, answer: float, right: bool, hint: str) -> None:
    actual = require_number(ask("answer_reward", response, answer), "the reward")
    if actual != float(right):
        raise CheckFailed(hint)


def rule_last_number(ask: Ask, rng: np.random.Generator) -> None:
    a, b, c = (int(n) for n in rng.choice(np.arange(10, 99), size=3, replace=False))
    hint = "The last number of the response is its answer; numbers before it are reasoning."
    rule(ask, f"{a} plus {b}: first {a}, then {b}, which makes {c}", c, True, hint)
    rule(ask, f"{c}? No: {a}", c, False, hint)
    rule(ask, f"{c}? No: {a}", a, True, hint)
    rule(ask, f"{a} {b} {c} and so on", b, False, hint)
    # The right digits within a longer number.
    rule(ask, f"The answer is {a}{b}", b, False, hint)
    rule(ask, f"{a}", a + 1, False, hint)


def rule_spelling(ask: Ask, rng: np.random.Generator) -> None:
    n = int(rng.integers(1000, 9999))
    hint = (
        "Commas stand between thousands, a minus before a number and a point before decimals belong "
        "to it, and a full stop at the end of the sentence does not."
    )
    rule(ask, f"That makes {n:,} in all.", n, True, hint)
    rule(ask, f"That makes {n * 1000:,}.", n * 1000, True, hint)
    rule(ask, f"It is -{n}", -n, True, hint)
    rule(ask, f"It is -{n}", n, False, hint)
    rule(ask, f"About {n / 8:.3f} each.", n / 8, True, hint)
    rule(ask, f"About {n}.25 each", n, False, hint)
    rule(ask, f"It is {n}.", n, True, hint)


def rule_no_number(ask: Ask, rng: np.random.Generator) -> None:
    hint = "A response without a number, an empty one too, is worth 0, whatever the answer is."
    for response in ("", "none", "I - do, not. know"):
        rule(ask, response, int(rng.integers(0, 3)), False, hint)
        rule(ask, response, 0, False, hint)


def code(ask: Ask, program: str, cases: list[tuple[object, object]], share: float, hint: str) -> None:
    actual = require_number(ask("code_reward", program, cases), "the reward")
    if not math.isclose(actual, share, abs_tol=1e-9):
        raise CheckFailed(hint)


def numbers(rng: np.random.Generator, count: int) -> list[int]:
    return [int(n) for n in rng.choice(np.arange(1, 40), size=count, replace=False)]


def code_share(ask: Ask, rng: np.random.Generator) -> None:
    hint = "The reward is the number of cases that come out right, divided by the number of cases."
    xs = numbers(rng, 6)
    k = int(rng.integers(2, 9))
    program = f"def solve(x):\n    return {k} * x"
    code(ask, program, [(x, k * x) for x in xs], 1.0, hint)
    code(ask, program, [(x, k * x + (i < 2)) for i, x in enumerate(xs)], 4 / 6, hint)
    code(ask, program, [(x, -1) for x in xs], 0.0, hint)
    helper = f"k = {k}\ndef helper(x):\n    return k + x\ndef solve(x):\n    return helper(x)"
    code(ask, helper, [(x, k + x) for x in xs[:3]], 1.0, hint + " A program may have helpers.")


def code_errors(ask: Ask, rng: np.random.Generator) -> None:
    hint = (
        "A case in which the program raises anything, `exit()` and its kind as well, is a wrong "
        "one. The other cases still count, and your function returns a number."
    )
    xs = numbers(rng, 4)
    for failing in ("raise ValueError(x)", "return 1 / 0", "exit()", "raise KeyboardInterrupt"):
        program = f"def solve(x):\n    if x == {xs[1]}:\n        {failing}\n    return x"
        code(ask, program, [(x, x) for x in xs], 3 / 4, hint)


def code_broken(ask: Ask, rng: np.random.Generator) -> None:
    hint = "A program that cannot be loaded, or defines no `solve`, is worth 0 and raises nothing."
    cases: list[tuple[object, object]] = [(x, x) for x in numbers(rng, 3)]
    for program in ("def solve(x: return x", "1 / 0", "def other(x):\n    return x", "exit()", ""):
        code(ask, program, cases, 0.0, hint)
    # Nothing of a program may be left for the next one.
    code(ask, "def solve(x):\n    return x", cases, 1.0, hint)
    code(ask, "x = 1", cases, 0.0, hint + " Each program starts with a namespace of its own.")


def code_isolated(ask: Ask, rng: np.random.Generator) -> None:
    hint = (
        "A program that writes into its argument has changed what later cases are tested on, or "
        "what is compared. Hand it a copy that goes as deep as the data."
    )
    a, b, c = numbers(rng, 3)
    shared = [a, [b]]
    program = "def solve(x):\n    total = x[0] + sum(x[1])\n    x[1].append(5)\n    x[0] = 0\n    return total"
    answer = ask("code_reward", program, [(shared, a + b), (shared, a + b)], report_args=True)
    if not math.isclose(require_number(answer, "the reward"), 1.0):
        raise CheckFailed(hint)
    if len(answer.args) > 2 and answer.args[2] != [([a, [b]], a + b)] * 2:
        raise CheckFailed(hint)
    # What it returns is compared as it is, and a number equals no text.
    code(ask, "def solve(x):\n    return str(x)", [(c, c)], 0.0, "Compare with ==, as they are.")


def combined(
    ask: Ask, scores: dict[str, list[float]], weights: dict[str, float], hint: str
) -> None:
    count = len(next(iter(scores.values())))
    expected = np.zeros(count)
    for name, values in scores.items():
        column = np.array(values)
        if np.ptp(column) > 0:
            expected += weights.get(name, 0.0) * (column - column.mean()) / column.std()
    actual = require_value(ask("combined_reward", scores, weights), "a list of rewards")
    fits = isinstance(actual, list | tuple) and len(actual) == count
    if not fits or not all(type(value) in (int, float) for value in actual):
        raise CheckFailed("Return a list with one plain number for each response of the batch.")
    if not np.allclose(actual, expected, rtol=1e-6, atol=1e-9):
        raise CheckFailed(hint)


def drawn(rng: np.random.Generator, count: int, scale: float) -> list[float]:
    return [round(float(x), 4) for x in scale * (rng.normal(size=count) + rng.normal())]


def sources_standardised(ask: Ask, rng: np.random.Generator) -> None:
    for count in (2, 5, 8):
        scores = {"rule": drawn(rng, count, 1.0), "model": drawn(rng, count, 40.0)}
        weights = {"rule": round(float(rng.uniform(0.5, 2)), 3), "model": -0.7}
        combined(
            ask,
            scores,
            weights,
            "Each source is standardised by itself over the batch – minus its mean, divided by the "
            "root of its mean squared deviation – and then multiplied with its weight, as it is "
            "given. The weights need not add up to 1.",
        )


def sources_without_spread(ask: Ask, rng: np.random.Generator) -> None:
    hint = (
        "A source whose scores are all equal tells nothing about which response is better, and "
        "contributes 0 to each: no division by zero, and no score of its own."
    )
    value = round(float(rng.normal()), 4) + 2.0
    weights = {"rule": 3.0, "model": 1.0}
    combined(ask, {"rule": [value] * 4, "model": drawn(rng, 4, 10.0)}, weights, hint)
    combined(ask, {"rule": [value] * 4, "model": [0.0] * 4}, weights, hint)
    # A spread that is small is a spread.
    tiny = [value, value + 1e-3, value - 1e-3, value]
    combined(ask, {"rule": tiny, "model": drawn(rng, 4, 10.0)}, weights, hint + " A small spread "
             "is one, though: nothing is added to it.")


def sources_unknown(ask: Ask, rng: np.random.Generator) -> None:
    scores = {name: drawn(rng, 5, 3.0) for name in ("model", "length", "rule")}
    combined(
        ask,
        scores,
        {"rule": 1.5, "model": 0.5, "style": 2.0},
        "A source without a weight counts nothing, a weight without a source neither, and weights "
        "belong to names, not to places.",
    )
