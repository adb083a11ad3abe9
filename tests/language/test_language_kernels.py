"""Compiled kernels against the same mathematics in torch's own operations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ppolab.language import kernels
from ppolab.language.generation import Sampling, draw, generate
from ppolab.language.gpt import GPT, GPTConfig, token_log_probs
from ppolab.language.hardware import kernels_serve
from ppolab.language.kernels import calls, elementwise
from ppolab.language.kernels.calls import flat, float32_sums, share
from ppolab.language.tokens import TokenBatch

SERVED = GPTConfig(vocabulary=64, context=40, layers=2, heads=2, width=64)
RAGGED = [[3, 1, 4, 1, 5, 9, 2, 6], [2], [7, 1, 8] * 11, [5, 3, 5, 8, 9]]


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def served_gpt(dtype: torch.dtype = torch.float32) -> GPT:
    """A GPT that kernels serve, its weights large and its biases and gains no round numbers."""
    model = GPT(SERVED, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.mul_(5.0) if parameter.ndim == 2 else parameter.add_(0.3 * noise)
    return model.to(dtype)


def learnt(model: GPT, rows: list[list[int]], dtype: torch.dtype) -> dict[str, Tensor]:
    """Hidden states, and the gradients of all weights along a random direction."""
    batch = TokenBatch.from_sequences(rows)
    hidden = model(batch)
    generator = torch.Generator().manual_seed(3)
    (hidden * torch.randn(hidden.shape, generator=generator).to(dtype)).sum().backward()
    found = {name: p.grad.float() for name, p in model.named_parameters() if p.grad is not None}
    assert len(found) == len(list(model.parameters()))
    return found | {"hidden": hidden.detach().float()}


def distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("rows", [RAGGED, [[4] * 33] * 3], ids=["ragged", "even"])
def test_states_and_gradients_in_float32_are_those_of_torch(
    rows: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_kernels = learnt(served_gpt(), rows, torch.float32)
    monkeypatch.setenv("PPOLAB_KERNELS", "off")
    by_torch = learnt(served_gpt(), rows, torch.float32)
    for name, expected in by_torch.items():
        assert distance(by_kernels[name], expected) < 1e-6, name


def test_states_and_gradients_in_bfloat16_are_as_near_to_the_truth_as_those_of_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rounded = served_gpt(torch.bfloat16)
    exact = GPT(SERVED)
    exact.load_state_dict({name: value.float() for name, value in rounded.state_dict().items()})
    by_kernels = learnt(rounded, RAGGED, torch.bfloat16)
    monkeypatch.setenv("PPOLAB_KERNELS", "off")
    by_torch = learnt(served_gpt(torch.bfloat16), RAGGED, torch.bfloat16)
    truth = learnt(exact, RAGGED, torch.float32)
    for name, expected in truth.items():
        allowed = 1.5 * distance(by_torch[name], expected)
        assert distance(by_kernels[name], expected) < allowed, name


@pytest.mark.parametrize("switch", ["on", "off"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_states_of_wanted_tokens_alone_and_their_gradients_are_those_of_all(
    switch: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PPOLAB_KERNELS", switch)
    batch = TokenBatch.from_sequences(RAGGED)
    wanted = torch.tensor([2, 3, 7, 8, 30, 40, 46])
    found = []
    for only in (True, False):
        model = served_gpt(dtype)
        states = model.at(batch, wanted) if only else model(batch)[wanted]
        (states * torch.linspace(-1, 1, SERVED.width).to(dtype)).sum().backward()
        found.append([states.detach(), *(p.grad for p in model.parameters())])
    assert len(found[0][0]) == len(wanted)
    for one, other in zip(*found, strict=True):
        assert one is not None
        assert other is not None
        assert distance(one.float(), other.float()) < (1e-6 if dtype == torch.float32 else 0.02)


@pytest.mark.parametrize("lengths", [(4, 4, 4), (5, 2, 3)], ids=["even prompts", "ragged prompts"])
def test_reading_token_by_token_gives_the_states_of_reading_at_once(
    lengths: tuple[int, ...],
) -> None:
    model = served_gpt()
    rows = [[(7 * i + j) % 60 for j in range(n + 20)] for i, n in enumerate(lengths)]
    prompts = [row[:n] for row, n in zip(rows, lengths, strict=True)]
    with torch.no_grad():
        writer = model.writer(TokenBatch.from_sequences(prompts), 20)
        states = [writer.hidden]
        for t in range(20):
            tokens = torch.tensor([row[n + t] for row, n in zip(rows, lengths, strict=True)])
            states.append(writer.extend(tokens))
        for index, (row, n) in enumerate(zip(rows, lengths, strict=True)):
            whole = model(TokenBatch.from_sequences([row]))
            stepwise = torch.stack([state[index] for state in states])
            torch.testing.assert_close(stepwise, whole[n - 1 :], rtol=2e-5, atol=2e-5)


def test_no_token_sees_what_comes_after_it() -> None:
    model = served_gpt()
    first = model(TokenBatch.from_sequences([[3, 1, 4, 1, 5]]))
    second = model(TokenBatch.from_sequences([[3, 1, 4, 9, 2]]))
    torch.testing.assert_close(first[:3], second[:3], rtol=0, atol=0)
    assert not torch.equal(first[3:], second[3:])


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_log_probs_of_tokens_and_their_gradients_are_those_of_autograd(temperature: float) -> None:
    generator = torch.Generator().manual_seed(4)
    hidden, embedding = (torch.randn(n, 32, generator=generator) for n in (300, 96))
    targets = torch.randint(0, 96, (300,), generator=generator)
    weights = torch.randn(300, generator=generator)
    results = []
    for own in (True, False):
        h, e = hidden.clone().requires_grad_(), embedding.clone().requires_grad_()
        assert kernels_serve(h, e, len(e))
        if own:
            log_probs = token_log_probs(h, e, targets, temperature)
        else:
            logits = (h @ e.t() / temperature).double()
            log_probs = F.log_softmax(logits, 1)[torch.arange(300), targets]
        (log_probs * weights).sum().backward()
        results.append((log_probs.detach().double(), h.grad, e.grad))
    for ours, autograd in zip(*results, strict=True):
        assert ours is not None
        assert autograd is not None
        assert distance(ours, autograd) < 1e-6


def test_in_bfloat16_filling_takes_no_part_in_the_gradient() -> None:
    generator = torch.Generator().manual_seed(5)
    hidden, embedding = (torch.randn(n, 32, generator=generator) for n in (70, 64))
    targets = torch.arange(70) % 64
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
        assert distance(rounded, exact) < 0.01


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_draws_are_those_of_torch_with_the_same_chance(
    temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(6)
    logits = 3 * torch.randn(200, 2048, generator=generator)
    uniforms = torch.rand(200, generator=generator)
    sampling = Sampling(temperature=temperature)
    tokens, log_probs = draw(logits.clone(), sampling, uniforms)
    monkeypatch.setenv("PPOLAB_KERNELS", "off")
    expected, expected_log_probs = draw(logits.clone(), sampling, uniforms)
    same = tokens == expected
    assert int(same.sum()) >= 199  # where a sum ends just at the chance, rounding decides
    torch.testing.assert_close(log_probs[same], expected_log_probs[same], rtol=1e-5, atol=1e-5)


def test_a_word_that_is_forbidden_is_never_drawn_at_the_ends_of_chance() -> None:
    logits = torch.zeros(2, 64)
    logits[:, :20] = logits[:, 40:] = -torch.inf
    tokens, log_probs = draw(logits, Sampling(), torch.tensor([0.0, 1.0 - 2**-24]))
    assert tokens.tolist() == [20, 39]
    torch.testing.assert_close(log_probs.exp(), torch.full((2,), 1 / 20))


def test_gelu_and_its_slope_hold_far_from_zero_and_let_a_nan_through() -> None:
    x = torch.linspace(-40, 40, 512)
    x[7] = torch.nan
    slopes, active = torch.ones_like(x), torch.empty_like(x)
    share(elementwise.gelu, flat(x), flat(active))
    share(elementwise.gelu_backward, flat(x), flat(slopes), 512, float32_sums(512).numpy())
    exact = x.double().requires_grad_()
    expected = F.gelu(exact, approximate="tanh")
    expected.sum().backward()
    assert exact.grad is not None
    torch.testing.assert_close(
        active, expected.detach().float(), rtol=1e-6, atol=1e-6, equal_nan=True
    )
    torch.testing.assert_close(slopes, exact.grad.float(), rtol=1e-6, atol=1e-6, equal_nan=True)


def test_what_was_written_has_the_log_probs_that_training_sees() -> None:
    model = served_gpt()
    prompts = TokenBatch.from_sequences([[1, 2, 3], [4, 5], [6] * 7])
    samples = generate(model, prompts, Sampling(24), 0, torch.Generator().manual_seed(7))
    with torch.no_grad():
        hidden = model(samples.context)[samples.predictors]
        again = model.log_probs(hidden, samples.targets)
    written = samples.log_probs[samples.mask]
    assert float((0.5 * (again - written) ** 2).mean()) < 1e-9


def test_kernels_leave_alone_what_they_cannot_take(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.zeros(3, 64)
    assert kernels_serve(x, x, 64)
    assert not kernels_serve(x.double(), x.double(), 64)
    assert not kernels_serve(x, x.bfloat16(), 64)
    assert not kernels_serve(x, x, 64, 37)
    assert not kernels_serve(x.to("meta"), x, 64)
    with torch.autocast("cpu", torch.bfloat16):
        assert not kernels_serve(x, x, 64)
    monkeypatch.setenv("PPOLAB_KERNELS", "off")
    assert not kernels_serve(x, x, 64)


def test_the_gpt_reads_writes_and_learns_by_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    for name in ("read", "extend", "token_log_probs", "draw"):
        real = getattr(kernels, name)
        monkeypatch.setattr(
            kernels, name, lambda *a, real=real, name=name: called.append(name) or real(*a)
        )
    model = served_gpt()
    samples = generate(
        model, TokenBatch.from_sequences([[1, 2]]), Sampling(3), 63, torch.Generator()
    )
    model.log_probs(model(samples.context)[samples.predictors], samples.targets).sum().backward()
    assert set(called) == {"read", "extend", "token_log_probs", "draw"}


def test_compiling_is_announced_once_and_only_where_the_disk_has_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Cold:
        overloads: tuple[()] = ()

        def __call__(self, *arguments: object) -> None:
            pass

    calls._announce.cache_clear()
    for on_disk, told in ((True, ""), (False, "Compiling"), (False, "")):
        monkeypatch.setattr(calls, "is_on_disk", lambda *_, on_disk=on_disk: on_disk)
        share(Cold(), flat(torch.zeros(1)))
        error = capsys.readouterr().err
        assert error.startswith(told)
        assert bool(error) == bool(told)
