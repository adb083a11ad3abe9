from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppolab.cli import main
from ppolab.control.presets import read_preset
from ppolab.runs.studies.crews import InlineCrew

Ask = Callable[..., tuple[int, dict[str, Any], str]]

QUICK = ("--preset", "none", "--environments", "2", "--rollout-steps", "32", "--minibatch-size",
         "32", "--epochs", "2", "--hidden-size", "16", "--total-steps", "192", "--backend",
         "torch", "--seeds", "2", "--reports", "3")  # fmt: skip
VARY = ("--vary", "learning_rate=log:1e-4:1e-2", "gamma=0.9,0.99")


def test_a_sweep_answers_with_its_trials_and_writes_the_best_as_a_preset(
    ask: Ask, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "best.yaml"
    code, answer, words = ask(
        "sweep", "CartPole-v1", *VARY, "--trials", "3", "--seed", "7", "--write-preset", str(file),
        *QUICK,
    )  # fmt: skip
    assert code == 0
    assert (answer["state"], answer["seeds"], len(answer["trials"])) == ("finished", [7, 8], 3)
    assert answer["finished"] + answer["pruned"] + answer["failed"] == 3
    finished = [trial for trial in answer["trials"] if trial["state"] == "finished"]
    assert answer["best"] == max(finished, key=lambda trial: trial["value"])
    assert answer["importances"] is None
    study = Path(answer["study"])
    assert study.parent == home / "studies"
    assert json.loads((study / "result.json").read_text()) == answer
    preset = read_preset(file)
    assert answer["preset_file"] == str(file)
    assert answer["best"]["settings"].items() <= preset.config.to_mapping().items()
    assert (preset.config.hidden_size, preset.config.seed) == (16, 7)
    assert f"{answer['best']['value']:.1f}" in preset.description
    assert f"{answer['best']['value']:.1f}" in words
    # The best settings give the same numbers when they are trained again.
    _, trained, _ = ask("train", "--preset", str(file))
    assert trained["preset"] == "best"
    assert trained["mean_return_100"] == answer["best"]["values"][0]
    _, listed, _ = ask("runs", "--home", str(study))
    assert len(listed["runs"]) == 6


def test_an_interrupted_sweep_goes_on_and_may_be_made_longer(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("sweep", "CartPole-v1", *VARY, *QUICK)
    whole = ask(*arguments, "--trials", "3")[1]
    waits, wait = 0, InlineCrew.wait

    def interrupted(crew: InlineCrew) -> Any:
        nonlocal waits
        waits += 1
        if waits == 5:
            raise KeyboardInterrupt
        return wait(crew)

    monkeypatch.setattr(InlineCrew, "wait", interrupted)
    code, answer, words = ask(*arguments, "--trials", "2")
    assert (code, answer["state"]) == (1, "interrupted")
    assert "interrupted after 1 of 2 trials; nothing is lost" in words
    assert f"Go on with:  ppolab sweep --resume {answer['id']}" in words
    monkeypatch.setattr(InlineCrew, "wait", wait)
    code, resumed, _ = ask("sweep", "--resume", answer["id"], "--trials", "3")
    assert code == 0
    assert resumed["trials"] == whole["trials"]


def test_a_sweep_in_which_no_trial_finishes_says_why(ask: Ask) -> None:
    code, answer, words = ask(
        "sweep", "CartPole-v1", "--vary", "learning_rate=1e30,2e30", "--trials", "1", *QUICK,
        "--max-gradient-norm", "1e30",
    )  # fmt: skip
    assert code == 1
    assert answer["best"] is None
    assert "No trial finished." in words
    assert "trial 0: failed at step" in words


def test_a_space_can_come_from_a_file_and_be_added_to(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text("gamma: [0.9, 0.99]\n")
    _, answer, _ = ask(
        "sweep", "CartPole-v1", "--space", str(file), "--vary", "epochs=1,2", "--trials", "1",
        *QUICK,
    )  # fmt: skip
    assert answer["trials"][0]["settings"].keys() == {"gamma", "epochs"}


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        ([], "vary", "--vary learning_rate=log"),
        (["--vary", "gama=1,2"], "vary", "'gama' is not known"),
        (["--vary", "gamma"], "vary", "is not NAME=VALUES"),
        (["--vary", "gamma=0.9:high"], "gamma", "cannot be read as a range"),
        (["--vary", "gamma=0.9:1.5"], "gamma", "must lie in [0, 1]"),
        (["--vary", "seed=1,2"], "vary", "--seeds says how many"),
        (["--space", "nowhere.yaml"], "space", "cannot be read"),
        ([*VARY, "--trials", "0"], "trials", "Give 1 or more"),
        ([*VARY, "--seeds", "0"], "seeds", "Give 1 or more"),
        ([*VARY, "--jobs", "0"], "jobs", "Give 1 or more"),
        ([*VARY, "--reports", "0"], "reports", "out of range"),
        ([*VARY, "--metric", "steps_to"], "metric", "such as steps_to:475"),
        ([*VARY, "--pruner", "hope"], "options", "hope"),
        ([*VARY, "--write-preset", "best.txt"], "write_preset", "ends in .yaml"),
        ([*VARY, "--write-preset", "/nowhere/best.yaml"], "write_preset", "existing folder"),
        (["--resume", "nobody"], "study", "Known: none yet"),
    ],
)
def test_what_a_sweep_cannot_do_is_said_in_words(
    ask: Ask, arguments: list[str], field: str, words: str
) -> None:
    code, answer, _ = ask("sweep", "CartPole-v1", *arguments)
    assert (code, answer["field"]) == (2, field)
    assert words in answer["error"]


def test_an_unknown_environment_leaves_no_study_behind(ask: Ask, home: Path) -> None:
    code, answer, _ = ask("sweep", "Cartpole", *VARY)
    assert (code, answer["field"]) == (2, "environment")
    assert not (home / "studies").exists()


def test_people_get_a_table_of_the_best_trials(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "CartPole-v1", *VARY, "--trials", "1", *QUICK]) == 0
    output, _ = capsys.readouterr()
    assert "learning_rate" in output
    assert "train it on other" in output
    assert '{"' not in output
