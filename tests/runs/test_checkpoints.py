from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from ppolab.errors import StorageError
from ppolab.runs.checkpoints import checkpoint_steps, load_newest_checkpoint, save_checkpoint


def save(folder: Path, step: int, number: float = 1.0) -> str:
    return save_checkpoint(folder, step, {"x": torch.tensor([number])}, {"step": step})


def test_what_was_saved_is_loaded_bit_for_bit(tmp_path: Path) -> None:
    strided = torch.arange(6.0).reshape(2, 3).T  # not contiguous
    tensors = {"a": strided, "b": torch.tensor([7], dtype=torch.uint8)}
    extra = {"big": 2**100, "tiny": 0.1 + 0.2, "nan": math.nan, "text": "é", "none": None}
    name = save_checkpoint(tmp_path, 12800, tensors, extra)
    assert name == "checkpoints/step-000012800"
    newest = load_newest_checkpoint(tmp_path)
    assert newest is not None
    step, loaded, plain = newest
    assert step == 12800
    assert torch.equal(loaded["a"], strided)
    assert torch.equal(loaded["b"], tensors["b"])
    assert math.isnan(plain.pop("nan"))
    assert plain == {key: value for key, value in extra.items() if key != "nan"}


def test_only_the_newest_three_are_kept(tmp_path: Path) -> None:
    for step in (100, 900, 1000, 2000):  # not in the order of their names as text
        save(tmp_path, step)
    assert checkpoint_steps(tmp_path) == [900, 1000, 2000]


def test_a_step_saved_again_holds_the_second(tmp_path: Path) -> None:
    save(tmp_path, 5, 1.0)
    save(tmp_path, 5, 2.0)
    newest = load_newest_checkpoint(tmp_path)
    assert newest is not None
    assert newest[1]["x"].tolist() == [2.0]


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert load_newest_checkpoint(tmp_path) is None
    assert checkpoint_steps(tmp_path) == []


@pytest.mark.parametrize("file", ["tensors.safetensors", "extra.json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "missing", "zeros"])
def test_a_damaged_newest_one_is_passed_over(tmp_path: Path, file: str, damage: str) -> None:
    save(tmp_path, 1)
    path = tmp_path / save(tmp_path, 2) / file
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"cut": whole[:-1], "empty": b"", "zeros": bytes(len(whole))}[damage])
    newest = load_newest_checkpoint(tmp_path)
    assert newest is not None
    assert newest[0] == 1


def test_none_that_can_be_read_is_none(tmp_path: Path) -> None:
    for step in (1, 2):
        (tmp_path / save(tmp_path, step) / "extra.json").unlink()
    assert load_newest_checkpoint(tmp_path) is None


def test_one_that_was_never_finished_is_not_seen(tmp_path: Path) -> None:
    save(tmp_path, 1)
    with pytest.raises(TypeError):  # the plain data cannot be written: as if the process had died
        save_checkpoint(tmp_path, 2, {"x": torch.zeros(1)}, {"thing": object()})
    assert checkpoint_steps(tmp_path) == [1]
    save(tmp_path, 2)  # what was left lying does not get in the way
    assert checkpoint_steps(tmp_path) == [1, 2]


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    save(tmp_path, 3)
    (tmp_path / "checkpoints" / "step-000000003 (copy)").mkdir()
    assert checkpoint_steps(tmp_path) == [3]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be written") as caught:
        save(tmp_path, 7)
    assert caught.value.value == str(tmp_path / "checkpoints" / "step-000000007")
