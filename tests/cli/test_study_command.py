from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Ask = Callable[..., tuple[int, dict[str, Any], str]]
STUDY = {
    "slices": [
        {"name": "chosen is longer", "pairs": 1200, "accuracy": 0.75},
        {"name": "same length", "pairs": 0, "accuracy": None},
    ],
    "claimed": [0.55, 0.9], "happened": [0.5, 0.8125], "counts": [20, 16],
    "spearman": 0.125, "kendall": None,
    "edits": [{"name": "one word deleted", "answers": 30, "moved": 0.25, "flipped": 0.1}],
    "shifted": {"name": "written by another policy", "pairs": 256, "accuracy": 0.5625},
    "spread_when_right": 0.0, "spread_when_wrong": 0.5,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reward-study.json").write_text(json.dumps(STUDY))
    return tmp_path


def test_a_study_is_shown_whole_with_a_dash_where_there_is_no_number(
    ask: Ask, folder: Path
) -> None:
    code, answer, words = ask("study", str(folder))
    assert (code, answer["study"]) == (0, STUDY)
    rows = [" ".join(line.split()) for line in words.splitlines()]
    for row in (
        "chosen is longer 1,200 75.0%",
        "same length 0 –",
        "written by another policy 256 56.2%",
        "90.0% 16 81.2%",
        "one word deleted 30 0.250 10.0%",
        "Order beside the judge's: Spearman 0.125, Kendall –",
    ):
        assert row in rows
    assert "0.000 where it is right, 0.500 where it is wrong" in words


@pytest.mark.parametrize(
    ("text", "words"), [(None, "holds no reward-study.json"), ("{", "holds no readable")]
)
def test_a_folder_without_a_study_is_named(
    ask: Ask, folder: Path, text: str | None, words: str
) -> None:
    file = folder / "reward-study.json"
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    code, answer, _ = ask("study", str(folder))
    assert code == 2
    assert words in answer["error"]


def test_a_run_that_is_not_there_is_named(ask: Ask) -> None:
    code, answer, _ = ask("study", "nowhere")
    assert (code, answer["field"]) == (2, "run")
    code, answer, _ = ask("study")
    assert "Give an id" in answer["error"]
