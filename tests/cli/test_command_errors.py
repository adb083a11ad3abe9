from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppolab import __version__
from ppolab.cli import COMMANDS, main

Ask = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        (
            ["nope"],
            "command",
            "Known: serve, train, rlhf, study, overoptimization, eval",
        ),
        (["train", "CartPole-v1", "--nope"], "options", "--nope"),
        (["train", "CartPole-v1", "--epochs", "x"], "options", "--epochs"),
        (["train", "CartPole-v1", "--seed"], "options", "--seed"),
        (["train", "CartPole-v1", "--epochs", "0"], "epochs", "must be at least 1"),
        (["train", "CartPole-v1", "--minibatch-size", "7"], "minibatch_size", "divisor"),
        (["train", "CartPole-v1", "--gamma", "nan"], "gamma", "must lie in [0, 1]"),
        (["train", "Cartpole"], "environment", "Did you mean CartPole-v"),
        (["train", "CartPole-v1", "--precision", "float8"], "options", "float8"),
        (["train", "--preset", "nope"], "preset", "cartpole-baseline"),
        (["runs", "explode"], "options", "explode"),
        (["runs", "show", "nope"], "run", "no run yet"),
        (["course", "check", "--home", "x"], "options", "--home"),
        (["challenge", "list", "--home", "x"], "options", "--home"),
    ],
)
def test_a_command_that_cannot_be_done_says_why_in_words_and_in_json(
    ask: Ask, arguments: list[str], field: str, words: str
) -> None:
    code, answer, spoken = ask(*arguments)
    assert code == 2
    assert answer["field"] == field
    assert words in answer["error"]
    assert answer["error"] in spoken
    assert len(answer["error"]) < 500
    assert "Traceback" not in spoken


def test_without_json_nothing_is_said_on_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["train", "Cartpole"]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("ppolab: environment: 'Cartpole' is not known. Did you mean")


@pytest.mark.parametrize("command", ["train", "runs"])
def test_a_home_that_cannot_be_written_is_named_with_its_mend(
    ask: Ask, home: Path, command: str
) -> None:
    home.write_text("a file where the folder should be")
    code, answer, _ = ask(command)
    assert code == 2
    assert answer["field"] == "runs folder"
    assert answer["value"] == str(home / "runs")
    assert "PPOLAB_HOME or --home" in answer["mend"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_shows_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"Example: ppolab {command} " in text
    assert "--json" in text


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_names_every_command_and_an_example(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {command} " in text for command in COMMANDS)
    assert "ppolab train CartPole-v1" in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


def in_a_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ppolab", *arguments], capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_a_whole_process_answers_with_json_on_the_last_line() -> None:
    done = in_a_process("train", "CartPole-v1", "--total-steps", "512", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["steps"] == 512


def test_a_whole_process_ends_with_two_and_json_when_an_option_is_unknown() -> None:
    done = in_a_process("train", "CartPole-v1", "--nope", "--json")
    assert done.returncode == 2
    assert "--nope" in json.loads(done.stdout.splitlines()[-1])["error"]
    assert "Traceback" not in done.stderr
