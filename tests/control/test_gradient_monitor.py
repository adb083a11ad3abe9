from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from ppolab.control.config import PPOConfig
from ppolab.control.gradient_monitor import inactive_units
from ppolab.control.metrics import metric_for
from ppolab.control.networks import MLP, ActorCritic
from ppolab.control.rollout import Rollout
from ppolab.control.trainer import PPOTrainer


def small(environment: str = "CartPole-v1", **changes: Any) -> PPOConfig:
    return PPOConfig.from_mapping(
        {"environment": environment, "total_steps": 512, "environments": 2, "rollout_steps": 64,
         "minibatch_size": 32, "epochs": 2, "learning_rate": 0.003, "hidden_size": 16,
         "monitor_gradients": True, **changes}
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"backend": "torch"},
        {"backend": "compiled"},
        {"environment": "Pendulum-v1", "backend": "torch"},  # its log-stds come first
        {"shared_layers": True},
    ],
)
def test_norms_and_ratios_are_those_of_the_named_parameter(changes: dict[str, Any]) -> None:
    trainer = PPOTrainer(small(**changes))
    trainer.iterate()  # the second update is measured from where the first one ended
    names = [name for name, _ in trainer.model.named_parameters()]
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    told = trainer.iterate()
    squares = 0.0
    for name, parameter in trainer.model.named_parameters():
        assert parameter.grad is not None
        norm = float(parameter.grad.norm())
        squares += norm**2
        assert told[f"gradient_norm/{name}"] == pytest.approx(norm, rel=1e-4), name
        step = float((parameter.detach() - before[name]).norm())
        assert told[f"update_ratio/{name}"] == pytest.approx(
            step / float(parameter.detach().norm()), rel=1e-4
        ), name
        assert step > 0
    assert math.sqrt(squares) <= trainer.config.max_gradient_norm * 1.001  # type: ignore[operator]
    prefixes = ("gradient_norm/", "update_ratio/")
    assert sum(key.startswith(prefixes) for key in told) == 2 * len(names)


def test_watching_changes_nothing() -> None:
    watched, alone = PPOTrainer(small()), PPOTrainer(small(monitor_gradients=False))
    for trainer in (watched, alone):
        for _ in range(2):
            told = trainer.iterate()
    assert torch.equal(watched.parameters.vector, alone.parameters.vector)
    assert not any("/" in key for key in told)


def test_a_parameter_that_did_not_move_has_ratio_zero_even_if_it_is_zero() -> None:
    trainer = PPOTrainer(small(learning_rate=1e-60))
    told = trainer.iterate()
    assert told["update_ratio/actor.first.weight"] == 0.0
    assert told["update_ratio/actor.first.bias"] == 0.0


@pytest.mark.parametrize("backend", ["torch", "compiled"])
@pytest.mark.parametrize(("limit", "share"), [(1e-6, 1.0), (1e6, 0.0), (None, 0.0)])
def test_the_share_of_shortened_gradients(limit: float | None, share: float, backend: str) -> None:
    told = PPOTrainer(small(max_gradient_norm=limit, backend=backend)).iterate()
    assert told["shortened_share"] == share


def test_both_back_ends_shorten_the_same_share_of_gradients() -> None:
    sides = [PPOTrainer(small(backend=name, epochs=4)) for name in ("torch", "compiled")]
    norm = sides[0].iterate()["gradient_norm"]
    sides = [PPOTrainer(small(backend=name, epochs=4, max_gradient_norm=norm))
             for name in ("torch", "compiled")]  # fmt: skip
    shares = [side.iterate()["shortened_share"] for side in sides]
    assert shares[0] == shares[1]
    assert 0 < shares[0] < 1


def rollout(rows: torch.Tensor) -> Rollout:
    made = Rollout.small(len(rows), 1, rows.shape[1])
    made.observations[:, 0] = rows
    return made


def network(activation: str) -> tuple[ActorCritic, MLP]:
    """Units of the actor's first layer give the observation times 1, 0, −1 and 100."""
    model = ActorCritic.small(1, 2, 4)
    assert isinstance(model.actor, MLP)
    if activation == "relu":
        model.actor.activation = torch.relu
    with torch.no_grad():
        model.actor.first.weight.copy_(torch.tensor([[1.0], [0.0], [-1.0], [100.0]]))
        model.actor.second.weight.zero_()
        model.actor.second.bias.copy_(torch.tensor([0.0, 3.0, 3.0, 0.1]))
    return model, model.actor


def test_a_tanh_is_inactive_where_it_is_saturated_on_nearly_all_samples() -> None:
    model, actor = network("tanh")
    # Times 100, all but the 5 samples at 0 are saturated: 95 % of 100, and 94 % of 100.
    rows = torch.full((100, 1), 0.5)
    rows[:5] = 0.0
    shares = inactive_units(model, rollout(rows))
    assert shares["actor.first"] == 0.25
    assert shares["actor.second"] == 0.5  # tanh 3 = 0.995
    assert set(shares) == {"actor.first", "actor.second", "critic.first", "critic.second"}
    rows[5] = 0.0
    assert inactive_units(model, rollout(rows))["actor.first"] == 0.0
    with torch.no_grad():
        actor.second.bias.fill_(-2.6)  # tanh −2.6 = −0.989
    assert inactive_units(model, rollout(rows))["actor.second"] == 0.0


def test_a_relu_is_dead_where_it_is_zero_on_all_samples() -> None:
    model, _ = network("relu")
    rows = torch.linspace(0.1, 1.0, 100).unsqueeze(1)
    # Of 1, 0, −1 and 100 times something positive, two are at 0; one sample below revives −1.
    assert inactive_units(model, rollout(rows))["actor.first"] == 0.5
    rows[50] = -0.1
    assert inactive_units(model, rollout(rows))["actor.first"] == 0.25
    assert inactive_units(model, rollout(rows))["actor.second"] == 0.25


def test_units_are_judged_by_samples_from_all_over_a_long_rollout() -> None:
    model, _ = network("relu")
    rows = torch.full((1024, 1), 1.0)
    rows[768:] = -1.0
    assert inactive_units(model, rollout(rows))["actor.first"] == 0.25  # only the one that gives 0


def test_filters_of_images_are_units_over_all_places() -> None:
    trainer = PPOTrainer(small("ProbeImage-v0", rollout_steps=8, minibatch_size=16))
    convolution = next(m for m in trainer.model.modules() if isinstance(m, nn.Conv2d))
    with torch.no_grad():
        convolution.weight[:8] = 0.0
        convolution.bias[:8] = -1.0  # type: ignore[index]
        convolution.bias[8:] = 10.0  # type: ignore[index]
    trainer.rollout.observations.random_(255, generator=torch.Generator().manual_seed(1))
    shares = inactive_units(trainer.model, trainer.rollout)
    layers = [name for name in shares if "convolution" in name]
    assert shares[layers[0]] == 8 / convolution.out_channels
    assert any("dense" in name for name in shares)


def test_what_was_measured_of_a_layer_is_described() -> None:
    told = PPOTrainer(small()).iterate()
    metric = metric_for("gradient_norm/critic.first.weight")
    assert metric.label == "Gradient norm of critic.first.weight"
    assert metric.role == "critic"
    for key in told:
        if "/" in key:
            assert metric_for(key).description, key
    unknown = metric_for("some_thing/else")
    assert (unknown.label, unknown.description) == ("some thing/else", "")
