from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from helpers_runs import BATCH, quick_config, train

from ppolab.errors import ConflictError, StorageError, UnknownNameError
from ppolab.runs import RunFolder, Runs


def test_a_new_run_is_a_folder_that_says_what_it_is(runs: Runs) -> None:
    folder = runs.create(quick_config(seed=7), preset="cartpole", title="My run")
    manifest = json.loads((folder.path / "run.json").read_text("utf-8"))
    assert manifest["id"] == folder.id == folder.path.name
    assert folder.id.startswith("cartpole-")
    assert (manifest["title"], manifest["preset"], manifest["seed"]) == ("My run", "cartpole", 7)
    assert manifest["config"] == quick_config(seed=7).to_mapping()
    assert manifest["total_steps"] == 12 * BATCH
    assert set(manifest["versions"]) == {"ppolab", "python", "torch", "numpy", "gymnasium"}


def test_an_unknown_environment_makes_no_folder(runs: Runs) -> None:
    with pytest.raises(UnknownNameError, match="CartPole-v1"):
        runs.create(quick_config(environment="Cartpole"))
    assert list(runs.root.iterdir()) == []


def test_the_newest_run_is_listed_first(runs: Runs) -> None:
    first, second = runs.create(quick_config()), runs.create(quick_config())
    manifest = json.loads((first.path / "run.json").read_text("utf-8"))
    manifest["created_at"] = "2020-01-01T00:00:00.000+00:00"
    (first.path / "run.json").write_text(json.dumps(manifest), "utf-8")
    assert [run.id for run in Runs(runs.root).list()] == [second.id, first.id]


def test_a_damaged_run_does_not_hide_the_others(runs: Runs) -> None:
    whole, damaged = runs.create(quick_config()), runs.create(quick_config())
    (damaged.path / "run.json").write_text('{"id": "cut off in the mid')
    (runs.root / "no-run-at-all").mkdir()
    again = Runs(runs.root)
    assert [run.id for run in again.list()] == [whole.id]
    with pytest.raises(StorageError, match=r"has no readable run\.json"):
        again.get(damaged.id)


@pytest.mark.parametrize(
    "run_id", ["../secret", "..", ".", "", "/etc", "a/b", "A", "-x", "x\n", "x" * 81, "ü", "a\x00b"]
)
def test_an_id_that_is_no_name_of_a_run_is_refused(runs: Runs, run_id: str) -> None:
    secret = runs.root.parent / "secret"
    shutil.copytree(runs.create(quick_config()).path, secret)  # a real run, but outside
    with pytest.raises(UnknownNameError):
        runs.get(run_id)
    with pytest.raises(UnknownNameError):
        runs.delete(run_id)
    assert (secret / "run.json").exists()


def test_an_unknown_run_is_answered_with_known_ones(runs: Runs) -> None:
    folder = runs.create(quick_config())
    with pytest.raises(UnknownNameError, match=folder.id):
        runs.get("no-such-run")


def test_an_unknown_run_is_answered_with_the_five_newest_and_a_count(runs: Runs) -> None:
    made = [runs.create(quick_config(), preset=f"p{7 - n}") for n in range(7)]
    for age, folder in enumerate(reversed(made)):  # the last one made is the newest
        os.utime(folder.path / "run.json", (1_000_000 - age, 1_000_000 - age))
    with pytest.raises(UnknownNameError) as caught:
        runs.get("no-such-run")
    newest = ", ".join(folder.id for folder in made[:1:-1])
    assert str(caught.value).endswith(f"Newest: {newest} and 2 more")


def test_without_any_run_the_answer_says_so(runs: Runs) -> None:
    with pytest.raises(UnknownNameError, match="There is no run yet"):
        runs.get("no-such-run")


def test_a_deleted_run_is_gone(runs: Runs) -> None:
    folder = runs.create(quick_config())
    runs.delete(folder.id)
    assert not folder.path.exists()
    assert runs.list() == []
    with pytest.raises(UnknownNameError):
        runs.get(folder.id)


def test_a_run_that_is_starting_is_not_deleted(runs: Runs) -> None:
    folder = runs.create(quick_config())
    folder.note_state("starting", "starting: its process is coming up")
    with pytest.raises(ConflictError, match="still going"):
        runs.delete(folder.id)
    assert folder.path.exists()


def test_a_live_run_is_not_deleted(runs: Runs) -> None:
    folder = runs.create(quick_config())
    with folder.locked(), pytest.raises(ConflictError, match=r"still going\. Stop it first"):
        runs.delete(folder.id)
    assert folder.path.exists()


def test_a_folder_that_cannot_be_written_is_named_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be written") as caught:
        Runs(tmp_path / "home" / "runs")
    assert "PPOLAB_HOME or --home" in caught.value.mend


def test_runs_that_came_with_the_course_are_read_and_kept(runs: Runs, tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    folder = runs.create(quick_config())
    train(folder)
    shutil.move(folder.path, recorded / "shown-in-lesson")
    both = Runs(runs.root, recorded)
    shown = both.get("shown-in-lesson")
    assert shown.recorded
    assert shown.status().state == "finished"
    assert shown.status().resumable_step is None
    with pytest.raises(ConflictError, match="came with the course"):
        both.delete("shown-in-lesson")


def test_settling_tells_of_every_run_that_lost_its_process(runs: Runs, folder: RunFolder) -> None:
    other = runs.create(quick_config())
    folder.note_state("running", "running from step 0")
    other.note_state("finished", "finished at step 5")
    runs.settle()
    assert folder.fold().state == "interrupted"
    assert other.fold().state == "finished"
