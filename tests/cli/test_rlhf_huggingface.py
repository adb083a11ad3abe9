from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tiny_llama import WORDS, save_tiny_llama

pytest.importorskip("peft")
Ask = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    """A tiny Llama of random weights with a tokenizer of whole words, on disk."""
    folder = tmp_path / "llama"
    save_tiny_llama(folder)
    return folder


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Prompts, pairs and a reward of one's own."""
    prompts = [{"prompt": f"{a} {b}", "response": " red red", "wanted": "red"}
               for a in WORDS for b in WORDS[:5]]  # fmt: skip
    pairs = [{"prompt": line["prompt"], "chosen": "red", "rejected": "less"} for line in prompts]
    for name, lines in (("prompts", prompts), ("pairs", pairs)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    (tmp_path / "my.py").write_text(
        "def reds(response, wanted):\n    return response.split().count(wanted)\n"
        "def broken(text):\n    raise KeyError('no idea')\n"
    )
    return {name: tmp_path / name for name in ("prompts.jsonl", "pairs.jsonl", "my.py")}


def three_stages(llama: Path, files: dict[str, Path], *more: str) -> tuple[str, ...]:
    return (
        "rlhf", "--model", str(llama), "--prompts", str(files["prompts.jsonl"]),
        "--pairs-file", str(files["pairs.jsonl"]), "--sft-updates", "2", "--updates", "2",
        "--batch-size", "8", "--minibatch-size", "4", "--longest-response", "6",
        "--dtype", "float32", "--threads", "1", *more,
    )  # fmt: skip


def test_three_stages_with_an_adapter_and_a_reward_of_ones_own(
    ask: Ask, llama: Path, files: dict[str, Path]
) -> None:
    from transformers import AutoModelForCausalLM

    code, answer, _ = ask(*three_stages(
        llama, files, "--lora-rank", "2", "--learning-rate", "0.05",
        "--reward", f"{files['my.py']}:reds + 0.5*reward-model",
    ))  # fmt: skip
    assert code == 0
    stages = answer["stages"]
    assert [stages[name]["state"] for name in ("sft", "reward-model", "rlhf")] == ["finished"] * 3
    assert answer["proxy_after"] is not None
    assert answer["gold_after"] is None  # these files have no judge besides the reward
    before, tuned, final = (
        AutoModelForCausalLM.from_pretrained(path).state_dict()
        for path in (llama, Path(stages["sft"]["run"]) / "pretrained",
                     Path(stages["rlhf"]["run"]) / "pretrained")
    )  # fmt: skip
    assert list(before) == list(final)
    # Linear layers were taught; what has no adapter is as it was, bit for bit.
    query, norm = "model.layers.0.self_attn.q_proj.weight", "model.norm.weight"
    assert not torch.equal(before[query], tuned[query])
    assert not torch.equal(tuned[query], final[query])
    for name in ("model.embed_tokens.weight", "lm_head.weight", norm):
        assert torch.equal(before[name], final[name])
    assert (Path(stages["rlhf"]["run"]) / "adapter" / "adapter_config.json").is_file()
    assert (Path(stages["reward-model"]["run"]) / "head.safetensors").is_file()


def test_a_reward_that_fails_names_the_sample_and_stops(
    ask: Ask, llama: Path, files: dict[str, Path]
) -> None:
    code, answer, words = ask(*three_stages(
        llama, files, "--stage", "rlhf", "--shared-trunk", "--reward", f"{files['my.py']}:broken"
    ))  # fmt: skip
    assert code != 0
    assert "KeyError: 'no idea' on sample 0" in words + json.dumps(answer)


def test_a_model_that_cannot_be_found_is_told_with_what_to_do(
    ask: Ask, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    code, answer, words = ask(*three_stages(Path("nobody/nothing"), files))
    assert code != 0
    said = words + json.dumps(answer)
    assert "cannot be loaded" in said
    assert "HF_HUB_OFFLINE" in said
