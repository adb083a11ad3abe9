"""A run in this process, with orders from a script instead of a pipe."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from helpers_runs import BATCH, quick_config, series, train

from ppolab.runs import RunFolder, Runs
from ppolab.runs.checkpoints import checkpoint_steps
from ppolab.runs.log import LOG_NAME
from ppolab.runs.session import NoControls, Session

Order = dict[str, Any]


class Script:
    """Gives orders at polls counted from the start; a blocking poll takes the next order."""

    def __init__(self, orders: dict[int, Order], when_blocked: list[Order | float]) -> None:
        self._orders = orders
        self._when_blocked = when_blocked
        self._iteration = -1
        self._given = True

    def poll(self, block: bool) -> Order | None:
        if block:
            while isinstance(self._when_blocked[0], float):
                time.sleep(self._when_blocked.pop(0))  # type: ignore[arg-type]
            return self._when_blocked.pop(0)  # type: ignore[return-value]
        if self._given:
            self._given = False
            self._iteration += 1
            order = self._orders.get(self._iteration)
            if order is not None:
                return order
        self._given = True
        return None


def order(action: str, **more: Any) -> Order:
    return {"action": action, "name": None, "value": None, **more}


def run(
    folder: RunFolder,
    controls: Script | NoControls | None = None,
    on_metrics: Callable[[int, dict[str, float]], None] | None = None,
) -> str:
    with folder.locked():
        return Session(folder, controls or NoControls(), on_metrics).run()


def states(folder: RunFolder) -> list[str]:
    return [event.data["words"] for event in folder.read() if event.type == "state"]


def test_a_run_tells_its_whole_course(folder: RunFolder) -> None:
    assert train(folder) == "finished"
    words = states(folder)
    assert words[0] == "running from step 0"
    assert words[1].startswith("finished at step 768: mean return ")
    kinds = [event.type for event in folder.read()]
    assert kinds.count("metrics") == 12
    assert kinds.count("histogram") == 3 * 12  # all ratios, and those of either sign of advantage
    assert kinds.count("stage") == 24
    assert kinds.count("checkpoint") == 3  # after 5, 10 and 12 iterations
    assert checkpoint_steps(folder.path) == [5 * BATCH, 10 * BATCH, 12 * BATCH]


def test_pause_step_and_resume(folder: RunFolder) -> None:
    script = Script({3: order("pause")}, [order("step"), order("step"), order("resume")])
    assert run(folder, script) == "finished"
    assert states(folder)[:-1] == [
        "running from step 0",
        f"paused at step {3 * BATCH}",
        f"paused at step {4 * BATCH}",
        f"paused at step {5 * BATCH}",
        f"running from step {5 * BATCH}",
    ]


def test_a_paused_run_did_what_an_unpaused_one_does(runs: Runs) -> None:
    paused, straight = runs.create(quick_config()), runs.create(quick_config())
    run(paused, Script({2: order("pause")}, [order("step"), order("resume")]))
    train(straight)
    assert series(paused) == series(straight)


def test_the_clock_stands_still_while_a_run_is_paused(folder: RunFolder) -> None:
    # Paused for 0.8 s, one step, paused for another 0.8 s.
    script = Script({2: order("pause")}, [0.8, order("step"), 0.8, order("resume")])
    started = time.monotonic()
    run(folder, script)
    wall = time.monotonic() - started
    told = folder.read()[-1].t
    assert wall - told >= 1.6
    assert told > 0


def test_a_stopped_run_goes_on_from_where_it_stopped(runs: Runs) -> None:
    stopped, straight = runs.create(quick_config()), runs.create(quick_config())
    assert run(stopped, Script({7: order("stop")}, [])) == "stopped"
    assert stopped.status().words == f"stopped at step {7 * BATCH}"
    assert stopped.status().resumable_step == 7 * BATCH
    assert train(stopped) == "finished"
    train(straight)
    assert series(stopped) == series(straight)
    assert "rewind" not in [event.type for event in stopped.read()]


def test_a_setting_takes_hold_and_survives_a_crash_right_after(runs: Runs) -> None:
    folder = runs.create(quick_config())
    script = Script({7: order("set", name="clip_range", value=0.5)}, [])

    def crash(step: int, metrics: dict[str, float]) -> None:
        if step == 8 * BATCH:
            raise KeyboardInterrupt

    assert run(folder, script, crash) == "interrupted"
    assert train(folder) == "finished"
    steps, clip_range = series(folder)["clip_range"]
    assert steps == [BATCH * i for i in range(1, 13)]
    assert clip_range == [0.2] * 7 + [0.5] * 5
    assert folder.fold().settings == {"clip_range": 0.5}


@pytest.mark.parametrize("at", [2, 7])
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(runs: Runs, at: int) -> None:
    broken, straight = runs.create(quick_config()), runs.create(quick_config())

    def interrupt(step: int, metrics: dict[str, float]) -> None:
        if step == at * BATCH:
            raise KeyboardInterrupt

    assert run(broken, on_metrics=interrupt) == "interrupted"
    assert broken.status().words == f"interrupted at step {at * BATCH}"
    assert train(broken) == "finished"
    train(straight)
    assert series(broken) == series(straight)
    rewinds = [event.data["to_step"] for event in broken.read() if event.type == "rewind"]
    assert rewinds == [-1 if at == 2 else 5 * BATCH]  # without a checkpoint it begins anew


def test_a_damaged_checkpoint_costs_the_steps_since_the_one_before(runs: Runs) -> None:
    broken, straight = runs.create(quick_config()), runs.create(quick_config())
    run(broken, Script({11: order("stop")}, []))
    newest = broken.path / "checkpoints" / f"step-{11 * BATCH:09d}" / "tensors.safetensors"
    newest.write_bytes(newest.read_bytes()[:100])
    assert train(broken) == "finished"
    train(straight)
    assert series(broken) == series(straight)
    rewinds = [event.data["to_step"] for event in broken.read() if event.type == "rewind"]
    assert rewinds == [10 * BATCH]


def test_a_torn_log_loses_nothing_but_the_torn_line(runs: Runs) -> None:
    broken, straight = runs.create(quick_config()), runs.create(quick_config())
    run(broken, Script({6: order("stop")}, []))
    with (broken.path / LOG_NAME).open("ab") as file:
        file.write(b'{"t":1.0,"step":')
    broken = RunFolder(broken.path)
    assert train(broken) == "finished"
    train(straight)
    assert series(broken) == series(straight)
    alert = next(event for event in broken.read() if event.type == "alert")
    assert (alert.data["kind"], alert.data["bytes"]) == ("torn log", 16)
    assert (broken.path / "events.torn").read_bytes() == b'{"t":1.0,"step":\n'


def test_a_log_shorter_than_the_newest_checkpoint_is_gone_on_with(runs: Runs) -> None:
    # A loss of power may keep a checkpoint and lose the end of the log.
    broken, straight = runs.create(quick_config()), runs.create(quick_config())
    run(broken, Script({10: order("stop")}, []))
    lines = (broken.path / LOG_NAME).read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["step"] <= 8 * BATCH]
    (broken.path / LOG_NAME).write_bytes(b"".join(kept))
    broken = RunFolder(broken.path)
    assert run(broken, Script({0: order("pause")}, [order("resume")])) == "finished"
    assert f"paused at step {10 * BATCH}" in states(broken)
    saved = [event for event in broken.read(len(kept)) if event.type == "checkpoint"]
    assert saved[0].data["file"] == f"checkpoints/step-{10 * BATCH:09d}"  # not of the log's end
    train(straight)
    entropy, expected = dict(zip(*series(broken)["entropy"], strict=True)), series(straight)
    for step, value in zip(*expected["entropy"], strict=True):
        if step not in (9 * BATCH, 10 * BATCH):
            assert entropy[step] == value


def test_an_unexpected_error_is_written_down(folder: RunFolder) -> None:
    def fail(step: int, metrics: dict[str, float]) -> None:
        if step == 3 * BATCH:
            raise RuntimeError("the wheel came off")

    assert run(folder, on_metrics=fail) == "failed"
    assert folder.status().words == f"failed at step {3 * BATCH}: RuntimeError: the wheel came off"
    alert = next(event for event in folder.read() if event.type == "alert")
    assert "the wheel came off" in alert.data["traceback"]
    assert not folder.is_live()


def test_settings_that_cannot_be_used_any_more_fail_in_words(folder: RunFolder) -> None:
    manifest = json.loads((folder.path / "run.json").read_text("utf-8"))
    manifest["config"]["environment"] = "Gone-v1"
    (folder.path / "run.json").write_text(json.dumps(manifest), "utf-8")
    assert train(RunFolder(folder.path)) == "failed"
    assert "environment: 'Gone-v1' is not known" in folder.status().words


class NaNAfterAWhile(gymnasium.Env[np.ndarray, int]):
    """Pays NaN from the fortieth step on."""

    def __init__(self) -> None:
        self.observation_space, self.action_space = Box(-1, 1, (1,)), Discrete(2)
        self.taken = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action: int) -> Any:
        self.taken += 1
        reward = float("nan") if self.taken > 40 else 1.0
        return np.zeros(1, np.float32), reward, False, False, {}


def test_a_diverged_run_fails_with_an_alert_and_a_gap(runs: Runs) -> None:
    gymnasium.register("NaNAfterAWhile-v0", NaNAfterAWhile)
    folder = runs.create(quick_config(environment="NaNAfterAWhile-v0"))
    assert train(folder) == "failed"
    assert "is not finite at step 128: the reward was nan" in folder.status().words
    alert = next(event for event in folder.read() if event.type == "alert")
    assert alert.data["kind"] == "non-finite"
    steps, losses = series(folder)["policy_loss"]
    assert steps == [64, 128]
    assert losses[1] is None
    assert losses[0] is not None
    assert folder.status().resumable_step is None  # no checkpoint of broken weights was made
