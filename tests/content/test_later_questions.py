"""The questions of chapters 6 and 9 against answers computed here, apart from their files."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from ppolab.assessment.questions import find_questions

QUESTIONS = find_questions(Path(__file__).parents[2] / "content")


@pytest.mark.parametrize("seed", range(40))
def test_an_advantage_is_a_return_minus_a_value_mixed_over_lambda(seed):
    variant = QUESTIONS["gae-by-hand"].variant(seed)
    gamma, lam = (
        float(re.search(rf"{name} = ([\d.]+)\$", variant.prompt)[1]) for name in ("gamma", "lambda")
    )
    rows = re.findall(r"\| \d \| (-?[\d.]+) \| (-?[\d.]+) \|", variant.prompt)
    (r0, v0), (r1, v1), (r2, v2) = ((float(r), float(v)) for r, v in rows)
    # The n-step advantages themselves, of which the longest ends with the episode.
    one = r0 + gamma * v1 - v0
    two = r0 + gamma * r1 + gamma**2 * v2 - v0
    three = r0 + gamma * r1 + gamma**2 * r2 - v0
    mix = (1 - lam) * (one + lam * two) + lam**2 * three
    assert variant.mark(f"{mix:.2f}").verdict == "right"


@pytest.mark.parametrize("seed", range(40))
def test_a_preference_is_the_share_of_exponentials(seed):
    variant = QUESTIONS["preference-probability"].variant(seed)
    a, b = (float(x) for x in re.findall(r"\} = (-?[\d.]+)\$", variant.prompt))
    share = math.exp(a) / (math.exp(a) + math.exp(b))
    assert variant.mark(f"{share:.2f}").verdict == "right"
