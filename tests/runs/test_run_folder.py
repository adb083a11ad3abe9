from __future__ import annotations

import json
import os
import time

import pytest
from helpers_runs import BATCH, train

from ppolab.errors import ConflictError, StorageError
from ppolab.runs import RunFolder
from ppolab.runs.folder import MANIFEST_NAME, STARTING_GRACE
from ppolab.runs.log import LOG_NAME
from ppolab.runs.recorder import FolderRecorder


def age(folder: RunFolder, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(folder.path / LOG_NAME, (then, then))


def test_a_run_that_was_only_created_has_told_nothing(folder: RunFolder) -> None:
    status = folder.status()
    assert (status.step, status.head, status.latest, status.resumable_step) == (0, 0, {}, None)


def test_status_grows_with_the_log(folder: RunFolder) -> None:
    recorder = FolderRecorder(folder)
    with folder.locked():
        recorder.state("running", "running from step 0")
        recorder.metrics(64, loss=0.5)
        status = folder.status()
        assert (status.state, status.step, status.head) == ("running", 64, 2)
        recorder.metrics(128, loss=0.25)
        assert folder.status().latest == {"loss": 0.25}
    recorder.close()


def test_a_running_run_without_a_process_is_interrupted(folder: RunFolder) -> None:
    with folder.locked():
        recorder = FolderRecorder(folder)
        recorder.state("running", "running from step 0")
        recorder.metrics(64, loss=0.5)
        recorder.close()
        assert folder.is_live()
        assert folder.status().state == "running"
    assert not folder.is_live()
    status = folder.status()
    assert status.state == "interrupted"
    assert status.words == "interrupted at step 64: its process went away"
    assert folder.fold().state == "running"  # reading writes nothing …

    folder.settle()  # … settling does, once
    folder.settle()
    states = [event.data["state"] for event in folder.read() if event.type == "state"]
    assert states == ["running", "interrupted"]
    assert folder.read()[-1].step == 64


def test_a_starting_run_is_given_a_minute(folder: RunFolder) -> None:
    folder.note_state("starting", "its process is coming up")
    assert folder.status().state == "starting"
    folder.settle()
    assert folder.fold().state == "starting"
    age(folder, STARTING_GRACE + 1)
    assert folder.status().state == "interrupted"


def test_a_starting_run_whose_process_was_seen_to_end_is_settled_at_once(
    folder: RunFolder,
) -> None:
    folder.note_state("starting", "its process is coming up")
    folder.settle(surely_gone=True)
    assert folder.fold().state == "interrupted"


def test_a_finished_run_stays_finished(folder: RunFolder) -> None:
    assert train(folder) == "finished"
    folder.settle(surely_gone=True)
    status = folder.status()
    assert (status.state, status.step) == ("finished", 12 * BATCH)
    assert status.resumable_step == 12 * BATCH


def test_only_one_process_holds_a_run(folder: RunFolder) -> None:
    with folder.locked():
        other = RunFolder(folder.path)
        assert other.is_live()
        with pytest.raises(ConflictError, match="already going in another process"), other.locked():
            pass
        assert folder.is_live()  # the failed attempt did not take the lock away
    assert not folder.is_live()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"id": "x"}', json.dumps({"unknown": 1}), "\x00"]
)
def test_a_manifest_that_cannot_be_read_is_named(folder: RunFolder, text: str) -> None:
    (folder.path / MANIFEST_NAME).write_text(text)
    with pytest.raises(StorageError, match=r"has no readable run\.json") as caught:
        RunFolder(folder.path)
    assert folder.id in str(caught.value)
    assert caught.value.mend == "Restore the file, or delete the folder"


def test_reading_goes_on_from_a_cursor(folder: RunFolder) -> None:
    train(folder)
    whole = folder.read()
    assert [event.seq for event in whole] == list(range(1, len(whole) + 1))
    assert folder.read(cursor=5, limit=3) == whole[5:8]
    assert folder.read(cursor=len(whole)) == []
    assert folder.read(cursor=len(whole) + 100) == []
