"""Every stage on every kind of architecture, with random weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 – the field's own abbreviation
from hf_cases import tiny

from ppolab.language.config import RLHFConfig
from ppolab.language.generation import Samples
from ppolab.language.huggingface.causal import AdapterOff, HuggingFaceModel
from ppolab.language.huggingface.loading import with_adapter
from ppolab.language.preference_data import PreferencePair
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_model import RewardModel
from ppolab.language.reward_training import RewardTrainer
from ppolab.language.sft import Example
from ppolab.language.sft_training import SFTConfig, SFTTrainer
from ppolab.language.tokens import TokenBatch
from ppolab.language.trainer import RLHFTrainer

pytest.importorskip("peft")
FAMILIES = ("gpt2", "llama", "qwen2", "gpt_neox", "gemma2", "mistral")
PROMPTS = [[5, 6, 7, 8], [12, 13], [14], [15, 9, 4, 7, 7]]
BATCH = TokenBatch.from_sequences(PROMPTS)
END = 3


class Oddness:
    """Pleased by odd tokens."""

    name = "oddness"

    def __call__(self, samples: Samples, texts: Sequence[str]) -> torch.Tensor:
        return (samples.responses % 2 * samples.mask).sum(1).float()


def adapted(kind: str, checkpointing: bool = False, dtype: torch.dtype = torch.float32) -> Any:
    return HuggingFaceModel(with_adapter(tiny(kind).to(dtype), 2, 4, seed=1), checkpointing)


def ppo(model: HuggingFaceModel, dtype: str) -> RLHFTrainer:
    config = RLHFConfig(
        updates=3, batch_size=8, minibatch_size=4, epochs=2, longest_response=8, dtype=dtype,
        shared_trunk=True, evaluate_every=0, learning_rate=0.01, warmup_updates=0,
    )  # fmt: skip
    letters: Any = SimpleNamespace(end=END, decode=lambda ids: "")
    return RLHFTrainer(config, model, AdapterOff(model), letters, Oddness(), PROMPTS)


@pytest.mark.parametrize("kind", FAMILIES)
def test_fine_tuning_begins_at_the_models_own_loss_and_lowers_it(kind: str) -> None:
    theirs = tiny(kind)
    examples = [Example([*prompt, 9, 10, END], len(prompt)) for prompt in PROMPTS]
    losses, tokens = 0.0, 0
    for example in examples:  # each alone, labels of the prompt masked in their way
        labels = torch.tensor([example.tokens])
        labels[:, : example.prompt] = -100
        found = theirs(torch.tensor([example.tokens]), labels=labels).loss.item()
        losses, tokens = losses + 3 * found, tokens + 3
    config = SFTConfig(updates=4, batch_size=4, learning_rate=0.02, dtype="float32")
    trainer = SFTTrainer(config, HuggingFaceModel(theirs), examples, examples)
    told = [trainer.iterate()["sft_loss"] for _ in range(4)]
    assert told[0] == pytest.approx(losses / tokens, rel=1e-4)
    assert told[-1] < 0.9 * told[0]


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_reward_model_learns_pairs_by_how_much_better_they_were_said_to_be(kind: str) -> None:
    theirs = copy.deepcopy(tiny(kind))
    pairs = [
        PreferencePair([5, 6, 7 + i, END], [5, 20 + i, END], 1, margin=0.25 * i) for i in range(4)
    ]
    config = RewardConfig(batch_size=3, held_out=0.25, dtype="float32", learning_rate=0.01,
                          epochs=6)  # fmt: skip
    model = RewardModel(HuggingFaceModel(tiny(kind)), 1, config.shape)
    head = copy.deepcopy(model.head)

    @torch.no_grad()
    def worth(tokens: list[int]) -> torch.Tensor:
        states = theirs.base_model(torch.tensor([tokens])).last_hidden_state
        return head(states[0, -1])  # type: ignore[no-any-return]

    expected = torch.stack([
        -F.logsigmoid(worth(pair.chosen) - worth(pair.rejected) - pair.margin)
        for pair in pairs[:3]
    ]).mean()  # fmt: skip
    trainer = RewardTrainer(config, model, pairs)
    told = [trainer.iterate()["rm_train_loss"] for _ in range(6)]
    assert told[0] == pytest.approx(float(expected), rel=1e-4)
    assert told[-1] < told[0]


@pytest.mark.parametrize("kind", FAMILIES)
def test_ppo_moves_the_adapter_and_head_and_leaves_the_reference_as_it_was(kind: str) -> None:
    model = adapted(kind)
    trainer = ppo(model, "float32")
    before = trainer.reference(BATCH)
    first, _, last = (trainer.iterate() for _ in range(3))
    assert first["kl"] == pytest.approx(0.0, abs=1e-4)
    assert first["first_minibatch_kl"] < 1e-9
    assert abs(last["kl"]) > 1e-3
    assert torch.equal(trainer.reference(BATCH), before)
    assert not torch.equal(model(BATCH).detach(), before)
    assert trainer.learner.value_head is not None
    assert all(p.abs().max() > 0 for p in trainer.learner.value_head.parameters())


@pytest.mark.parametrize("kind", FAMILIES)
def test_an_adapters_gradients_are_the_same_with_checkpoints(kind: str) -> None:
    found = []
    for checkpointing in (False, True):
        model = adapted(kind, checkpointing)
        with torch.no_grad():  # an adapter begins at zero, where half of its gradients are too
            for name, parameter in model.named_parameters():
                if "lora_B" in name:
                    parameter.fill_(0.1)
        torch.autograd.backward(model.log_probs(model(BATCH), BATCH.tokens).sum())
        found.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
    assert len(found[0]) > 0
    assert all(float(gradient.abs().max()) > 0 for gradient in found[0].values())
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", FAMILIES)
def test_in_bfloat16_the_adapter_learns_and_the_model_under_it_stays(kind: str) -> None:
    model = adapted(kind, dtype=torch.bfloat16)
    trainer = ppo(model, "bfloat16")
    frozen = {n: p.clone() for n, p in model.named_parameters() if not p.requires_grad}
    vector = trainer.state()[0]["optimizer.vector"]
    metrics = [trainer.iterate() for _ in range(2)]
    assert all(abs(m["kl"]) < 10 and 0 < m["gradient_norm"] < 1e4 for m in metrics)
    assert metrics[0]["first_minibatch_kl"] < 1e-3
    assert vector.dtype == torch.float32
    assert not torch.equal(trainer.state()[0]["optimizer.vector"], vector)
    for name, parameter in model.named_parameters():
        if name in frozen:
            assert parameter.dtype == torch.bfloat16
            assert torch.equal(parameter, frozen[name])
