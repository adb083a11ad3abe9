from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppolab.cli import main
from tiny_task import tiny_task

__all__ = ["tiny_task"]  # the fixture that every test here uses

Ask = Callable[..., tuple[int, dict[str, Any], str]]
TINY = (
    "--task", "tiny", "--sft-updates", "2", "--pairs", "80", "--updates", "2", "--batch-size", "8",
    "--minibatch-size", "8", "--epochs", "1", "--longest-response", "4", "--dtype", "float32",
    "--threads", "1",
)  # fmt: skip


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "ensemble: heads\nmembers: 3\nrule: worst\nkl-coef: 0.3\n"
        "settings: {rlhf: {training: {evaluate_every: 1, evaluation_prompts: 6}}}\n"
    )
    return path


def test_a_file_and_the_terminal_make_the_stages_together(ask: Ask, mine: Path) -> None:
    code, answer, words = ask("rlhf", "--config", str(mine), *TINY, "--kl-coef", "0.4")
    assert code == 0
    folders = {kind: Path(found["run"]) for kind, found in answer["stages"].items()}
    configs = {kind: json.loads((path / "run.json").read_text())["config"]
               for kind, path in folders.items()}  # fmt: skip
    assert configs["reward-model"]["training"]["members"] == 3
    assert configs["reward-model"]["policy"] == str(folders["sft"])
    rlhf = configs["rlhf"]
    assert (rlhf["rule"], rlhf["reward"]) == ("worst", str(folders["reward-model"]))
    assert rlhf["training"]["kl_coef"] == 0.4  # the terminal comes before the file
    assert rlhf["training"]["evaluate_every"] == 1
    table = {row["key"]: row for row in answer["stages"]["rlhf"]["table"]}
    assert table["eval_gold"]["before"] == answer["gold_before"]
    assert table["eval_gold"]["after"] == answer["gold_after"]
    stages = answer["stages"]["rlhf"]
    assert len(stages["texts_before"]) == len(stages["texts_after"]) > 0
    assert stages["texts_after"][0][:20] in words  # the table for people shows answers as well


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        (("--pooling", "first"), "options", "first"),
        (("--members", "1", "--ensemble", "heads"), "members", "Give 2 or more"),
        (("--preset", "austen-a2c"), "preset", "austen-grpo"),
        (("--preset", "austen-ppo", "--config", "x.yaml"), "config", "Give one of"),
        (("--config", "x.yaml"), "config", "cannot be read"),
        (("--threads", "0"), "threads", "Give 1 or more"),
        (("--stage", "reward-model", "--prompts", "p.jsonl"), "stage", "--pairs-file"),
        (("--stage", "rlhf"), "sft", "--sft"),
    ],
)
def test_what_cannot_be_used_is_named(
    ask: Ask, arguments: tuple[str, ...], field: str, words: str
) -> None:
    code, answer, _ = ask("rlhf", *arguments)
    assert code == 2
    assert answer["field"] == field
    assert words in json.dumps(answer)


def test_help_shows_options_in_groups_with_their_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["rlhf", "--help"])
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for words in (
        "preferences options", "policy options", "models options",
        "--pooling {last,mean,attention}", "--ensemble {none,heads,models,dropout}",
        "--rule {mean,deviation,variance,worst}", "--kl-estimator {k1,k2,k3}", "--shared-trunk",
    ):  # fmt: skip
        assert words in shown
