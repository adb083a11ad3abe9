from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppolab.cli import main
from ppolab.control.presets import load_preset

Ask = Callable[..., tuple[int, dict[str, Any], str]]


def test_training_answers_with_one_json_object(ask: Ask, home: Path) -> None:
    code, answer, words = ask("train", "CartPole-v1", "--total-steps", "1024", "--seed", "3")
    assert code == 0
    assert answer["steps"] == 1024
    assert answer["state"] == "finished"
    assert (answer["preset"], answer["seed"]) == ("cartpole", 3)
    assert 9 < answer["mean_return_100"] < 60  # two updates on: hardly better than chance
    assert answer["episodes"] > 5
    assert 0 < answer["seconds"] < 120
    assert Path(answer["run"]).parent == home / "runs"
    assert Path(answer["run"]).name == answer["id"]
    assert "run folder: " in words


def test_the_run_keeps_the_settings_that_were_asked_for(ask: Ask) -> None:
    _, answer, _ = ask(
        "train", "CartPole-v1", "--total-steps", "512", "--clip-range", "0.1", "--title", "Small ε",
        "--entropy-coef", "0.03",
    )  # fmt: skip
    manifest = json.loads((Path(answer["run"]) / "run.json").read_text("utf-8"))
    expected = load_preset("cartpole").config.to_mapping()
    expected |= {"total_steps": 512, "clip_range": 0.1, "entropy_coef": 0.03}
    expected["backend"] = "auto"  # the preset was not asked for, only its environment
    assert manifest["config"] == expected
    assert manifest["title"] == "Small ε"


def test_a_preset_can_be_named_or_left_out(ask: Ask) -> None:
    _, named, _ = ask("train", "--preset", "cartpole-baseline", "--total-steps", "512")
    assert named["preset"] == "cartpole-baseline"
    _, bare, _ = ask("train", "CartPole-v1", "--preset=none", "--total-steps", "512")
    assert bare["preset"] is None


def test_an_environment_without_a_preset_uses_the_defaults(ask: Ask) -> None:
    code, answer, _ = ask("train", "MountainCarContinuous-v0", "--total-steps", "512")
    assert code == 0
    assert answer["preset"] is None
    assert answer["mean_return_100"] is None  # no episode of 999 steps is over after 128
    assert answer["episodes"] == 0


def test_the_same_seed_gives_the_same_answer(ask: Ask) -> None:
    answers = [ask("train", "CartPole-v1", "--total-steps", "1024")[1] for _ in range(2)]
    assert answers[0]["mean_return_100"] == answers[1]["mean_return_100"]
    assert answers[0]["run"] != answers[1]["run"]


def test_people_get_a_summary_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "CartPole-v1", "--total-steps", "512"]) == 0
    output, errors = capsys.readouterr()
    assert "finished at step 512: mean return" in output
    assert "Explained variance" in output
    assert '{"' not in output
    assert errors == ""
