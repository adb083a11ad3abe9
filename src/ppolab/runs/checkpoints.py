"""Checkpoints of a run: tensors in safetensors, the rest in JSON; no pickle anywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ppolab.errors import StorageError

CHECKPOINTS_NAME = "checkpoints"
KEPT = 3


def save_checkpoint(
    folder: Path, step: int, tensors: Mapping[str, Tensor], extra: Mapping[str, Any]
) -> str:
    """Write a checkpoint so that it is there whole or not at all; keep the newest three.

    Returns:
        Its name inside the run folder, such as "checkpoints/step-000012800".
    """
    root = folder / CHECKPOINTS_NAME
    name = f"step-{step:09d}"
    unfinished = root / f".{name}.unfinished"
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()},
                  unfinished / "tensors.safetensors")  # fmt: skip
        (unfinished / "extra.json").write_text(json.dumps(dict(extra)), "utf-8")
        shutil.rmtree(root / name, ignore_errors=True)
        unfinished.replace(root / name)
    except OSError as error:
        raise StorageError(
            "checkpoint", str(root / name), f"cannot be written ({error.strerror})",
            "Check the free space and the folder's permissions",
        ) from error  # fmt: skip
    for old in checkpoint_steps(folder)[:-KEPT]:
        shutil.rmtree(root / f"step-{old:09d}", ignore_errors=True)
    return f"{CHECKPOINTS_NAME}/{name}"


def checkpoint_steps(folder: Path) -> list[int]:
    """Steps of all complete checkpoints, oldest first."""
    root = folder / CHECKPOINTS_NAME
    if not root.is_dir():
        return []
    numbers = [path.name.removeprefix("step-") for path in root.glob("step-*")]
    return sorted(int(number) for number in numbers if number.isdecimal())


def load_newest_checkpoint(
    folder: Path, only: int | None = None
) -> tuple[int, dict[str, Tensor], dict[str, Any]] | None:
    """Read the newest checkpoint that can be read, or None where there is none.

    A damaged one is passed over for the one before it: a disk that filled up or a machine that
    lost power must not take the whole run.

    Args:
        folder: the run's.
        only: step of the one that is wanted; None for any.

    Returns:
        Its step, its tensors and its plain data.
    """
    for step in reversed(checkpoint_steps(folder)):
        if only not in (None, step):
            continue
        path = folder / CHECKPOINTS_NAME / f"step-{step:09d}"
        try:
            tensors = load_file(path / "tensors.safetensors")
            extra = json.loads((path / "extra.json").read_text("utf-8"))
        except (OSError, ValueError, SafetensorError):
            continue
        return step, tensors, extra
    return None
