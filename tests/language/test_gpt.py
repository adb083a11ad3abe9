import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from language_cases import TINY, tiny_gpt

from ppolab.errors import InvalidSettingError
from ppolab.language.gpt import GPT, Block, GPTConfig, token_log_probs
from ppolab.language.tokens import TokenBatch


def test_it_computes_what_gpt2_computes_with_the_same_weights() -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=TINY.vocabulary, n_positions=TINY.context, n_embd=TINY.width,
            n_layer=TINY.layers, n_head=TINY.heads, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
        )
    ).eval()  # fmt: skip
    ours = tiny_gpt()
    body = theirs.transformer
    with torch.no_grad():
        body.wte.weight.copy_(ours.embedding)
        body.wpe.weight.copy_(ours.positions)
        for their, our in zip(body.h, ours.blocks, strict=True):
            pairs = ((their.attn.c_attn, our.qkv), (their.attn.c_proj, our.attention_output),
                     (their.mlp.c_fc, our.expand), (their.mlp.c_proj, our.contract))  # fmt: skip
            for their_layer, our_layer in pairs:
                their_layer.weight.copy_(our_layer.weight.t())
                their_layer.bias.copy_(our_layer.bias)
        tokens = torch.randint(
            0, TINY.vocabulary, (3, 20), generator=torch.Generator().manual_seed(1)
        )
        expected = theirs(tokens).logits
        logits = ours.logits(ours(TokenBatch.from_padded(tokens))).view(3, 20, -1)
    torch.testing.assert_close(logits, expected, rtol=2e-5, atol=2e-5)


def test_padding_changes_neither_hidden_states_nor_gradients() -> None:
    rows = [[3, 1, 4, 1, 5, 9], [2, 6], [5, 3, 5, 8]]
    together, apart = tiny_gpt(), tiny_gpt()
    weights = torch.randn(12, TINY.width, generator=torch.Generator().manual_seed(2))
    hidden = together(TokenBatch.from_sequences(rows))
    (hidden * weights).sum().backward()
    alone = torch.cat([apart(TokenBatch.from_sequences([row])) for row in rows])
    (alone * weights).sum().backward()
    torch.testing.assert_close(hidden, alone, rtol=1e-5, atol=1e-5)
    for a, b in zip(together.parameters(), apart.parameters(), strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert float((a.grad - b.grad).norm()) <= 1e-6 * float(b.grad.norm()) + 1e-7


def test_no_token_sees_what_comes_after_it() -> None:
    model = tiny_gpt()
    first = model(TokenBatch.from_sequences([[3, 1, 4, 1, 5]]))
    second = model(TokenBatch.from_sequences([[3, 1, 4, 9, 2]]))
    torch.testing.assert_close(first[:3], second[:3], rtol=0, atol=0)
    assert not torch.equal(first[3:], second[3:])


@pytest.mark.parametrize("lengths", [(4, 4, 4), (5, 2, 3)], ids=["even prompts", "ragged prompts"])
def test_reading_token_by_token_gives_the_states_of_reading_at_once(
    lengths: tuple[int, ...],
) -> None:
    model = tiny_gpt()
    generator = torch.Generator().manual_seed(3)
    rows = [torch.randint(0, 37, (n + 3,), generator=generator).tolist() for n in lengths]
    with torch.no_grad():
        writer = model.writer(
            TokenBatch.from_sequences([row[:n] for row, n in zip(rows, lengths, strict=True)]), 3
        )
        states = [writer.hidden]
        for t in range(3):
            if t == 2:  # from here on without the middle row
                writer.keep(torch.tensor([True, False, True]))
                rows, lengths = [rows[0], rows[2]], (lengths[0], lengths[2])
                states = [state[[0, 2]] for state in states]
            tokens = torch.tensor([row[n + t] for row, n in zip(rows, lengths, strict=True)])
            states.append(writer.extend(tokens))
        for row, (tokens_of_row, n) in enumerate(zip(rows, lengths, strict=True)):
            whole = model(TokenBatch.from_sequences([tokens_of_row]))
            stepwise = torch.stack([state[row] for state in states])
            torch.testing.assert_close(stepwise, whole[n - 1 :], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_token_log_probs_and_their_gradients_are_those_of_autograd(temperature: float) -> None:
    generator = torch.Generator().manual_seed(4)
    hidden = torch.randn(9, 6, generator=generator, dtype=torch.float64)
    embedding = torch.randn(11, 6, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 11, (9,), generator=generator)
    weights = torch.randn(9, generator=generator)
    results = []
    for own in (True, False):
        h, e = hidden.clone().requires_grad_(), embedding.clone().requires_grad_()
        if own:
            log_probs = token_log_probs(h, e, targets, temperature)
        else:
            log_probs = F.log_softmax(h @ e.t() / temperature, 1)[torch.arange(9), targets]
        (log_probs * weights).sum().backward()
        results.append((log_probs.detach().double(), h.grad, e.grad))
    for ours, autograd in zip(*results, strict=True):
        torch.testing.assert_close(ours, autograd, rtol=1e-5, atol=1e-6)


def test_the_first_predictions_are_nearly_uniform() -> None:
    model = GPT(TINY, seed=5)
    batch = TokenBatch.from_sequences([[1, 2, 3, 4, 5]])
    log_probs = model.log_probs(model(batch)[:-1], batch.tokens[1:])
    assert float(-log_probs.mean()) == pytest.approx(math.log(TINY.vocabulary), abs=0.2)


def test_the_same_seed_gives_the_same_weights() -> None:
    one, same, other = GPT(TINY, 1), GPT(TINY, 1), GPT(TINY, 2)
    assert torch.equal(one.embedding, same.embedding)
    assert not torch.equal(one.embedding, other.embedding)


def test_a_sequence_beyond_the_context_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidSettingError, match=r"25 tokens.*context of 24"):
        tiny_gpt()(TokenBatch.from_sequences([[1] * 25]))


@pytest.mark.parametrize(("name", "value"), [("layers", 0), ("heads", 5), ("vocabulary", -1)])
def test_impossible_sizes_are_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(InvalidSettingError, match=name):
        GPTConfig(**{name: value})


def test_packed_batches_in_bfloat16_meet_few_sizes_of_product_and_give_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PPOLAB_KERNELS", "off")  # they call no layer that could be asked
    model = GPT(TINY, seed=3).to(torch.bfloat16)
    rows = [[1 + (i + j) % 30 for j in range(3 + i % 4)] for i in range(15)]
    batch = TokenBatch.from_sequences(rows)
    met = []
    for block in model.blocks:
        assert isinstance(block, Block)
        block.expand.register_forward_hook(lambda _, given, __: met.append(len(given[0])))
    hidden = model(batch)
    assert len(batch.tokens) % 64 != 0
    assert set(met) == {128}
    assert hidden.shape == (len(batch.tokens), TINY.width)
    for row, states in zip(rows, torch.split(hidden, batch.lengths.tolist()), strict=True):
        alone = model(TokenBatch.from_sequences([row]))
        torch.testing.assert_close(states, alone, atol=0.05, rtol=0.05)


def test_filling_takes_no_part_in_the_gradient_of_bfloat16() -> None:
    generator = torch.Generator().manual_seed(4)
    hidden, embedding = (torch.randn(n, 8, generator=generator) for n in (70, 30))
    targets = torch.arange(70) % 30
    slopes = {}
    for dtype in (torch.float32, torch.bfloat16):
        states = hidden.to(dtype, copy=True).requires_grad_()
        matrix = embedding.to(dtype, copy=True).requires_grad_()
        token_log_probs(states, matrix, targets).sum().backward()
        assert states.grad is not None
        assert matrix.grad is not None
        slopes[dtype] = (states.grad.float(), matrix.grad.float())
    for exact, rounded in zip(*slopes.values(), strict=True):
        assert rounded.shape == exact.shape
        torch.testing.assert_close(rounded, exact, atol=0.08, rtol=0.05)
