"""The page of over-optimisation shows the points and laws that are kept beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppolab.runs.studies.overoptimization import Point, fit_points

DOCS = Path(__file__).resolve().parents[2] / "docs"
KEPT = json.loads((DOCS / "overoptimization.json").read_text("utf-8"))
PAGE = (DOCS / "overoptimization.md").read_text("utf-8")
POINTS = [Point(**point) for point in KEPT["points"]]


@pytest.mark.parametrize("law", KEPT["laws"], ids=lambda law: f"{law['of']}-{law['method']}")
def test_a_law_is_on_the_page_and_that_of_its_points(law: dict) -> None:  # type: ignore[type-arg]
    low, high = law["beta_interval"]
    beside = f"{law['beta']:.3f} | {low:.3f} to {high:.3f} | {law['residual']:.3f} |"
    assert any(
        line.startswith(f"| {law['of']}, {law['method']} | {law['alpha']:.3f} |")
        and line.endswith(beside)
        for line in PAGE.splitlines()
    )
    again = fit_points([p for p in POINTS if p.method == law["method"]], law["of"])
    assert again is not None
    assert again.law.alpha == pytest.approx(law["alpha"], abs=1e-5)
    assert again.law.beta == pytest.approx(law["beta"], abs=1e-5)


def test_the_end_of_each_run_and_each_n_are_on_the_page() -> None:
    ends = {(point.run, point.n): point for point in POINTS}
    assert len(ends) == 4 + 6
    for point in ends.values():
        name = f"best of {point.n}" if point.n else f"PPO, KL at {point.kl_coef:g}"
        figures = (point.kl, point.gold, point.second, point.reward)
        kl, *others = (f"{figure:.{digits}f}" for figure, digits in
                       zip(figures, (1, 2, 2, 2), strict=True))  # fmt: skip
        assert f"| {name} | {kl} | {' | '.join(others)} |" in PAGE
