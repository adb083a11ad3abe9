"""The questions of chapter 4 against answers computed here, apart from their files."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from ppolab.assessment.questions import find_questions
from ppolab.assessment.questions.variant import name_of

QUESTIONS = find_questions(Path(__file__).parents[2] / "content")
SEEDS = range(40)


def figures(text: str) -> list[float]:
    return [float(x.replace(",", "")) for x in re.findall(r"-?\d[\d,]*\.?\d*", text)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ratio_is_a_quotient_of_probabilities(seed):
    variant = QUESTIONS["ratio"].variant(seed)
    old, new = figures(variant.prompt)[:2]
    assert variant.mark(f"{math.exp(new) / math.exp(old):.2f}").verdict == "right"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sample_pulls_as_the_table_of_the_four_cases_says(seed):
    variant = QUESTIONS["four-cases"].variant(seed)
    ratio, advantage, eps = (
        float(re.search(rf"{name} = (-?[\d.]+\d)", variant.prompt)[1])
        for name in (r"r_t\}", r"A_t\}", r"epsilon")
    )
    if (ratio > 1 + eps and advantage > 0) or (ratio < 1 - eps and advantage < 0):
        right = "It does nothing: the objective is flat there."
    else:
        right = f"It makes the action {'likelier' if advantage > 0 else 'rarer'}."
    assert variant.mark(name_of(right)).verdict == "right"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_clipped_loss_is_minus_the_mean_of_the_smaller_products(seed):
    variant = QUESTIONS["clipped-loss"].variant(seed)
    eps = float(re.search(r"epsilon = ([\d.]+)\$", variant.prompt)[1])
    rows = re.findall(r"\| \d \| ([\d.]+) \| (-?[\d.]+) \|", variant.prompt)
    smaller = [
        min(float(r) * float(a), sorted((1 - eps, float(r), 1 + eps))[1] * float(a)) for r, a in rows
    ]
    assert len(smaller) == 3
    assert variant.mark(f"{-sum(smaller) / 3:.2f}").verdict == "right"


@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_steps_are_samples_seen_over_the_minibatch(seed):
    variant = QUESTIONS["gradient-steps"].variant(seed)
    total, _, _, epochs, minibatch = figures(variant.prompt)
    assert variant.mark(f"{total * epochs / minibatch:.0f} steps").verdict == "right"


def test_settings_may_differ_from_the_ones_that_were_drawn():
    for seed in SEEDS:
        variant = QUESTIONS["batch-settings"].variant(seed)
        values = dict(variant.solution_values)
        other = {**values, "environments": values["environments"] * 2}
        other["rollout_steps"] = values["rollout_steps"] / 2
        assert variant.mark({name: str(value) for name, value in other.items()}).verdict == "right"
        refused = {**values, "minibatch_size": values["minibatch_size"] + 1}
        mark = variant.mark({name: str(value) for name, value in refused.items()})
        assert "The engine refuses" in mark.words


def test_the_prediction_comes_out_differently_for_different_settings():
    came = {QUESTIONS["leak"].variant(seed).run().option for seed in range(60)}
    assert len(came) == 4
