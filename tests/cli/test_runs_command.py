from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ppolab.cli import main
from ppolab.control.config import PPOConfig
from ppolab.runs import RunFolder, Runs
from ppolab.runs.session import NoControls, Session

Ask = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def interrupted(home: Path) -> RunFolder:
    """A run of eight iterations, interrupted after six; its checkpoint is of the fifth."""
    folder = Runs(home / "runs").create(
        PPOConfig(environments=2, rollout_steps=32, minibatch_size=32, total_steps=512)
    )

    def interrupt(step: int, metrics: dict[str, float]) -> None:
        if step == 384:
            raise KeyboardInterrupt

    with folder.locked():
        assert Session(folder, NoControls(), interrupt).run() == "interrupted"
    return folder


def test_no_runs_yet(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("runs")[:2] == (0, {"runs": []})
    assert main(["runs", "list"]) == 0
    assert "ppolab train CartPole-v1" in capsys.readouterr().out


def test_a_list_of_runs(ask: Ask, interrupted: RunFolder) -> None:
    code, answer, words = ask("runs", "list")
    (run,) = answer["runs"]
    assert code == 0
    assert (run["id"], run["state"], run["steps"]) == (interrupted.id, "interrupted", 384)
    assert run["words"] == "interrupted at step 384"
    assert run["run"] == str(interrupted.path)
    assert "interrupted" in words


def test_one_run_in_full(ask: Ask, interrupted: RunFolder) -> None:
    code, answer, _ = ask("runs", "show", interrupted.id)
    assert code == 0
    assert answer["config"] == interrupted.manifest.config
    assert answer["latest"] == interrupted.status().latest


@pytest.mark.parametrize(("asked", "usual"), [(3, 3), (None, 1)])
def test_resuming_keeps_the_threads_that_a_run_was_begun_with(
    ask: Ask, home: Path, asked: int | None, usual: int
) -> None:
    before = torch.get_num_threads()
    folder = Runs(home / "runs").create(PPOConfig(total_steps=512), threads=asked)
    torch.set_num_threads(2)
    try:
        assert ask("runs", "resume", folder.id)[0] == 0
        assert torch.get_num_threads() == usual
    finally:
        torch.set_num_threads(before)


def test_resuming_goes_on_to_the_end_and_only_once(ask: Ask, interrupted: RunFolder) -> None:
    code, answer, words = ask("runs", "resume", interrupted.id)
    assert (code, answer["state"], answer["steps"]) == (0, "finished", 512)
    assert "from step 384" in words
    code, answer, _ = ask("runs", "resume", interrupted.id)
    assert code == 2
    assert "has finished" in answer["error"]


def test_a_run_that_is_going_is_neither_resumed_nor_deleted(
    ask: Ask, interrupted: RunFolder
) -> None:
    with interrupted.locked():
        code, answer, _ = ask("runs", "resume", interrupted.id)
        assert code == 2
        assert "already going in another process" in answer["error"]
        code, answer, _ = ask("runs", "delete", interrupted.id)
        assert code == 2
        assert "still going" in answer["error"]
    assert interrupted.path.exists()


def test_a_deleted_run_is_gone(ask: Ask, interrupted: RunFolder) -> None:
    assert ask("runs", "delete", interrupted.id)[:2] == (0, {"deleted": interrupted.id})
    assert not interrupted.path.exists()
    code, answer, _ = ask("runs", "show", interrupted.id)
    assert (code, answer["field"], answer["value"]) == (2, "run", interrupted.id)


@pytest.mark.parametrize("action", ["show", "resume", "delete"])
def test_an_action_on_one_run_needs_its_id(ask: Ask, action: str) -> None:
    code, answer, _ = ask("runs", action)
    assert code == 2
    assert "Give an id from `ppolab runs`" in answer["error"]


def test_a_path_is_no_id(ask: Ask, interrupted: RunFolder, home: Path) -> None:
    code, _, _ = ask("runs", "delete", f"../runs/{interrupted.id}")
    assert code == 2
    assert interrupted.path.exists()
