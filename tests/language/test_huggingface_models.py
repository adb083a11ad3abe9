import copy
import math
from typing import Any

import pytest
import torch
from hf_cases import KINDS, VOCABULARY, tiny

from ppolab.errors import InvalidSettingError, UnavailableError
from ppolab.language.generation import Sampling, generate
from ppolab.language.huggingface import causal as module_under_test
from ppolab.language.huggingface.causal import HuggingFaceModel
from ppolab.language.optimizer import FlatAdamW
from ppolab.language.tokens import TokenBatch

SEQUENCES = [[5, 6, 7, 8, 9, 10, 11], [12, 13], [14, 15, 16, 17, 18], [19]]
END = 3


@pytest.mark.parametrize("kind", KINDS)
def test_padded_rows_agree_with_the_models_own_forward_pass_on_each_alone(kind: str) -> None:
    theirs = tiny(kind)
    model = HuggingFaceModel(copy.deepcopy(theirs))
    batch = TokenBatch.from_sequences(SEQUENCES)
    with torch.no_grad():
        hidden = model(batch)
        logits = model.logits(hidden)
        alone = torch.cat([theirs(torch.tensor([row])).logits[0] for row in SEQUENCES])
    assert hidden.shape == (len(batch.tokens), model.hidden_size)
    assert logits.shape == (len(batch.tokens), VOCABULARY)
    torch.testing.assert_close(logits, alone, rtol=0, atol=1e-5)
    targets = torch.arange(len(hidden)) % VOCABULARY
    expected = torch.log_softmax(alone / 0.7, -1).gather(1, targets.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(model.log_probs(hidden, targets, 0.7), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_log_probs_of_writing_are_those_of_reading(kind: str) -> None:
    # Prompts of different lengths, responses longer than the windows, rows that end on the way.
    model = HuggingFaceModel(tiny(kind))
    prompts = TokenBatch.from_sequences([[5, 6, 7, 8, 9], [12, 13], [14], [15, 9, 3], [7, 8]] * 4)
    generator = torch.Generator().manual_seed(2)
    samples = generate(model, prompts, Sampling(longest=12), END, generator)
    assert len(set(samples.response_lengths.tolist())) > 1
    with torch.no_grad():
        hidden = model(samples.context)[samples.predictors]
        read = model.log_probs(hidden, samples.targets)
    torch.testing.assert_close(read, samples.log_probs[samples.mask], rtol=0, atol=2e-5)


def test_rows_that_ended_leave_the_cache() -> None:
    model = HuggingFaceModel(tiny("llama"))
    writer = model.writer(TokenBatch.from_sequences(SEQUENCES), 3)
    writer.extend(torch.tensor([5, 6, 7, 8]))
    writer.keep(torch.tensor([True, False, True, False]))
    with torch.no_grad():
        states = writer.extend(torch.tensor([9, 10]))
        rows = [[*SEQUENCES[0], 5, 9], [*SEQUENCES[2], 7, 10]]
        batch = TokenBatch.from_sequences(rows)
        torch.testing.assert_close(states, model(batch)[batch.last], rtol=0, atol=1e-5)
    assert writer._cache.layers[0].keys.shape[0] == 2


def test_log_probs_and_gradients_do_not_depend_on_how_the_vocabulary_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = HuggingFaceModel(tiny("gemma2"))
    batch = TokenBatch.from_sequences(SEQUENCES)
    targets = torch.arange(len(batch.tokens))

    def measured() -> tuple[torch.Tensor, list[torch.Tensor]]:
        log_probs = model.log_probs(model(batch), targets)
        found = torch.autograd.grad(log_probs.square().sum(), list(model.parameters()))
        return log_probs.detach(), list(found)

    whole, gradients = measured()
    monkeypatch.setattr(module_under_test, "_LOGITS_AT_ONCE", 4 * VOCABULARY)
    largest = 0
    original = model.logits

    def watched(hidden: torch.Tensor) -> torch.Tensor:
        nonlocal largest
        largest = max(largest, len(hidden))
        return original(hidden)

    monkeypatch.setattr(model, "logits", watched)
    cut, cut_gradients = measured()
    assert largest == 4
    torch.testing.assert_close(cut, whole, rtol=0, atol=1e-6)
    torch.testing.assert_close(cut_gradients, gradients, rtol=1e-5, atol=1e-5)


def test_gradient_checkpointing_changes_memory_and_not_gradients() -> None:
    batch = TokenBatch.from_sequences(SEQUENCES)

    def gradients(checkpointing: bool) -> tuple[dict[str, torch.Tensor], int]:
        model = HuggingFaceModel(tiny("llama"), checkpointing)
        passes = 0

        def count(*_: Any) -> None:
            nonlocal passes
            passes += 1

        model.causal.model.layers[0].self_attn.register_forward_pre_hook(count)
        torch.autograd.backward(model.log_probs(model(batch), batch.tokens).sum())
        found = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
        return found, passes

    plain, once = gradients(False)
    spared, twice = gradients(True)
    assert (once, twice) == (1, 2)
    torch.testing.assert_close(spared, plain, rtol=1e-5, atol=1e-5)


def test_dropout_stays_off_even_where_checkpoints_need_the_training_mode() -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {**KINDS["gpt2"], "resid_pdrop": 0.5, "embd_pdrop": 0.5, "attn_pdrop": 0.5}
    model = HuggingFaceModel(
        AutoModelForCausalLM.from_config(AutoConfig.for_model("gpt2", **sizes)), True
    )
    model.train()
    batch = TokenBatch.from_sequences(SEQUENCES)
    assert torch.equal(model(batch), model(batch))
    assert model.causal.config.resid_pdrop == 0.5  # what is saved is the model's own


def test_half_precision_spares_the_rotary_frequencies() -> None:
    exact = tiny("llama").model.rotary_emb.inv_freq.clone()
    model = HuggingFaceModel(tiny("llama"))
    model.to(torch.bfloat16)
    rotary = model.causal.model.rotary_emb
    assert torch.equal(rotary.inv_freq, exact)
    optimizer = FlatAdamW([model], 1e-3, torch.bfloat16)
    assert torch.equal(rotary.inv_freq, exact)
    batch = TokenBatch.from_sequences(SEQUENCES)
    torch.autograd.backward(model.log_probs(model(batch), batch.tokens).sum())
    before = optimizer.vector.clone()
    assert model.causal.lm_head.weight.dtype == torch.bfloat16
    assert math.isfinite(float(optimizer.step()))
    assert not torch.equal(optimizer.vector, before)


def test_a_sequence_longer_than_the_context_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="context of 48"):
        HuggingFaceModel(tiny("llama"))(TokenBatch.from_sequences([[5] * 49]))


def test_a_head_that_does_something_unknown_is_refused() -> None:
    model = tiny("llama")
    forward = model.forward

    def doubled(*arguments: Any, **named: Any) -> Any:
        output = forward(*arguments, **named)
        output.logits = output.logits * 2
        return output

    model.forward = doubled
    with pytest.raises(UnavailableError, match="not known here"):
        HuggingFaceModel(model)
