"""The update against another one, written plainly from the formulas with torch's own parts."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from ppolab.control.config import PPOConfig
from ppolab.control.networks import MLP, ActorCritic
from ppolab.control.optimizer import Adam
from ppolab.control.parameters import FlatParameters
from ppolab.control.rollout import Rollout
from ppolab.control.update import Parts, UpdateReport, update

TIME, ENVIRONMENTS, OBSERVATION, ACTIONS = 32, 4, 3, 3


def settings(**changes: object) -> PPOConfig:
    return PPOConfig.from_mapping(
        {"environments": ENVIRONMENTS, "rollout_steps": TIME, "minibatch_size": 32, "epochs": 3,
         "total_steps": 1024, "learning_rate": 0.01, "entropy_coef": 0.02, **changes}
    )  # fmt: skip


def made_up_rollout() -> Rollout:
    """Numbers of no environment, in double precision, with episodes that end inside."""
    generator = torch.Generator().manual_seed(11)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    shape = (TIME, ENVIRONMENTS)
    return Rollout(
        observations=normal(*shape, OBSERVATION),
        actions=torch.randint(ACTIONS, shape, generator=generator),
        log_probs=-torch.rand(shape, generator=generator, dtype=torch.float64) - 0.6,
        rewards=normal(*shape),
        dones=(torch.rand(shape, generator=generator) < 0.1).double(),
        values=normal(*shape),
        last_values=normal(ENVIRONMENTS),
    )


def run_ours(model: ActorCritic, config: PPOConfig) -> tuple[UpdateReport, Tensor]:
    parameters = FlatParameters(model)
    optimizer = Adam(parameters, config.learning_rate, config.adam_epsilon)
    return update(
        model, parameters, optimizer, made_up_rollout(), config, Parts(),
        torch.Generator().manual_seed(5),
    )  # fmt: skip


def sequential(network: MLP) -> nn.Sequential:
    """The same network out of torch's own modules, with its own copies of the weights."""
    copied = copy.deepcopy(network)
    return nn.Sequential(copied.first, nn.Tanh(), copied.second, nn.Tanh(), copied.output)


def run_plainly(model: ActorCritic, config: PPOConfig) -> tuple[list[Tensor], dict[str, float]]:
    """PPO's update without any of our functions; parameters in the order of `model`'s."""
    actor, critic = sequential(model.actor), sequential(model.critic)
    parameters = [*actor.parameters(), *critic.parameters()]
    optimizer = torch.optim.Adam(
        parameters, lr=config.learning_rate, eps=config.adam_epsilon, foreach=False, fused=False
    )
    data = made_up_rollout()
    advantages = torch.zeros_like(data.rewards)
    for e in range(ENVIRONMENTS):
        trace = 0.0
        for t in range(TIME - 1, -1, -1):
            over = bool(data.dones[t, e])
            after = data.last_values[e] if t == TIME - 1 else data.values[t + 1, e]
            error = data.rewards[t, e] + (0 if over else config.gamma * after) - data.values[t, e]
            trace = error + (0 if over else config.gamma * config.gae_lambda * trace)
            advantages[t, e] = trace
    returns = (advantages + data.values).reshape(-1)
    advantages = advantages.reshape(-1)
    observations = data.observations.reshape(-1, OBSERVATION)
    actions, old_log_probs = data.actions.reshape(-1), data.log_probs.reshape(-1)
    old_values = data.values.reshape(-1)

    generator = torch.Generator().manual_seed(5)
    sums = dict.fromkeys(("policy_loss", "value_loss", "entropy", "clip_fraction", "norm"), 0.0)
    updates = 0
    for _ in range(config.epochs):
        order = torch.randperm(TIME * ENVIRONMENTS, generator=generator)
        for start in range(0, len(order), config.minibatch_size):
            b = order[start : start + config.minibatch_size]
            policy = torch.distributions.Categorical(logits=actor(observations[b]))
            ratio = (policy.log_prob(actions[b]) - old_log_probs[b]).exp()
            a = advantages[b]
            if config.normalize_advantages:
                a = (a - a.mean()) / (a.std() + 1e-8)
            low, high = 1 - config.clip_range, 1 + config.clip_range
            policy_loss = torch.max(-ratio * a, -ratio.clamp(low, high) * a).mean()
            values = critic(observations[b])[:, 0]
            squares = (values - returns[b]) ** 2
            if config.value_clip_range is not None:
                near = old_values[b] + (values - old_values[b]).clamp(
                    -config.value_clip_range, config.value_clip_range
                )
                squares = torch.max(squares, (near - returns[b]) ** 2)
            value_loss = 0.5 * squares.mean()
            entropy = policy.entropy().mean()
            loss = policy_loss - config.entropy_coef * entropy + config.value_coef * value_loss
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(parameters, config.max_gradient_norm)
            optimizer.step()
            updates += 1
            outside = ((ratio < low) | (ratio > high)).double().mean()
            for key, number in zip(
                sums, (policy_loss, value_loss, entropy, outside, norm), strict=True
            ):
                sums[key] += float(number.detach())
    return parameters, {key: total / updates for key, total in sums.items()}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"value_clip_range": 0.3},
        {"normalize_advantages": False, "clip_range": 0.05},
        {"max_gradient_norm": 1000.0, "entropy_coef": 0.0},
        {"gamma": 0.8, "gae_lambda": 0.5, "value_coef": 1.0},
    ],
)
def test_the_update_equals_a_plain_one(changes: dict[str, object]) -> None:
    torch.manual_seed(2)
    model = ActorCritic.small(OBSERVATION, ACTIONS, 8).double()
    config = settings(**changes)
    start = torch.cat([p.detach().flatten() for p in model.parameters()])
    expected, means = run_plainly(model, config)
    report, _ = run_ours(model, config)
    for ours, theirs in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
    after = torch.cat([p.detach().flatten() for p in model.parameters()])
    assert float((after - start).abs().max()) > 0.05  # so that equality means something
    assert report.policy_loss == pytest.approx(means["policy_loss"], abs=1e-5)
    assert report.value_loss == pytest.approx(means["value_loss"], rel=1e-5)
    assert report.entropy == pytest.approx(means["entropy"], abs=1e-5)
    assert report.clip_fraction == pytest.approx(means["clip_fraction"], abs=1e-5)
    assert report.gradient_norm == pytest.approx(means["norm"], rel=1e-5)


def test_the_report_counts_every_ratio_of_every_epoch() -> None:
    report, returns = run_ours(ActorCritic.small(OBSERVATION, ACTIONS, 8).double(), settings())
    assert report.epochs == 3
    assert report.ratio_counts.shape == (2, 3, 50)
    assert report.ratio_counts.sum((0, 2)).tolist() == [TIME * ENVIRONMENTS] * 3
    # Normalised advantages have mean 0, so both signs occur; a batch is seldom split evenly.
    assert (report.ratio_counts.sum(2) > 0).all()
    assert 0 < report.ratio_min < 1 < report.ratio_max
    assert returns.shape == (TIME, ENVIRONMENTS)


def test_epochs_stop_once_the_kl_passes_its_target() -> None:
    def epochs(target: float | None) -> int:
        torch.manual_seed(2)
        model = ActorCritic.small(OBSERVATION, ACTIONS, 8).double()
        return run_ours(model, settings(target_kl=target))[0].epochs

    assert epochs(1e-9) == 1
    assert epochs(None) == 3
    assert epochs(1e9) == 3


def test_the_gradient_is_shortened_to_the_given_norm_and_never_lengthened() -> None:
    model = nn.Linear(2, 1)
    parameters = FlatParameters(model)
    parameters.gradient.copy_(torch.tensor([3.0, 0.0, 4.0]))
    assert float(parameters.shorten_gradient(0.5)) == 5.0
    assert parameters.gradient.tolist() == pytest.approx([0.3, 0.0, 0.4], abs=1e-6)
    assert float(parameters.shorten_gradient(10.0)) == pytest.approx(0.5, abs=1e-6)
    assert parameters.gradient.tolist() == pytest.approx([0.3, 0.0, 0.4], abs=1e-6)
    assert model.bias.grad is not None
    assert model.bias.grad.tolist() == pytest.approx([0.4])  # a view, not a copy
