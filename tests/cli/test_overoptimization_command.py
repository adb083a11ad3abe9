from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_rlhf_command import TINY

from ppolab.runs import Runs
from tiny_task import tiny_task

__all__ = ["tiny_task"]  # the fixture that every test here uses

Ask = Callable[..., tuple[int, dict[str, Any], str]]


def test_a_sweep_is_trained_once_fitted_and_written(ask: Ask, home: Path, tmp_path: Path) -> None:
    _, stages, _ = ask("rlhf", *TINY)
    sft, model = (stages["stages"][kind]["run"] for kind in ("sft", "reward-model"))
    before = len(Runs(home / "runs").list())
    out, mine = tmp_path / "law.json", tmp_path / "mine.yaml"
    mine.write_text("settings: {best-of-n: {training: {prompts: 6}}, rlhf: "
                    "{training: {evaluate_every: 1, evaluation_prompts: 6}}}\n")  # fmt: skip
    asked = ("overoptimization", "--config", str(mine), *TINY, "--sft", sft,
             "--reward-model", model, "--kl-coefs", "0,0.5", "--n", "1,2,4",
             "--out", str(out))  # fmt: skip
    code, answer, words = ask(*asked)
    assert code == 0, answer
    assert len(answer["runs"]) == 3  # a run at each price, and best-of-n
    assert len(Runs(home / "runs").list()) == before + 3
    laws = {(law["method"], law["of"]): law for law in answer["laws"]}
    assert set(laws) == {(m, of) for m in ("rl", "best-of-n") for of in ("gold", "reward")}
    assert laws["rl", "gold"]["groups"] == 2
    assert "best of 4" in words
    assert "Student's t, by leaving out one run" in words
    kept = json.loads(out.read_text("utf-8"))
    assert kept["laws"] == answer["laws"]
    with out.with_suffix(".csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["kl"]) for row in rows] == [point["kl"] for point in kept["points"]]

    code, again, _ = ask(*asked)
    assert (code, again["runs"]) == (0, answer["runs"])
    assert len(Runs(home / "runs").list()) == before + 3  # nothing was trained anew
    code, named, _ = ask("overoptimization", "--runs", *answer["runs"])
    assert (code, named["laws"]) == (0, answer["laws"])


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((), "reward_model"),
        (("--kl-coefs", "0,much", "--reward-model", "."), "kl_coefs"),
        (("--out", "no/such/folder/law.json"), "out"),
        (("--runs", "nobody"), "run"),
        (("--threads", "0"), "threads"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_begins(
    ask: Ask, arguments: tuple[str, ...], field: str
) -> None:
    code, answer, _ = ask("overoptimization", *arguments)
    assert (code, answer["field"]) == (2, field)
