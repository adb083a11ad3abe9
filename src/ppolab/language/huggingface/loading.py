"""Hugging Face models from folders or by their ids, and back into folders."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ppolab.errors import StorageError, UnavailableError
from ppolab.language.huggingface.causal import HuggingFaceModel
from ppolab.language.huggingface.packaged import packaged_source
from ppolab.language.huggingface.tokenizer import HuggingFaceTokenizer

PRETRAINED = "pretrained"  # folder, inside that of a run, that `from_pretrained` reads
ADAPTER = "adapter"  # folder of what was trained alone, for peft


def is_huggingface(named: str) -> bool:
    """Whether a name stands for a Hugging Face model: a folder with a config.json, a run that left
    one, or what could be an id."""
    path = Path(named)
    if path.is_dir():
        return (path / PRETRAINED).is_dir() or _has_model_config(path)
    return not named.startswith((".", "/", "~")) and named.count("/") <= 1


def source_of(named: str) -> str:
    """What to give to `from_pretrained`: the folder that a run left, or the name itself."""
    inside = Path(named) / PRETRAINED
    return str(inside) if inside.is_dir() else named


def load_model(
    named: str,
    dtype: torch.dtype = torch.float32,
    lora_rank: int = 0,
    lora_alpha: int = 16,
    gradient_checkpointing: bool = False,
    seed: int = 0,
) -> HuggingFaceModel:
    """Read a causal language model, onto the GPU if there is one.

    Args:
        named: a folder, the folder of a run, a name in `packaged.PACKAGED`, or an id on the
            Hugging Face Hub.
        dtype: of the weights in memory.
        lora_rank: of an adapter to add, which alone is then trained; 0 for none.
        lora_alpha: its product is multiplied by alpha / rank.
        gradient_checkpointing: compute states again in the backward pass instead of keeping them.
        seed: of the adapter's first weights.

    Raises:
        StorageError: there is no such model, or it cannot be read.
        UnavailableError: a package is missing.
    """
    model = pretrained("AutoModelForCausalLM", named, dtype=dtype)
    if lora_rank:
        model = with_adapter(model, lora_rank, lora_alpha, seed)
    return HuggingFaceModel(model.to(best_device()), gradient_checkpointing)


def load_tokenizer(named: str) -> HuggingFaceTokenizer:
    """Read the tokenizer of a model; raises as `load_model` does."""
    return HuggingFaceTokenizer(pretrained("AutoTokenizer", named))


def with_adapter(model: Any, rank: int, alpha: int, seed: int) -> Any:
    """Put a LoRA adapter beside each linear layer and freeze all else.

    Source: Hu et al. (2022), "LoRA: low-rank adaptation of large language models".
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise _missing("peft") from error
    config = LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules="all-linear",
        task_type="CAUSAL_LM",
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return get_peft_model(model, config)


def pretrained(kind: str, named: str, **settings: Any) -> Any:
    """Have a class of `transformers` read a model, from disk if it is there.

    Raises:
        StorageError: there is no such model, or it cannot be read.
        UnavailableError: `transformers` is missing.
    """
    try:
        import transformers
        from huggingface_hub import constants
    except ImportError as error:
        raise _missing("transformers") from error
    read = getattr(transformers, kind).from_pretrained
    packaged = packaged_source(named)
    source = source_of(named)
    try:
        if packaged is not None:
            return read(**packaged, local_files_only=True, **settings)
        try:
            return read(source, local_files_only=True, **settings)
        except OSError:
            if Path(source).is_dir() or constants.HF_HUB_OFFLINE:
                raise
            return read(source, **settings)
    except (OSError, ValueError, ImportError) as error:
        first_line = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise StorageError(
            "model", named, f"cannot be loaded ({first_line})",
            "Give the folder of a model, the folder of a finished run, or an id that is in the "
            "cache of the Hugging Face Hub or can be fetched from there (HF_HUB_OFFLINE keeps "
            "from trying)",
        ) from error  # fmt: skip


def save_model(folder: Path, model: HuggingFaceModel, tokenizer: HuggingFaceTokenizer) -> None:
    """Leave a model in `folder/pretrained` for anybody's `from_pretrained`, whole or not at all.

    An adapter is merged into a float32 copy of the weights, and also kept by itself.

    Raises:
        StorageError: the folder cannot be written.
    """
    whole = model.causal
    try:
        if model.has_adapter:
            model.wrapped.save_pretrained(folder / ADAPTER)
            whole = copy.deepcopy(model.wrapped).cpu().float().merge_and_unload()
        partial = folder / f".{PRETRAINED}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        whole.save_pretrained(partial, state_dict=_separate(whole.state_dict()))
        tokenizer.backing.save_pretrained(partial)
        shutil.rmtree(folder / PRETRAINED, ignore_errors=True)
        partial.replace(folder / PRETRAINED)
    except OSError as error:
        raise StorageError(
            "model", str(folder), f"cannot be written ({error})", "Check the free space"
        ) from error


def best_device() -> torch.device:
    """The GPU, if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _separate(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies in memory of their own, for the optimizer keeps all as one vector; ties stay ties."""
    copies: dict[tuple[int, torch.Size], Tensor] = {}
    return {
        name: copies.setdefault(
            (weight.data_ptr(), weight.shape), weight.detach().cpu().clone(
                memory_format=torch.contiguous_format)
        )
        for name, weight in weights.items()
    }  # fmt: skip


def _has_model_config(path: Path) -> bool:
    try:
        return "model_type" in json.loads((path / "config.json").read_text("utf8"))
    except (OSError, ValueError):
        return False


def _missing(package: str) -> UnavailableError:
    return UnavailableError(
        "package", package, "is not installed", 'Install it by: pip install "ppolab[hf]"'
    )
