from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ppolab.control.optimizer import Adam
from ppolab.control.parameters import FlatParameters

COUNT = 12


def gradients(count: int) -> list[Tensor]:
    """Of every size, so that ε decides some steps and is lost in others."""
    generator = torch.Generator().manual_seed(4)
    scales = 10.0 ** torch.linspace(-8, 1, COUNT, dtype=torch.float64)
    return [
        torch.randn(COUNT, generator=generator, dtype=torch.float64) * scales for _ in range(count)
    ]


def beginning() -> tuple[FlatParameters, Adam]:
    layer = nn.Linear(COUNT, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.fill_(0.5)
    parameters = FlatParameters(layer)
    return parameters, Adam(parameters, learning_rate=0.01, epsilon=1e-5)


def test_two_hundred_steps_are_those_of_torchs_plain_adam() -> None:
    parameters, adam = beginning()
    expected = nn.Parameter(torch.full((COUNT,), 0.5, dtype=torch.float64))
    plain = torch.optim.Adam([expected], lr=0.01, eps=1e-5, foreach=False, fused=False)
    for step, gradient in enumerate(gradients(200)):
        rate = 0.01 * (1 - step / 200)
        adam.learning_rate, plain.param_groups[0]["lr"] = rate, rate
        parameters.gradient.copy_(gradient)
        adam.step()
        expected.grad = gradient
        plain.step()
    torch.testing.assert_close(parameters.vector.detach(), expected.detach(), rtol=0, atol=1e-12)
    assert adam.steps == 200


@pytest.mark.parametrize(("slope", "share"), [(1.0, 1.0), (1e-5, 0.5), (1e-7, 1 / 101)])
def test_epsilon_stands_beside_the_corrected_root(slope: float, share: float) -> None:
    """The first step is η·g / (|g| + ε): the corrections cancel before ε is added."""
    parameters, adam = beginning()
    parameters.gradient.fill_(slope)
    adam.step()
    assert parameters.vector.tolist() == pytest.approx([0.5 - 0.01 * share] * COUNT, rel=1e-6)


def test_a_restored_memory_goes_on_with_the_same_bits_and_is_no_longer_shared() -> None:
    (straight, first), (resumed, second) = beginning(), beginning()
    early, late = gradients(20)[:10], gradients(20)[10:]
    for gradient in early:
        straight.gradient.copy_(gradient)
        first.step()
    with torch.no_grad():
        resumed.vector.copy_(straight.vector)
    second.restore(first.mean, first.square, first.steps)
    for parameters, adam in ((straight, first), (resumed, second)):
        for gradient in late:
            parameters.gradient.copy_(gradient)
            adam.step()
    assert torch.equal(straight.vector, resumed.vector)
    assert torch.equal(first.square, second.square)


def test_what_was_forgotten_begins_anew() -> None:
    (used, adam), (fresh, other) = beginning(), beginning()
    used.gradient.fill_(3.0)
    adam.step()
    adam.forget()
    with torch.no_grad():
        used.vector.fill_(0.5)
    for parameters, one in ((used, adam), (fresh, other)):
        parameters.gradient.fill_(-0.2)
        one.step()
    assert torch.equal(used.vector, fresh.vector)
    assert adam.steps == other.steps == 1
