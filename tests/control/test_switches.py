"""Each setting that switches a detail of PPO changes what it says, and only that."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ppolab.algorithms import policy_losses
from ppolab.control.config import PPOConfig
from ppolab.control.losses import policy_loss_for
from ppolab.control.networks import MLP
from ppolab.control.normalization import NormalizedEnvironment
from ppolab.control.trainer import PPOTrainer
from ppolab.control.update import Parts
from ppolab.errors import InvalidSettingError


def small(environment: str = "CartPole-v1", **changes: Any) -> PPOConfig:
    return PPOConfig.from_mapping(
        {"environment": environment, "total_steps": 512, "environments": 2, "rollout_steps": 64,
         "minibatch_size": 32, "epochs": 2, "learning_rate": 0.003, "hidden_size": 16, **changes}
    )  # fmt: skip


@pytest.mark.parametrize("backend", ["torch", "compiled"])
@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        ("constant", [1, 1, 1, 1]),
        ("linear", [1, 0.75, 0.5, 0.25]),
        # Half a cosine at 0, 1/4, 1/2 and 3/4 of the way.
        ("cosine", [1, 0.5 + math.sqrt(2) / 4, 0.5, 0.5 - math.sqrt(2) / 4]),
    ],
)
def test_clip_range_and_learning_rate_follow_schedules(
    schedule: str, shares: list[float], backend: str
) -> None:
    trainer = PPOTrainer(
        small(clip_range_schedule=schedule, learning_rate_schedule=schedule, backend=backend)
    )
    told = [trainer.iterate() for _ in range(4)]
    assert [one["clip_range"] for one in told] == pytest.approx([0.2 * share for share in shares])
    assert [one["learning_rate"] for one in told] == pytest.approx([3e-3 * s for s in shares])


def test_the_scheduled_clip_range_is_the_one_in_the_loss() -> None:
    seen: list[float] = []

    def listening(*arguments: Any) -> Any:
        seen.append(arguments[3])
        return policy_losses.clipped_policy_loss(*arguments)

    trainer = PPOTrainer(small(clip_range_schedule="linear"), parts=Parts(policy_loss=listening))
    for _ in range(2):
        trainer.iterate()
    assert seen == pytest.approx([0.2] * 8 + [0.15] * 8)


def test_the_compiled_loss_sees_the_scheduled_clip_range_too() -> None:
    settings = {"learning_rate_schedule": "constant", "backend": "compiled"}
    late = PPOTrainer(small(clip_range_schedule="linear", clip_range=0.04, **settings))
    late.iteration = 3  # of 4: a quarter is left
    narrow = PPOTrainer(small(clip_range=0.01, **settings))
    wide = PPOTrainer(small(clip_range=0.04, **settings))
    for trainer in (late, narrow, wide):
        trainer.iterate()
    assert torch.equal(late.parameters.vector, narrow.parameters.vector)
    assert not torch.equal(late.parameters.vector, wide.parameters.vector)


def test_a_live_clip_range_is_the_start_of_its_schedule() -> None:
    trainer = PPOTrainer(small(clip_range_schedule="linear"))
    trainer.iterate()
    trainer.change("clip_range", 0.4)
    assert trainer.iterate()["clip_range"] == pytest.approx(0.4 * 0.75)


def settings_of_loss(name: str) -> PPOConfig:
    return small(policy_loss=name, clip_range=0.1, clip_range_high=0.5, dual_clip=2.0,
                 kl_penalty_coef=0.7)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Ratios 0.5, 1.2, 1.6, 4 at advantages 1, 1, 1, −1.
        ("clipped", -(0.5 + 1.1 + 1.1 - 4) / 4),
        ("unclipped", -(0.5 + 1.2 + 1.6 - 4) / 4),
        ("asymmetric", -(0.5 + 1.2 + 1.5 - 4) / 4),
        ("dual_clip", -(0.5 + 1.1 + 1.1 - 2) / 4),
        ("kl_penalty", -(0.5 + 1.2 + 1.6 - 4) / 4
         + 0.7 * sum(r - 1 - math.log(r) for r in (0.5, 1.2, 1.6, 4)) / 4),
    ],
)  # fmt: skip
def test_the_policy_loss_is_the_one_that_is_named(name: str, expected: float) -> None:
    config = settings_of_loss(name)
    log_ratios = torch.tensor([0.5, 1.2, 1.6, 4.0]).log()
    advantages = torch.tensor([1.0, 1.0, 1.0, -1.0])
    found = policy_loss_for(config)(log_ratios, torch.zeros(4), advantages, config.clip_range)
    assert float(found.loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["unclipped", "asymmetric", "dual_clip", "kl_penalty"])
def test_training_takes_the_loss_that_is_named_on_the_back_end_that_has_it(name: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"{name} was asked for"):
        PPOTrainer(small(policy_loss=name, backend="compiled"))
    settings = {"clip_range": 0.001, "clip_range_high": 0.5, "dual_clip": 1.002}
    trainer = PPOTrainer(small(policy_loss=name, **settings))
    assert trainer.backend.name == "torch"
    clipped = PPOTrainer(small(**settings, backend="torch"))
    trainer.iterate()
    clipped.iterate()
    assert not torch.equal(trainer.parameters.vector, clipped.parameters.vector)


def test_a_floor_inside_the_clip_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match=r"above 1 \+ clip_range = 1\.2"):
        small(policy_loss="dual_clip", dual_clip=1.2)
    assert small(dual_clip=1.2).dual_clip == 1.2  # which nobody reads


def test_the_price_of_kl_doubles_and_halves_and_is_remembered() -> None:
    trainer = PPOTrainer(
        small(policy_loss="kl_penalty", kl_penalty_coef=0.5, kl_penalty_target=1e-9)
    )
    assert [trainer.iterate()["kl_penalty_coef"] for _ in range(3)] == [0.5, 1.0, 2.0]
    resumed = PPOTrainer(trainer.config)
    resumed.restore(*trainer.state())
    assert resumed.iterate()["kl_penalty_coef"] == 4.0
    cheap = PPOTrainer(small(policy_loss="kl_penalty", kl_penalty_target=1e9))
    assert [cheap.iterate()["kl_penalty_coef"] for _ in range(2)] == [1.0, 0.5]
    fixed = PPOTrainer(small(policy_loss="kl_penalty"))
    assert [fixed.iterate()["kl_penalty_coef"] for _ in range(2)] == [1.0, 1.0]
    assert "kl_penalty_coef" not in PPOTrainer(small()).iterate()


@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_a_gradient_may_keep_its_length(backend: str) -> None:
    def length(limit: float | None) -> tuple[float, float]:
        config = small(max_gradient_norm=limit, backend=backend, epochs=1, minibatch_size=128)
        trainer = PPOTrainer(config)
        told = trainer.iterate()["gradient_norm"]
        return told, float(trainer.parameters.gradient.norm())

    shortened, free = length(0.01), length(None)
    assert shortened == (pytest.approx(free[0]), pytest.approx(0.01, rel=1e-3))
    assert free[1] == pytest.approx(free[0], rel=1e-5)
    assert free[0] > 0.1


@pytest.mark.parametrize("environment", ["ProbeEndless-v0", "CartPole-v1"])
@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_what_follows_a_truncation_may_be_left_out(environment: str, backend: str) -> None:
    """ProbeEndless pays 1 a step and is cut off after 4; CartPole falls long before its limit."""
    rewards = []
    for bootstrap in (True, False):
        trainer = PPOTrainer(
            small(environment, bootstrap_truncation=bootstrap, backend=backend, rollout_steps=8,
                  minibatch_size=16)
        )  # fmt: skip
        with torch.no_grad():
            trainer.parameters.vector[-1] = 2.0  # the critic's last bias: no value is 0
        trainer.iterate()
        rewards.append(trainer.rollout.rewards)
    assert (rewards[1] == 1.0).all()
    cut = (rewards[0] != 1.0).flatten().tolist()
    expected = [False] * 16
    if environment == "ProbeEndless-v0":
        expected[6:8] = expected[14:16] = [True, True]  # the fourth and eighth step of both copies
    assert cut == expected


def test_minibatches_may_stay_in_order() -> None:
    """Ratios of the first epoch's minibatches tell which samples were in them."""
    seen: list[torch.Tensor] = []

    def listening(*arguments: Any) -> Any:
        seen.append(arguments[1].clone())  # the log-probabilities of old, which name the samples
        return policy_losses.clipped_policy_loss(*arguments)

    trainer = PPOTrainer(small(shuffle_minibatches=False), parts=Parts(policy_loss=listening))
    trainer.iterate()
    old = trainer.rollout.log_probs.flatten()
    assert torch.equal(torch.cat(seen), torch.cat([old, old]))
    seen.clear()
    PPOTrainer(small(), parts=Parts(policy_loss=listening)).iterate()
    assert not torch.equal(torch.cat(seen)[:128], old)


def test_both_back_ends_keep_minibatches_in_order_and_use_up_no_chance() -> None:
    sides = [
        PPOTrainer(small(shuffle_minibatches=False, backend=name)) for name in ("torch", "compiled")
    ]
    before = sides[0].shuffle_generator.get_state()
    for side in sides:
        side.iterate()
        assert torch.equal(side.shuffle_generator.get_state(), before)
    torch.testing.assert_close(
        sides[0].parameters.vector, sides[1].parameters.vector, rtol=0, atol=1e-5
    )


def test_first_weights_may_be_torchs_own() -> None:
    trainer = PPOTrainer(small(initialization="default"))
    actor = trainer.model.actor
    assert isinstance(actor, MLP)
    torch.manual_seed(1)
    # The order in which the layers draw is their own; their bounds are 1/√inputs.
    for layer in (actor.first, actor.second, actor.output):
        bound = 1 / math.sqrt(layer.in_features)
        assert 0.5 * bound < float(layer.weight.detach().abs().max()) <= bound
        assert 0 < float(layer.bias.detach().abs().max()) <= bound
    again = PPOTrainer(small(initialization="default"))
    assert torch.equal(trainer.parameters.vector, again.parameters.vector)
    other = PPOTrainer(small(initialization="default", seed=2))
    assert not torch.equal(trainer.parameters.vector, other.parameters.vector)


@pytest.mark.parametrize("changes", [{}, {"shared_layers": True}])
def test_layers_may_be_relu(changes: dict[str, bool]) -> None:
    trainer = PPOTrainer(small(activation="relu", **changes))
    assert trainer.backend.name == "torch"
    rows = torch.randn(50, 4)
    weights = dict(trainer.model.named_parameters())
    first = "trunk.0" if changes else "actor.first"
    second = "trunk.2" if changes else "actor.second"
    output = "actor" if changes else "actor.output"
    x = rows
    for layer in (first, second):
        x = (x @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]).clamp(min=0)
    expected = x @ weights[f"{output}.weight"].T + weights[f"{output}.bias"]
    torch.testing.assert_close(trainer.model(rows)[0], expected)
    trainer.iterate()
    observations = trainer.rollout.observations.flatten(0, 1)
    # What acted during the rollout is this very network, before its update.
    fresh = PPOTrainer(small(activation="relu", **changes)).model(observations)[1]
    torch.testing.assert_close(trainer.rollout.values.flatten(), fresh.detach())


def test_actor_and_critic_of_vectors_may_share_their_layers() -> None:
    trainer = PPOTrainer(small(shared_layers=True))
    names = [name for name, _ in trainer.model.named_parameters()]
    assert names == [f"{part}.{kind}" for part in ("trunk.0", "trunk.2", "actor", "critic")
                     for kind in ("weight", "bias")]  # fmt: skip
    assert trainer.backend.name == "torch"
    model = trainer.model
    assert isinstance(model.trunk, nn.Sequential)
    model(torch.randn(9, 4))[1].sum().backward()
    assert model.trunk[0].weight.grad is not None
    assert model.trunk[0].weight.grad.abs().sum() > 0
    told = [trainer.iterate() for _ in range(2)]
    assert all(math.isfinite(one["policy_loss"]) for one in told)


def test_normalised_numbers_are_cut_off_where_the_settings_say() -> None:
    def extremes(**changes: Any) -> tuple[float, float]:
        settings = {"normalize_observations": True, "normalize_rewards": True, **changes}
        trainer = PPOTrainer(small("ProbeEndless-v0", **settings))
        environment = trainer.environment
        assert isinstance(environment, NormalizedEnvironment)
        trainer.iterate()
        far = np.full((1, environment.layout.size), 1e6)
        return float(environment.normalize(far).max()), float(trainer.rollout.rewards.abs().max())

    assert extremes()[0] == 10.0
    assert extremes(observation_clip=3.0)[0] == 3.0
    assert extremes(observation_clip=None)[0] > 1e3
    cut = extremes(reward_clip=0.01, bootstrap_truncation=False)[1]
    assert cut == pytest.approx(0.01)
    assert extremes(reward_clip=None, bootstrap_truncation=False)[1] > 0.1
