from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppolab.control.config import PPOConfig
from ppolab.runs import RunFolder, Runs
from ppolab.runs.session import NoControls, Session

Ask = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def finished(home: Path) -> RunFolder:
    """A run of eight iterations of 64 steps; its checkpoints are of the fifth and the last."""
    folder = Runs(home / "runs").create(
        PPOConfig(environments=2, rollout_steps=32, minibatch_size=32, total_steps=512,
                  backend="torch")
    )  # fmt: skip
    with folder.locked():
        assert Session(folder, NoControls()).run() == "finished"
    return folder


def test_a_runs_policy_is_written_and_described(
    ask: Ask, finished: RunFolder, tmp_path: Path
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason='needs pip install "ppolab[onnx]"')
    file = tmp_path / "policy.onnx"
    code, answer, words = ask("export", finished.id, "--onnx", str(file))
    assert code == 0
    assert (answer["step"], answer["onnx"]) == (512, str(file))
    assert answer["bytes"] == file.stat().st_size
    assert answer["inputs"] == {"observation": ["batch", 4]}
    assert answer["outputs"] == {
        "action_probabilities": ["batch", 2], "action": ["batch"], "value": ["batch"],
    }  # fmt: skip
    assert answer["largest_difference"] < 1e-4
    assert "in the environment's own units" in words
    assert "[batch, 4]" in words
    told = onnxruntime.InferenceSession(str(file)).get_modelmeta().custom_metadata_map
    assert (told["run"], told["step"], told["seed"]) == (finished.id, "512", "1")
    assert told["environment"] == "CartPole-v1"
    # An older checkpoint is another policy.
    older = tmp_path / "older.onnx"
    _, answer, _ = ask("export", finished.id, "--onnx", str(older), "--checkpoint", "320")
    assert answer["step"] == 320
    rows = {"observation": np.ones((1, 4), np.float32)}
    values = [
        onnxruntime.InferenceSession(str(one)).run(["value"], rows)[0] for one in (file, older)
    ]
    assert values[0] != values[1]


def test_an_unknown_checkpoint_is_named_with_the_known_ones(ask: Ask, finished: RunFolder) -> None:
    code, answer, _ = ask("export", finished.id, "--onnx", "p.onnx", "--checkpoint", "64")
    assert (code, answer["field"]) == (2, "checkpoint")
    assert "Known: 320, 512" in answer["mend"]


def test_a_damaged_checkpoint_is_not_replaced_by_another(ask: Ask, finished: RunFolder) -> None:
    damaged = finished.path / "checkpoints" / "step-000000512" / "tensors.safetensors"
    damaged.write_bytes(b"torn")
    code, answer, _ = ask("export", finished.id, "--onnx", "p.onnx", "--checkpoint", "512")
    assert code == 2
    assert "has a damaged checkpoint of step 512" in answer["error"]


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        ([], "run", "Give an id from `ppolab runs`"),
        (["nobody"], "onnx", "--onnx policy.onnx"),
        (["nobody", "--onnx", "p.onnx"], "run", "is not known"),
        (["nobody", "--onnx", "/nowhere/p.onnx"], "onnx", "lies in no existing folder"),
        (["cartpole-seed1", "--onnx", "p.onnx"], "run", "came with the course"),
    ],
)
def test_what_cannot_be_exported_is_said_in_words(
    ask: Ask, arguments: list[str], field: str, words: str
) -> None:
    code, answer, _ = ask("export", *arguments)
    assert (code, answer["field"]) == (2, field)
    assert words in answer["error"]


def test_without_the_packages_the_mend_is_named(
    ask: Ask, finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    code, answer, _ = ask("export", finished.id, "--onnx", "p.onnx")
    assert code == 2
    assert 'pip install "ppolab[onnx]"' in answer["mend"]
    assert not Path("p.onnx").exists()
