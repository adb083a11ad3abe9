"""Checks of the challenge "an adaptive KL controller"."""

import math

import numpy as np

from ppolab.assessment.checking import Ask, CheckFailed, require_value

Steps = list[tuple[float, int]]


def expected(coefficient: float, target: float, horizon: int, steps: Steps) -> list[float]:
    """The coefficient after each step, from the formula."""
    course = []
    for observed, samples in steps:
        if math.isfinite(observed):
            error = float(np.clip((observed - target) / target, -0.2, 0.2))
            coefficient = coefficient + coefficient * error * samples / horizon
        course.append(coefficient)
    return course


def draw(rng: np.random.Generator) -> tuple[float, float, int]:
    return (
        round(float(rng.uniform(0.05, 2.0)), 4),
        round(float(rng.uniform(0.5, 8.0)), 3),
        int(rng.integers(500, 5000)),
    )


def check(ask: Ask, settings: tuple[float, float, int], steps: Steps, hint: str) -> None:
    named = dict(zip(("coefficient", "target", "horizon"), settings, strict=True))
    calls: list[list[object]] = []
    for observed, samples in steps:
        calls += [["update", observed, samples], ["coefficient"]]
    answer = require_value(ask(named, calls), "the coefficients")
    course = answer[1::2]
    for actual, right in zip(course, expected(*settings, steps), strict=True):
        if isinstance(actual, bool) or not isinstance(actual, int | float):
            kind = type(actual).__name__
            raise CheckFailed(f"`coefficient` should be a number, but it is a {kind}.")
        if not math.isclose(actual, right, rel_tol=1e-9):
            raise CheckFailed(hint)


def small_errors(rng: np.random.Generator, target: float, count: int) -> list[float]:
    """KLs within the limit of the error, on both sides of the target and away from it."""
    signs = np.where(np.arange(count) % 2, -1, 1)
    return [float(target * (1 + s * rng.uniform(0.05, 0.17))) for s in signs]


def beginning(ask: Ask, rng: np.random.Generator) -> None:
    coefficient, target, horizon = draw(rng)
    answer = require_value(
        ask({"coefficient": coefficient, "target": target, "horizon": horizon}, [["coefficient"]]),
        "the coefficient",
    )
    if answer != [coefficient]:
        raise CheckFailed(
            "Before any update the attribute `coefficient` is the one that was given."
        )


def direction(ask: Ask, rng: np.random.Generator) -> None:
    settings = draw(rng)
    _, target, horizon = settings
    for kl in small_errors(rng, target, 4):
        check(
            ask,
            settings,
            [(kl, horizon // 4)],
            "A KL above the target makes the coefficient larger, one below it smaller, both by the "
            "formula.",
        )


def relative_error(ask: Ask, rng: np.random.Generator) -> None:
    for target in (0.05, 40.0):
        coefficient, _, horizon = draw(rng)
        for kl in small_errors(rng, target, 2):
            check(
                ask,
                (coefficient, target, horizon),
                [(kl, horizon // 3)],
                "With a much smaller or larger target the update is wrong. The error is KL divided "
                "by the target, minus 1: a KL that is 10 % too high is the same error for every "
                "target.",
            )


def clipped_error(ask: Ask, rng: np.random.Generator) -> None:
    settings = draw(rng)
    _, target, horizon = settings
    for factor in (rng.uniform(1.3, 9), rng.uniform(0.0, 0.7), rng.uniform(30, 90)):
        for samples in (horizon // 10, horizon):
            check(
                ask,
                settings,
                [(float(target * factor), samples)],
                "A KL far from the target counts as an error of 0.2 or −0.2. The limit is on the "
                "error, before samples and horizon.",
            )


def samples_and_horizon(ask: Ask, rng: np.random.Generator) -> None:
    settings = draw(rng)
    _, target, horizon = settings
    for samples in (1, horizon // 7, horizon):
        kl = small_errors(rng, target, 1)[0]
        check(
            ask,
            settings,
            [(kl, samples)],
            "The same KL moves the coefficient twice as far on twice as many samples, and half as "
            "far with twice the horizon.",
        )


def memory(ask: Ask, rng: np.random.Generator) -> None:
    settings = draw(rng)
    _, target, horizon = settings
    kls = [*small_errors(rng, target, 4), 5 * target, 0.1 * target]
    check(
        ask,
        settings,
        [(kl, int(rng.integers(horizon // 10, horizon // 2))) for kl in kls],
        "Over several updates the coefficient is wrong. Each one multiplies what the one before it "
        "left, with its own samples.",
    )


def negative_estimates(ask: Ask, rng: np.random.Generator) -> None:
    settings = draw(rng)
    _, target, horizon = settings
    kls = [-0.3 * target, -1.1 * target, -3 * target, 0.0]
    check(
        ask,
        settings,
        [(float(kl), horizon // 5) for kl in kls],
        "An estimate of the KL that is negative, or 0, lies below the target like any other that "
        "does: the coefficient falls.",
    )


def not_finite(ask: Ask, rng: np.random.Generator) -> None:
    settings = draw(rng)
    _, target, horizon = settings
    for odd in (math.nan, math.inf, -math.inf):
        check(
            ask,
            settings,
            [(odd, horizon // 2), (1.1 * target, horizon // 4), (odd, horizon)],
            "A KL that is NaN or infinite tells nothing: the coefficient stays as it is, and the "
            "updates that follow go on from there.",
        )


def two_controllers(ask: Ask, rng: np.random.Generator) -> None:
    # Two cases run in the same process: what one leaves in the class, the next one would find.
    first, second = draw(rng), draw(rng)
    hint = (
        "A second controller with other settings is wrong after a first one was used. Keep what "
        "changes in `self`, not in the class or the module."
    )
    check(ask, first, [(float(1.1 * first[1]), first[2] // 2)] * 3, hint)
    check(ask, second, [(float(0.9 * second[1]), second[2] // 2)] * 3, hint)
    check(ask, first, [(float(0.9 * first[1]), first[2] // 2)] * 2, hint)


def never_negative(ask: Ask, rng: np.random.Generator) -> None:
    settings = draw(rng)
    horizon = settings[2]
    check(
        ask,
        settings,
        [(0.0, horizon)] * 60 + [(1e6, horizon)] * 3,
        "After many updates in one direction the coefficient is wrong: it shrinks by a fifth each "
        "time at most, never to 0 or below, and grows again from there.",
    )
