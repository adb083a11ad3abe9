"""The page of what is learned shows the trainings that were kept, and judges them as it says."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ppolab.control.presets import load_preset

ROOT = Path(__file__).parents[2]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("published")


def test_tables_and_curves_are_those_of_the_kept_trainings() -> None:
    script = ROOT / "benchmarks" / "results_page.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_kept_training_took_its_preset_s_steps_and_counted_100_episodes() -> None:
    tasks = json.loads((ROOT / "docs" / "results.json").read_text("utf-8"))["tasks"]
    for name, rows in tasks.items():
        seeds = [row["seed"] for row in rows]
        assert len(set(seeds)) == len(seeds) >= 3, name
        for row in rows:
            assert row["steps"] == load_preset(name).config.planned_steps, name
            assert row["training_episodes"] == 100
            assert row["curve"][-1] == [row["steps"], row["training"]]


def test_an_interval_of_three_seeds_by_hand(published: ModuleType) -> None:
    # Mean 2, standard deviation 1: 4.303 · 1/√3 = 2.4843 to each side.
    assert published.interval([1.0, 2.0, 3.0]) == pytest.approx((-0.4843, 4.4843), abs=1e-4)
    assert published.interval([1.0]) is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, 2.0, 3.0], "at or above"),
        ([0.0, 1.0, 2.0], "below, but within the interval"),
        ([1.8, 1.9, 2.0], "below, but within the interval"),
        ([0.8, 0.9, 1.0], "below"),
    ],
)
def test_the_verdict_compares_means_and_says_what_the_seeds_leave_open(
    published: ModuleType, values: list[float], said: str
) -> None:
    theirs = published.Published("somebody", 2.0, None, 1000, "training")
    assert published.verdict(values, theirs) == said
