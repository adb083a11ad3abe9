"""Proves that a question marks right, wrong and invalid answers as such, on many seeds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass

from ppolab.assessment.questions.choices import Choice, Ordering, Prediction
from ppolab.assessment.questions.folder import Question
from ppolab.assessment.questions.numbers import Numeric
from ppolab.assessment.questions.variant import Answer, Ask, FreeText, MarkVerdict, Variant

MIN_VARIANTS = 5  # distinct ones among the seeds, where a question draws anything
BALANCE_SEEDS = 400
# The share of seeds on which the right option may stand in one place, over its fair share; with
# 400 seeds and 4 options a fair shuffle stays under 1.3 in all but one of a hundred thousand.
MOST_UNFAIR = 1.45


@dataclass(frozen=True)
class Flaw:
    """Something wrong with a question, in words."""

    question: str
    problem: str


def check_question(question: Question, seeds: tuple[int, ...] = tuple(range(50))) -> list[Flaw]:
    """List what is wrong with a question; an empty list means that its marks can be trusted."""
    problems: list[str] = []
    asked: set[str] = set()
    variant: Variant | None = None
    for seed in seeds:
        try:
            variant = question.variant(seed)
            problems += [f"seed {seed}: {problem}" for problem in _check_variant(variant, seed)]
            asked.add(repr(_content(variant.ask(seed))))
            if question.variant(seed).ask(seed) != variant.ask(seed):
                problems.append(f"seed {seed}: the same seed gives another variant")
        except Exception as error:  # whatever a file does wrong is a finding, not a crash
            problems.append(f"seed {seed}: it fails with {error!r}")
    drawn = variant is not None and not isinstance(variant, FreeText | Ordering)
    if drawn and len(asked) < min(MIN_VARIANTS, len(seeds)):
        problems.append(f"only {len(asked)} variants in {len(seeds)} seeds")
    if isinstance(variant, Choice):
        problems += _check_balance(variant)
    return [Flaw(question.slug, problem) for problem in dict.fromkeys(problems)]


def _content(ask: Ask) -> tuple[object, ...]:
    """What is asked, apart from its order."""
    return (ask.prompt, ask.unit, sorted(ask.options), ask.settings, ask.demands)


def _check_variant(variant: Variant, seed: int) -> Iterator[str]:
    examples = variant.examples()
    yield from _check_marks(variant, examples.right, "right")
    yield from _check_marks(variant, examples.wrong, "wrong")
    yield from _check_marks(variant, examples.invalid, "invalid")
    counted = not isinstance(variant, FreeText)
    if counted and not (examples.right and examples.wrong):
        yield "it makes no right or no wrong answer of its own"
    if not examples.invalid:
        yield "it makes no invalid answer of its own"
    solution = variant.solution()
    if counted and variant.mark(solution.answer).verdict != "right":
        yield f"the solution it shows, {solution.answer!r}, is not marked right"
    sent = repr(astuple(variant.ask(seed)))
    for told in (solution.explanation, *solution.reasons.values(), *solution.rubric):
        if told and told in sent:
            yield f"what is told after an answer is sent before it: {told!r}"
    if isinstance(variant, Numeric):
        yield from _check_number(variant)
    if isinstance(variant, Choice):
        yield from _check_options(variant)
    if isinstance(variant, Prediction) and variant.run().option not in variant.reasons:
        yield f"the run came to {variant.run().option!r}, which is no option"
    if isinstance(variant, FreeText) and len(variant.rubric) < 3:
        yield "its rubric has fewer than three points"


def _check_marks(variant: Variant, answers: tuple[Answer, ...], verdict: MarkVerdict) -> list[str]:
    marks = ((answer, variant.mark(answer)) for answer in answers)
    return [
        f"the {verdict} answer {answer!r} is marked {mark.verdict}"
        for answer, mark in marks
        if mark.verdict != verdict
    ]


def _check_number(variant: Numeric) -> Iterator[str]:
    if not (math.isfinite(variant.answer) and math.isfinite(variant.again)):
        yield "its answer is not finite"
    if variant.tolerance <= 0:
        yield "its tolerance is not above 0"
    if abs(variant.answer - variant.again) > 1e-3 * variant.tolerance:
        yield f"two ways give two answers, {variant.answer!r} and {variant.again!r}"


def _check_options(variant: Choice) -> Iterator[str]:
    texts = [option.text for option in variant.options]
    if len(set(texts)) != len(texts):
        yield "two options have the same words"
    if sum(option.right for option in variant.options) != 1:
        yield "not exactly one option is right"
    if len(texts) < 3:
        yield "it has fewer than three options"
    if any(not option.reason.strip() for option in variant.options):
        yield "an option has no reason"


def _check_balance(variant: Choice) -> list[str]:
    """The right option must stand in every place about equally often."""
    right = variant.solution().answer
    places = Counter(
        [name for name, _ in variant.ask(seed).options].index(str(right))
        for seed in range(BALANCE_SEEDS)
    )
    fair = BALANCE_SEEDS / len(variant.options)
    place, most = places.most_common(1)[0]
    if most > MOST_UNFAIR * fair or len(places) < len(variant.options):
        return [f"its right option stands in place {place + 1} on {most} of {BALANCE_SEEDS} seeds"]
    return []
