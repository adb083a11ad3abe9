"""The parts of a stage that are made differently when its model is one of Hugging Face's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ppolab.errors import InvalidSettingError, StorageError
from ppolab.language.file_task import FileTask
from ppolab.language.hardware import dtype_of
from ppolab.language.huggingface.causal import AdapterOff, HuggingFaceModel
from ppolab.language.huggingface.loading import (
    best_device,
    load_model,
    load_tokenizer,
    save_model,
)
from ppolab.language.huggingface.settings import HuggingFaceSettings
from ppolab.language.models import LanguageModel
from ppolab.language.reward_heads import RewardShape
from ppolab.language.reward_model import RewardModel
from ppolab.language.tasks import CourseTask, task_named
from ppolab.language.tokenizer import Tokenizer

HEAD_NAME = "head.safetensors"  # a reward model's head, beside its trunk


def load_task(
    name: str, model: str, context: int, settings: HuggingFaceSettings
) -> CourseTask | FileTask:
    """What to learn: one's own files, or a task of the course in the model's own tokens.

    Args:
        name: of the course's task.
        model: whose tokenizer reads the texts.
        context: longest sequence of the model in tokens.
        settings: name the files.
    """
    tokenizer = load_tokenizer(model)
    if settings.prompts or settings.pairs:
        prompts, pairs = (Path(f) if f else None for f in (settings.prompts, settings.pairs))
        return FileTask(prompts, pairs, tokenizer, context)
    return replace(task_named(name), own_tokenizer=tokenizer, longest=context)


def load_trainable(
    model: str, settings: HuggingFaceSettings, dtype: str, seed: int
) -> HuggingFaceModel:
    """A model to train: whole in float32, or frozen in the quick type under an adapter."""
    compute = dtype_of(dtype) if settings.lora_rank else torch.float32
    return load_model(
        model, compute, settings.lora_rank, settings.lora_alpha, settings.gradient_checkpointing,
        seed,
    )  # fmt: skip


def load_reference(model: str, policy: HuggingFaceModel) -> LanguageModel:
    """What the policy is held near to: itself without its adapter, or a copy that stays."""
    if policy.has_adapter:
        return AdapterOff(policy)
    reference = load_model(model)
    reference.requires_grad_(False)
    return reference


def keep_model(folder: Path, model: LanguageModel, tokenizer: Tokenizer) -> None:
    """Leave a finished stage's model in its folder, as `save_pretrained` does."""
    assert isinstance(model, HuggingFaceModel)
    save_model(folder, model, tokenizer)  # type: ignore[arg-type]


def keep_reward_model(folder: Path, model: RewardModel, tokenizer: Tokenizer) -> None:
    """Leave the trunk as a language model, and beside it the head with its normalisation."""
    keep_model(folder, model.trunk, tokenizer)
    head = {
        name: weight.detach().cpu().contiguous()
        for name, weight in model.state_dict().items()
        if not name.startswith("trunk.")
    }
    save_file(head, folder / HEAD_NAME, {"shape": json.dumps(model.shape.to_mapping())})


def is_reward_model(named: str) -> bool:
    """Whether a folder holds what `keep_reward_model` left."""
    return (Path(named) / HEAD_NAME).is_file()


def load_reward_model(named: str, dtype: torch.dtype = torch.float32) -> RewardModel:
    """Read what `keep_reward_model` left, for scoring.

    Raises:
        StorageError: the folder holds no such model.
    """
    trunk = load_model(named)
    try:
        with safe_open(Path(named) / HEAD_NAME, framework="pt") as file:
            shape = RewardShape(**json.loads((file.metadata() or {})["shape"]))
            head = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        model = RewardModel(trunk, 0, shape)
        missing, unexpected = model.load_state_dict(head, strict=False)
        if unexpected or any(not name.startswith("trunk.") for name in missing):
            raise ValueError(f"does not fit: {unexpected or missing}")
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise StorageError(
            "reward model", named, f"cannot be read ({error})",
            "Give the folder of a finished run of a reward model",
        ) from error  # fmt: skip
    model.requires_grad_(False)
    return model.to(best_device(), dtype)


def require_shared_trunk(settings: HuggingFaceSettings, needs_critic_of_its_own: bool) -> None:
    """Refuse what would bring back the second copy of the model that an adapter saves."""
    if settings.lora_rank and needs_critic_of_its_own:
        raise InvalidSettingError(
            "shared_trunk", False, "asks for a critic with all weights beside a LoRA adapter",
            "Set shared_trunk: the critic is then a head on the same model",
        )  # fmt: skip
