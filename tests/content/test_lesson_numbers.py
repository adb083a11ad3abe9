"""Numbers that the lessons state about recorded runs are read from those runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppolab.control.presets import load_preset
from ppolab.runs import RunFolder, fold_series

CONTENT = Path(__file__).resolve().parents[2] / "content"
LESSONS = CONTENT / "chapters" / "04-meeting-ppo" / "lessons"


@pytest.fixture(scope="module")
def with_clip() -> RunFolder:
    return RunFolder(CONTENT / "runs" / "cartpole-seed1", recorded=True)


@pytest.fixture(scope="module")
def outside_by_epoch(with_clip: RunFolder) -> np.ndarray:
    """Share of ratios outside [0.8, 1.2] in each epoch of each update, [updates, epochs]."""
    shares = []
    for event in with_clip.read():
        if event.type == "histogram" and event.data["name"] == "ratio":
            counts = np.array(event.data["counts"])
            edges = np.linspace(event.data["low"], event.data["high"], counts.shape[1] + 1)
            middles = (edges[:-1] + edges[1:]) / 2
            shares.append(counts[:, abs(middles - 1) > 0.2].sum(1) / counts.sum(1))
    return np.array(shares)


def test_the_leak_of_ratios_is_the_one_that_the_lesson_states(outside_by_epoch):
    text = (LESSONS / "02-the-clip.md").read_text()
    first, last = outside_by_epoch.mean(0)[[0, -1]]
    assert f"{first:.1%}".replace("%", " %") + " of the samples lie outside" in text
    assert f"{last:.1%}".replace("%", " %") + " during the last" in text
    assert f"not one of its {len(outside_by_epoch)} updates" in text
    assert (outside_by_epoch[:, -1] > 0).all()
    assert last < 0.1, "the lesson says: fewer than one in ten"


def test_the_policy_loss_stays_near_zero_as_the_prediction_says(with_clip):
    steps, losses = fold_series(with_clip, ["policy_loss"], pixels=5000).columns["policy_loss"]
    assert np.abs(losses).max() < 0.05
    assert steps[-1] == 64_000


def test_the_recorded_run_is_solved_and_the_one_without_a_clip_collapses(with_clip):
    without = RunFolder(CONTENT / "runs" / "cartpole-no-clip", recorded=True)
    returns = fold_series(without, ["return_mean_100"], pixels=5000).columns["return_mean_100"][1]
    assert with_clip.status().latest["return_mean_100"] >= 475
    assert returns.max() > 150, "it learns for a while"
    assert returns[-1] < 15, "and then forgets everything"


def test_the_numbers_about_the_preset_are_the_preset_s_own():
    text = (LESSONS / "01-first-run.md").read_text()
    config = load_preset("cartpole").config
    assert (config.environments, config.rollout_steps, config.batch_size) == (8, 64, 512)
    assert (config.epochs, config.minibatch_size) == (10, 64)
    assert "Eight copies of the task run side by side for 64 steps each" in text
    assert f"they are {config.entropy_coef:g} and {config.value_coef}" in text
