from __future__ import annotations

import math

import numpy as np
import pytest
from helpers_runs import BATCH, train

from ppolab.errors import UnknownNameError
from ppolab.runs import RunFolder, fold_series, state_at
from ppolab.runs import log as log_module
from ppolab.runs.log import LOG_NAME
from ppolab.runs.recorder import FolderRecorder


@pytest.fixture
def told(folder: RunFolder) -> RunFolder:
    """A run that fell back from step 40 to step 20 and told 30 again, but not yet 40."""
    recorder = FolderRecorder(folder)
    recorder.state("running", "running from step 0")
    for step in (10, 20, 30, 40):
        recorder.metrics(step, loss=float(step))
        recorder.histogram(step, "ratio", 0.5, 1.5, np.array([[step, 0]]))
        if step == 30:
            recorder.setting("clip_range", 0.7, 0.2)
        if step == 40:
            recorder.alert("strange", {"about": "the first telling"})
    recorder.rewind(20)
    recorder.metrics(30, loss=math.nan)
    recorder.close()
    return folder


def test_series_are_columns_and_a_cursor_to_follow_from(told: RunFolder) -> None:
    view = fold_series(told)
    steps, values = view.columns["loss"]
    assert steps.tolist() == [10, 20, 30]
    assert values[:2].tolist() == [10.0, 20.0]
    assert math.isnan(values[2])
    assert view.cursor == len(told.read())


def test_series_are_cut_to_a_span_with_both_ends(told: RunFolder) -> None:
    steps, _ = fold_series(told, ["loss"], from_step=10, to_step=20).columns["loss"]
    assert steps.tolist() == [10, 20]
    steps, _ = fold_series(told, ["loss"], from_step=11).columns["loss"]
    assert steps.tolist() == [20, 30]


def test_series_are_reduced_to_the_pixels(folder: RunFolder) -> None:
    train(folder)
    steps, _ = fold_series(folder, ["entropy"], pixels=3).columns["entropy"]
    assert 2 <= len(steps) < 12


def test_an_unknown_key_is_answered_with_the_known_ones(told: RunFolder) -> None:
    with pytest.raises(UnknownNameError, match="Known: loss"):
        fold_series(told, ["los"])


def test_state_at_a_step_is_what_was_known_then(told: RunFolder) -> None:
    at = state_at(told, 15)
    assert (at.step, at.metrics, at.settings) == (10, {"loss": 10.0}, {})
    assert at.histograms["ratio"].data["counts"] == [[10, 0]]
    assert at.seq == 3
    assert at.state == "running"


def test_state_at_a_step_forgets_a_future_that_is_told_again(told: RunFolder) -> None:
    at = state_at(told, 1000)
    assert (at.step, at.metrics, at.settings, at.alerts) == (30, {"loss": None}, {}, [])
    assert at.histograms["ratio"].step == 20  # that of step 30 has not been told again yet
    assert at.seq == len(told.read())


def test_state_at_any_step_of_a_real_run_agrees_with_its_series(folder: RunFolder) -> None:
    train(folder)
    columns = fold_series(folder, pixels=10_000).columns
    for position, step in enumerate(columns["entropy"][0].tolist()):
        at = state_at(folder, step + BATCH - 1)
        assert at.step == step
        assert at.metrics["entropy"] == columns["entropy"][1][position]
        assert at.histograms["ratio"].step == step


def assert_same_as_read_anew(folder: RunFolder) -> None:
    """What the folder remembers is what its log tells from the beginning."""
    kept, anew = (fold_series(f, pixels=7) for f in (folder, RunFolder(folder.path)))
    assert kept.cursor == anew.cursor
    assert kept.columns.keys() == anew.columns.keys()
    for key, (steps, values) in anew.columns.items():
        np.testing.assert_array_equal(kept.columns[key][0], steps)
        np.testing.assert_array_equal(kept.columns[key][1], values)


def test_series_that_grow_with_the_log_are_those_of_the_whole_log(folder: RunFolder) -> None:
    recorder = FolderRecorder(folder)
    chance = np.random.default_rng(0)
    for step in range(1, 60):
        recorder.metrics(step, loss=float(chance.normal()), **({"late": 1.0} if step > 30 else {}))
        if step in (20, 45):
            recorder.rewind(step - 15)
        assert_same_as_read_anew(folder)
    recorder.close()
    with (folder.path / LOG_NAME).open("ab") as log:
        log.write(b'[1.0, 90, "metrics", {"loss')  # a line that is still being written
    assert_same_as_read_anew(folder)


def test_a_line_of_the_log_is_read_once_however_often_series_are_asked_for(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    decode = log_module.decode
    monkeypatch.setattr(
        log_module, "decode", lambda seq, line: (read.append(seq), decode(seq, line))[1]
    )
    recorder = FolderRecorder(folder)
    for step in (1, 2, 3):
        recorder.metrics(step, loss=1.0)
        for _ in range(4):
            assert fold_series(folder).cursor == step
    recorder.close()
    assert read == [1, 2, 3]


@pytest.mark.parametrize("how", ["cut", "replaced"])
def test_a_log_that_is_not_the_one_that_was_read_is_read_anew(told: RunFolder, how: str) -> None:
    assert fold_series(told).cursor == 13
    log = told.path / LOG_NAME
    lines = log.read_bytes().splitlines(keepends=True)
    if how == "cut":
        log.write_bytes(b"".join(lines[:3]))
    else:
        other = told.path / "other"
        other.write_bytes(b"".join([lines[1], *lines]))  # longer than what was read
        other.replace(log)
    assert_same_as_read_anew(told)
    log.unlink()
    assert fold_series(told).columns == {}


def test_an_early_metric_is_empty_where_an_unknown_one_is_refused(told: RunFolder) -> None:
    steps, values = fold_series(told, ["entropy"], early={"entropy"}).columns["entropy"]
    assert (len(steps), len(values)) == (0, 0)
