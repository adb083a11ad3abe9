"""Models on disk: weights as safetensors, sizes in the file's own header, no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from ppolab.errors import PPOLabError, StorageError
from ppolab.language.gpt import GPT, GPTConfig
from ppolab.language.reward_heads import RewardShape
from ppolab.language.reward_model import RewardEnsemble, RewardModel, ScoringModel
from ppolab.language.tokenizer import Tokenizer

MODEL_NAME = "model.safetensors"
_FORMAT = "ppolab.gpt.1"


def save_gpt(path: Path, model: GPT, dtype: torch.dtype = torch.float32) -> None:
    """Write a GPT into one file, whole or not at all."""
    _save(path, model, model.config, "gpt", dtype)


def load_gpt(path: Path) -> GPT:
    """Read a GPT that `save_gpt` wrote.

    Raises:
        StorageError: there is none, or the file is something else.
    """
    config, weights, _ = _read(path, "gpt")
    model = GPT(config)
    model.load_state_dict(weights)
    return model


def save_reward_model(path: Path, model: ScoringModel) -> None:
    """Write a reward model on a GPT, or an ensemble of them, into one file, whole or not at all."""
    first = model.members[0] if isinstance(model, RewardEnsemble) else model
    assert isinstance(first, RewardModel)
    assert isinstance(first.trunk, GPT)
    extra: dict[str, Any] = {}
    if first.shape != RewardShape():
        extra["shape"] = first.shape.to_mapping()
    if isinstance(model, RewardEnsemble):
        extra["members"] = len(model.members)
    _save(path, model, first.trunk.config, "reward model", torch.float32, extra)


def load_reward_model(path: Path) -> RewardModel | RewardEnsemble:
    """Read what `save_reward_model` wrote.

    Raises:
        StorageError: there is none, or the file is something else.
    """
    config, weights, header = _read(path, "reward model")
    shape = RewardShape(**header.get("shape", {}))
    members = int(header.get("members", 0))
    models = [RewardModel(GPT(config), 0, shape) for _ in range(max(members, 1))]
    model = RewardEnsemble(models) if members else models[0]
    model.load_state_dict(weights)
    return model


def base_gpt() -> GPT:
    """The base model that comes with the course, trained on the novels."""
    with as_file(files("ppolab.language").joinpath("assets/base.safetensors")) as path:
        return load_gpt(path)


def course_tokenizer() -> Tokenizer:
    """The tokenizer that comes with the course."""
    with as_file(files("ppolab.language").joinpath("assets/tokenizer.json")) as path:
        return Tokenizer.load(path)


def _save(
    path: Path,
    model: nn.Module,
    config: GPTConfig,
    what: str,
    dtype: torch.dtype,
    extra: Mapping[str, Any] | None = None,
) -> None:
    weights = {
        name: value.detach().to(dtype if value.is_floating_point() else value.dtype).contiguous()
        for name, value in model.state_dict().items()
    }
    # One entry, for the library writes several in any order and the same model in other bytes.
    header = {_FORMAT: json.dumps({"what": what, "config": config.to_mapping(), **(extra or {})})}
    partial = path.with_name(f".{path.name}.partial")
    try:
        save_file({name: w.clone() for name, w in weights.items()}, partial, metadata=header)
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise StorageError(
            "model", str(path), f"cannot be written ({error})", "Check the free space"
        ) from error


def _read(path: Path, what: str) -> tuple[GPTConfig, dict[str, torch.Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(_FORMAT, "{}"))
            read = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        weights = {k: w.float() if w.is_floating_point() else w for k, w in read.items()}
        if header.get("what") != what:
            raise ValueError(f"its header says {header.get('what', 'nothing')}")
        return GPTConfig(**header["config"]), weights, header
    except (OSError, SafetensorError, ValueError, TypeError, PPOLabError) as error:
        raise StorageError(
            "model", str(path), f"is no {what} of ours ({error})",
            "Give the folder of a finished run, or a file that one wrote",
        ) from error  # fmt: skip
