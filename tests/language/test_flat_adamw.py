import copy

import pytest
import torch
from torch import nn

from ppolab.language.optimizer import FlatAdamW


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.LayerNorm(4), nn.Linear(4, 2))


def backward(model: nn.Module, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    x = torch.randn(5, 3, generator=generator)
    model(x.to(next(model.parameters()).dtype)).square().sum().backward()


@pytest.mark.parametrize("max_norm", [None, 0.5])
def test_it_takes_the_steps_of_torchs_adamw_with_decay_on_matrices_only(
    max_norm: float | None,
) -> None:
    ours, theirs = network(), network()
    flat = FlatAdamW([ours], 0.01, weight_decay=0.1, max_gradient_norm=max_norm)
    matrices = [p for p in theirs.parameters() if p.ndim >= 2]
    others = [p for p in theirs.parameters() if p.ndim < 2]
    adam = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        lr=0.01, eps=1e-8,
    )  # fmt: skip
    for step in range(10):
        backward(ours, step)
        backward(theirs, step)
        norm = flat.step()
        if max_norm is not None:
            expected = nn.utils.clip_grad_norm_(theirs.parameters(), max_norm)
            assert float(norm) == pytest.approx(float(expected), rel=1e-5)
        adam.step()
        adam.zero_grad()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_gradients_are_gone_after_a_step() -> None:
    model = network()
    flat = FlatAdamW([model], 0.01)
    backward(model, 0)
    assert any(p.grad is not None and p.grad.any() for p in model.parameters())
    flat.step()
    assert not any(p.grad is not None and p.grad.any() for p in model.parameters())


def test_steps_too_small_for_bfloat16_add_up_in_the_vector() -> None:
    # bfloat16 keeps 8 bits: 1 + 0.001 is 1 again, yet ten such steps must show.
    layer = nn.Linear(1, 1, bias=False)
    nn.init.ones_(layer.weight)
    flat = FlatAdamW([layer], 0.001, torch.bfloat16, max_gradient_norm=None)
    assert layer.weight.dtype == torch.bfloat16
    for _ in range(10):
        layer(torch.ones(1, 1, dtype=torch.bfloat16)).sum().backward()
        flat.step()
    assert float(flat.vector) == pytest.approx(0.99, abs=1e-4)
    assert layer.weight.item() == pytest.approx(0.99, abs=4e-3)
    assert layer.weight.item() != 1.0


def test_a_restored_optimizer_goes_on_bit_for_bit() -> None:
    model = network()
    flat = FlatAdamW([model], 0.01, torch.bfloat16)
    for step in range(3):
        backward(model, step)
        flat.step()
    saved = flat.state()
    for step in range(3, 6):
        backward(model, step)
        flat.step()
    other = network(seed=9)
    resumed = FlatAdamW([other], 0.01, torch.bfloat16)
    resumed.restore(saved)
    for step in range(3, 6):
        backward(other, step)
        resumed.step()
    assert torch.equal(flat.vector, resumed.vector)
    assert torch.equal(model[0].weight, other[0].weight)


def test_parameters_that_are_not_trained_and_those_shared_are_left_alone_and_counted_once() -> None:
    model = network()
    model[0].weight.requires_grad_(False)
    before = copy.deepcopy(model[0].weight)
    flat = FlatAdamW([model, model[3]], 0.1)
    assert len(flat.vector) == sum(p.numel() for p in model.parameters()) - before.numel()
    backward(model, 0)
    flat.step()
    assert torch.equal(model[0].weight, before)
