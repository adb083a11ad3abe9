"""Whole runs that several ranks train."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("peft")
from ppolab.errors import InvalidSettingError
from ppolab.language.config import RLHFConfig
from ppolab.language.huggingface.settings import HuggingFaceSettings
from ppolab.language.rlhf_stage import RLHFStage
from ppolab.runs import RunFolder, Runs
from ppolab.runs.checkpoints import load_newest_checkpoint
from ppolab.runs.ranks import run_on_ranks
from ppolab.runs.session import NoControls, Session
from tiny_llama import WORDS, save_tiny_llama

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available() and torch.cuda.device_count() < 2, reason="too few GPUs for 2 ranks"
)


@pytest.fixture
def stage(tmp_path: Path) -> RLHFStage:
    """PPO of a tiny Llama with an adapter, on prompts and a reward of one's own."""
    folder = tmp_path / "llama"
    save_tiny_llama(folder, layers=2)
    lines = [{"prompt": f"{a} {b}"} for a in WORDS for b in WORDS[:5]]
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "my.py").write_text(
        "def reds(response):\n    return response.count('red')\n"
        "def broken(response, prompt):\n"
        "    if prompt.startswith('less'):\n        raise KeyError('no idea')\n    return 0.0\n"
    )
    return RLHFStage(
        policy=str(folder), reward=f"{tmp_path / 'my.py'}:reds",
        training=RLHFConfig(
            updates=8, batch_size=8, minibatch_size=4, epochs=2, longest_response=6,
            evaluate_every=2, dtype="float32", shared_trunk=True, learning_rate=0.02,
            evaluation_prompts=4,
        ),
        huggingface=HuggingFaceSettings(str(prompts), lora_rank=2),
    )  # fmt: skip


def weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    from transformers import AutoModelForCausalLM

    found: dict[str, Any] = AutoModelForCausalLM.from_pretrained(
        folder.path / "pretrained"
    ).state_dict()
    return found


@pytest.mark.parametrize(
    "kind",
    ["shared", "sharded", pytest.param("sharded, a critic of its own", marks=pytest.mark.slow)],
)
def test_a_run_on_two_ranks_is_the_run_on_one(tmp_path: Path, stage: RLHFStage, kind: str) -> None:
    if "critic" in kind:  # all weights are trained then, not an adapter's alone
        stage = dataclasses.replace(
            stage,
            training=dataclasses.replace(stage.training, shared_trunk=False, learning_rate=1e-3),
            huggingface=dataclasses.replace(stage.huggingface, lora_rank=0),
        )
    runs = Runs(tmp_path / "runs")
    alone, shared = runs.create(stage), runs.create(stage)
    with alone.locked():
        assert Session(alone, NoControls()).run() == "finished", alone.status().words
    told: list[tuple[int, float]] = []
    state = run_on_ranks(
        shared, 2, "sharded" in kind, lambda step, metrics: told.append((step, metrics["kl"]))
    )
    assert state == "finished", shared.status().words
    assert [step for step, _ in told] == list(range(1, 9))
    first, second = (folder.fold().columns for folder in (alone, shared))
    assert first.keys() == second.keys()
    for key in ("reward", "kl", "policy_loss", "eval_reward", "eval_kl", "gradient_norm"):
        assert second[key].values == pytest.approx(first[key].values, rel=1e-3, abs=1e-5), key
    expected, found = weights(alone), weights(shared)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("shard", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_run_that_was_cut_goes_on_exactly_on_the_same_ranks(
    tmp_path: Path, stage: RLHFStage, shard: bool
) -> None:
    runs = Runs(tmp_path / "runs")
    whole, cut = runs.create(stage), runs.create(stage)
    assert run_on_ranks(whole, 2, shard) == "finished", whole.status().words

    def interrupt(step: int, metrics: dict[str, float]) -> None:
        if step == 2:
            raise KeyboardInterrupt

    assert run_on_ranks(cut, 2, shard, interrupt) == "interrupted"
    assert cut.status().state == "interrupted"
    assert not cut.is_live()
    newest = load_newest_checkpoint(cut.path)
    assert newest is not None
    assert 2 <= newest[0] < 8
    assert run_on_ranks(cut, 2, shard) == "finished", cut.status().words
    first, second = (folder.fold().columns for folder in (whole, cut))
    for key in ("reward", "kl", "policy_loss", "eval_kl"):
        assert second[key].values == first[key].values, key
    expected, found = weights(whole), weights(cut)
    for name in expected:
        assert torch.equal(found[name], expected[name])


def test_a_reward_that_fails_on_one_rank_ends_the_run_with_its_words(
    tmp_path: Path, stage: RLHFStage
) -> None:
    broken = dataclasses.replace(stage, reward=stage.reward.replace(":reds", ":broken"))
    folder = Runs(tmp_path / "runs").create(broken)
    assert run_on_ranks(folder, 2) == "failed"
    status = folder.status()
    assert status.state == "failed"
    assert "KeyError: 'no idea' on sample" in status.words
    assert not folder.is_live()


def test_a_run_that_cannot_be_shared_is_refused(tmp_path: Path) -> None:
    from ppolab.control.config import PPOConfig

    folder = Runs(tmp_path / "runs").create(PPOConfig())
    with pytest.raises(InvalidSettingError, match="kind control"):
        run_on_ranks(folder, 2)
