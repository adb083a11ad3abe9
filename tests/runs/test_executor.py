"""Runs in processes of their own. Few tests, for each starts processes; all of them wait by
looking, never by the clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers_runs import quick_config, series, train, until

from ppolab.errors import ConflictError, InvalidSettingError, UnknownNameError
from ppolab.runs import LocalExecutor, RunFolder, Runs

pytestmark = pytest.mark.timeout(180)

# Some 30 ms an iteration: long enough to be caught in the middle, and over in seconds.
CATCHABLE = quick_config(60, environments=4, rollout_steps=64, epochs=6, total_steps=60 * 256)
ENDLESS = quick_config(1_000_000)


def has_reached(folder: RunFolder, step: int) -> bool:
    return folder.fold().step >= step


def state_is(folder: RunFolder, state: str) -> bool:
    return folder.status().state == state


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """What the run of `CATCHABLE` is when nobody disturbs it."""
    folder = Runs(tmp_path_factory.mktemp("straight")).create(CATCHABLE)
    assert train(folder) == "finished"
    return folder


def test_a_killed_worker_is_told_of_and_goes_on_to_the_same_end(
    runs: Runs, executor: LocalExecutor, uninterrupted: RunFolder
) -> None:
    folder = runs.create(CATCHABLE)
    executor.start(folder)
    until(lambda: has_reached(folder, 12 * 256))
    process = executor._live[folder.id].process
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not executor.is_live(folder))
    assert folder.fold().state == "interrupted"  # in the log, not only in the status
    step = folder.status().step
    assert folder.status().words == f"interrupted at step {step:,}: its process went away"

    executor.resume(folder)
    until(lambda: state_is(folder, "finished"))
    assert series(folder) == series(uninterrupted)


def test_a_killed_server_leaves_runs_that_end_themselves_and_go_on(
    runs: Runs, uninterrupted: RunFolder
) -> None:
    folder = runs.create(CATCHABLE)
    script = Path(__file__).with_name("hosting.py")
    server = subprocess.Popen([sys.executable, str(script), str(folder.path)])
    try:
        until(lambda: has_reached(folder, 8 * 256))
    finally:
        server.kill()
        server.wait()
    until(lambda: not folder.is_live())
    assert folder.fold().state == "interrupted"
    assert folder.fold().step < 60 * 256
    assert train(folder) == "finished"
    assert series(folder) == series(uninterrupted)


def test_orders_are_carried_out_and_those_that_do_not_fit_are_refused(
    runs: Runs, executor: LocalExecutor
) -> None:
    folder = runs.create(ENDLESS)
    with pytest.raises(ConflictError, match="cannot pause"):
        executor.control(folder, "pause")
    executor.start(folder)
    until(lambda: has_reached(folder, 1))
    for action in ("step", "resume"):
        with pytest.raises(ConflictError, match=f"is running: it cannot {action}"):
            executor.control(folder, action)
    with pytest.raises(ConflictError, match="already going"):
        executor.resume(folder)
    with pytest.raises(ConflictError, match="still going"):
        runs.delete(folder.id)

    executor.control(folder, "pause")
    until(lambda: state_is(folder, "paused"))
    before = folder.status().step
    executor.control(folder, "step")
    until(lambda: folder.status().words == f"paused at step {before + 64:,}")
    assert folder.status().step == before + 64

    executor.control(folder, "set", "clip_range", 0.34)
    until(lambda: folder.fold().settings == {"clip_range": 0.34})
    executor.control(folder, "resume")
    until(lambda: folder.status().latest.get("clip_range") == 0.34)
    executor.control(folder, "stop")
    until(lambda: state_is(folder, "stopped"))
    until(lambda: not executor.is_live(folder))
    with pytest.raises(ConflictError, match="is stopped: it cannot pause"):
        executor.control(folder, "pause")


def test_a_run_is_stopped_while_its_process_comes_up(runs: Runs, executor: LocalExecutor) -> None:
    folder = runs.create(ENDLESS)
    executor.start(folder)
    assert folder.status().state == "starting"
    executor.control(folder, "stop")
    until(lambda: not executor.is_live(folder))
    assert folder.status().words == "stopped at step 0"


def test_orders_that_make_no_sense_are_named(runs: Runs, executor: LocalExecutor) -> None:
    folder = runs.create(ENDLESS)
    with pytest.raises(InvalidSettingError, match="Known: pause, step, resume, stop, set"):
        executor.control(folder, "explode")
    with pytest.raises(InvalidSettingError, match="needs a name and a value"):
        executor.control(folder, "set", "clip_range")
    with pytest.raises(InvalidSettingError, match=r"from 0\.02 to 1\.0"):
        executor.control(folder, "set", "clip_range", 7.0)
    with pytest.raises(UnknownNameError, match="Known: clip_range"):
        executor.control(folder, "set", "gamma", 0.5)


def test_a_run_waits_for_a_free_place_and_then_starts(runs: Runs, executor: LocalExecutor) -> None:
    first, second, third = (runs.create(ENDLESS) for _ in range(3))
    for folder in (first, second, third):
        executor.start(folder)
    until(lambda: has_reached(first, 1))
    for folder in (second, third):
        assert folder.status().state == "waiting"
        assert executor.is_live(folder)
    assert second.status().words == "waiting for a free place: 1 runs are going"
    with pytest.raises(ConflictError, match="already going"):
        executor.resume(second)
    with pytest.raises(ConflictError, match="is waiting: it cannot pause"):
        executor.control(second, "pause")
    with pytest.raises(ConflictError, match="still going"):
        runs.delete(second.id)

    executor.control(second, "stop")
    assert second.status().words == "stopped before it began"
    assert not executor.is_live(second)
    executor.control(first, "stop")
    until(lambda: has_reached(third, 1))
    assert first.status().state == "stopped"
    assert second.status().step == 0


def test_shutting_down_lets_go_of_every_run(runs: Runs) -> None:
    executor = LocalExecutor(slots=1)
    going, waiting = runs.create(ENDLESS), runs.create(ENDLESS)
    executor.start(going)
    executor.start(waiting)
    try:
        until(lambda: has_reached(going, 1))
    finally:
        executor.shutdown(timeout=20)
    assert going.fold().state == waiting.fold().state == "interrupted"
    assert going.status().words == f"interrupted at step {going.status().step:,}"
    assert waiting.status().words == "interrupted before it began: the server stopped"
    assert not going.is_live()
    assert not waiting.is_live()


def test_a_worker_that_cannot_begin_is_told_of_at_once(runs: Runs, executor: LocalExecutor) -> None:
    folder = runs.create(ENDLESS)
    (folder.path / "run.json").write_text("{")  # this process has read it already
    executor.start(folder)
    until(lambda: not executor.is_live(folder))
    assert folder.fold().state == "interrupted"


def test_a_run_that_came_with_the_course_or_is_over_is_not_resumed(
    runs: Runs, executor: LocalExecutor
) -> None:
    folder = runs.create(quick_config())
    train(folder)
    with pytest.raises(ConflictError, match="is finished and cannot be resumed"):
        executor.resume(folder)
    with pytest.raises(ConflictError, match="came with the course"):
        executor.resume(RunFolder(folder.path, recorded=True))


def test_who_asked_is_told_of_each_end_and_a_fault_there_does_not_stop_the_watching(
    runs: Runs,
) -> None:
    told: list[tuple[str, str]] = []

    def on_end(folder: RunFolder) -> None:
        told.append((folder.id, folder.status().state))
        raise RuntimeError("a fault of the one who is told")

    executor = LocalExecutor(slots=1, on_end=on_end)
    first, second = runs.create(quick_config(1)), runs.create(quick_config(1))
    try:
        executor.start(first)
        executor.start(second)
        until(lambda: len(told) == 2)
        assert told == [(first.id, "finished"), (second.id, "finished")]
        going = runs.create(ENDLESS)
        executor.start(going)
        until(lambda: has_reached(going, 1))
    finally:
        executor.shutdown(timeout=20)
    assert len(told) == 2  # what ends because the executor lets go is followed by nothing
