from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppolab.cli import main
from ppolab.control.config import PPOConfig
from ppolab.runs import RunFolder, Runs
from ppolab.runs.session import NoControls, Session

Ask = Callable[..., tuple[int, dict[str, Any], str]]


def train(home: Path, **changes: Any) -> RunFolder:
    """A run of eight iterations of 64 steps; its checkpoints are of the fifth and the last."""
    folder = Runs(home / "runs").create(
        PPOConfig(environments=2, rollout_steps=32, minibatch_size=32, total_steps=512, **changes)
    )
    with folder.locked():
        assert Session(folder, NoControls()).run() == "finished"
    return folder


@pytest.fixture
def finished(home: Path) -> RunFolder:
    return train(home)


def test_a_runs_policy_is_evaluated_at_its_newest_checkpoint(ask: Ask, finished: RunFolder) -> None:
    code, answer, words = ask("eval", finished.id, "--episodes", "12")
    assert code == 0
    assert (answer["episodes"], answer["deterministic"], answer["step"]) == (12, True, 512)
    assert (answer["run"], answer["id"]) == (str(finished.path), finished.id)
    low, high = answer["interval"]
    assert answer["min_return"] <= low <= answer["mean_return"] <= high <= answer["max_return"]
    assert answer["mean_length"] == answer["mean_return"]  # CartPole pays 1 a step
    assert answer["std"] > 0
    assert answer["recorded"] is None
    assert "checkpoint of step 512 of 512" in words
    assert f"{answer['mean_return']:.1f}" in words
    assert f"95 % interval {low:.1f} to {high:.1f}" in words
    assert ask("eval", finished.id, "--episodes", "12")[1] == answer
    drawn = ask("eval", finished.id, "--episodes", "12", "--stochastic")[1]
    assert not drawn["deterministic"]
    assert drawn["mean_return"] != answer["mean_return"]
    other = ask("eval", finished.id, "--episodes", "12", "--seed", "7")[1]
    assert other["mean_return"] != answer["mean_return"]
    # An older checkpoint is another policy, or the same one on the same seed would score the same.
    shutil.rmtree(finished.path / "checkpoints" / "step-000000512")
    older = ask("eval", finished.id, "--episodes", "12")[1]
    assert older["step"] == 320
    assert older["mean_return"] != answer["mean_return"]


def test_evaluating_leaves_the_run_as_it_is(ask: Ask, finished: RunFolder) -> None:
    def files() -> dict[str, bytes]:
        return {str(f): f.read_bytes() for f in finished.path.rglob("*") if f.is_file()}

    before = files()
    assert ask("eval", finished.id, "--episodes", "2")[0] == 0
    assert files() == before


def test_an_episode_is_written_into_the_runs_folder(
    ask: Ask, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train(home, environment="MountainCar-v0", normalize_observations=True)
    code, answer, _ = ask("eval", folder.id, "--episodes", "1", "--seed", "4", "--record")
    assert code == 0
    file = folder.path / "episodes" / "step-000000512-seed-4.npz"
    assert answer["recorded"] == str(file)
    assert not [path for path in file.parent.iterdir() if "unfinished" in path.name]
    with np.load(file) as kept:  # without pickle
        assert kept["rewards"].sum() == answer["mean_return"] == -200.0
        assert kept["observations"].shape == (201, 2)
        # In the environment's own units: the car begins between −0.6 and −0.4, at rest.
        assert -0.6 <= kept["observations"][0, 0] <= -0.4
        assert kept["observations"][0, 1] == 0.0
        assert kept["action_probabilities"].shape == (200, 3)
        np.testing.assert_allclose(kept["action_probabilities"].sum(1), 1.0, rtol=1e-5)
        assert bool(kept["truncated"])
    facts = json.loads(file.with_suffix(".json").read_text())
    assert (facts["episode_return"], facts["length"], facts["truncated"]) == (-200.0, 200, True)
    # Frames need pygame, which may or may not be here; never neither frames nor a reason.
    assert (facts["frames"] is not None) == (answer["frames_absent"] is None)
    assert main(["eval", folder.id, "--episodes", "1", "--record"]) == 0
    told = capsys.readouterr().out
    assert str(folder.path / "episodes" / "step-000000512-seed-1000.npz") in told
    assert ("with frames" in told) == (answer["frames_absent"] is None)


def test_one_episode_has_no_interval(ask: Ask, finished: RunFolder) -> None:
    _, answer, words = ask("eval", finished.id, "--episodes", "1")
    assert answer["interval"] is None
    assert answer["std"] is None
    assert "interval" not in words


def test_an_unknown_run(ask: Ask, finished: RunFolder) -> None:
    code, answer, _ = ask("eval", "nobody")
    assert (code, answer["field"], answer["value"]) == (2, "run", "nobody")
    assert finished.id in answer["mend"]


def test_no_run_at_all(ask: Ask) -> None:
    code, answer, _ = ask("eval")
    assert code == 2
    assert "Give an id from `ppolab runs`" in answer["error"]


def test_a_run_that_has_no_checkpoint_yet(ask: Ask, home: Path) -> None:
    folder = Runs(home / "runs").create(PPOConfig())
    code, answer, _ = ask("eval", folder.id)
    assert code == 2
    assert "has no checkpoint yet" in answer["error"]
    assert "ppolab train CartPole-v1" in answer["mend"]
    with folder.locked():
        assert "Wait" in ask("eval", folder.id)[1]["mend"]


def test_a_run_whose_checkpoints_are_all_damaged(ask: Ask, finished: RunFolder) -> None:
    for tensors in finished.path.glob("checkpoints/*/tensors.safetensors"):
        tensors.write_bytes(b"torn")
    code, answer, _ = ask("eval", finished.id)
    assert code == 2
    assert "has only damaged checkpoints" in answer["error"]


def test_a_run_that_came_with_the_course_without_checkpoints(ask: Ask) -> None:
    code, answer, _ = ask("eval", "cartpole-seed1")
    assert code == 2
    assert "came with the course, as its log alone, without checkpoints" in answer["error"]
    code, answer, _ = ask("eval", "cartpole-seed1", "--record")
    assert "Leave out --record" in answer["mend"]


@pytest.mark.parametrize("option", [("--episodes", "0"), ("--seed", "-1")])
def test_options_are_checked(ask: Ask, finished: RunFolder, option: tuple[str, str]) -> None:
    code, answer, _ = ask("eval", finished.id, *option)
    assert code == 2
    assert answer["field"] == option[0].strip("-")
