from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from ppolab.control.acting import NumpyActor, TorchActor, actor_for
from ppolab.control.config import PPOConfig
from ppolab.control.trainer import PPOTrainer


def config(environment: str, **changes: Any) -> PPOConfig:
    return PPOConfig.from_mapping(
        {"environment": environment, "total_steps": 4096, "environments": 8, "rollout_steps": 32,
         "minibatch_size": 64, "epochs": 6, "learning_rate": 0.003, "hidden_size": 32,
         "entropy_coef": 0.0, **changes}
    )  # fmt: skip


def train(settings: PPOConfig) -> PPOTrainer:
    trainer = PPOTrainer(settings)
    while not trainer.finished:
        trainer.iterate()
    return trainer


@pytest.mark.parametrize(
    ("environment", "blind", "least"),
    [
        # "blind" is the best mean return without seeing the observation.
        ("ProbeTarget-v0", -1.0, -0.15),
        ("ProbeSeveral-v0", 1.5, 1.9),
        ("ProbeSwitches-v0", 2.0, 2.8),
        ("ProbeMaskedByMethod-v0", 0.5, 0.95),
        ("ProbeMaskedByEntry-v0", 0.5, 0.95),
    ],
)
def test_each_kind_of_action_is_learned(environment: str, blind: float, least: float) -> None:
    trainer = train(config(environment, total_steps=12_288))
    assert blind < least <= trainer.mean_return


@pytest.mark.parametrize("environment", ["ProbeImage-v0", "ProbeMixture-v0"])
def test_images_and_mixtures_are_seen(environment: str) -> None:
    settings = config(
        environment, total_steps=3072, learning_rate=0.001, epochs=4, rollout_steps=16
    )
    # 0.5 without looking, 0.75 for the mixture when one of its parts goes unseen.
    assert train(settings).mean_return >= 0.9


def test_separate_encoders_share_no_weights() -> None:
    trainer = PPOTrainer(config("ProbeImage-v0", shared_encoder=False))
    shared = PPOTrainer(config("ProbeImage-v0"))
    assert trainer.parameters.vector.numel() > 1.9 * shared.parameters.vector.numel()


def test_forbidden_actions_have_probability_zero_and_send_no_gradient() -> None:
    trainer = PPOTrainer(config("ProbeMaskedByMethod-v0"))
    trainer.iterate()
    rollout = trainer.rollout
    assert rollout.masks is not None
    assert set(rollout.actions.unique().tolist()) == {1, 2}
    rows, masks = rollout.observations[0], rollout.masks[0]
    parameters, _ = trainer.model(rows, masks)
    probabilities = torch.softmax(parameters, 1)
    assert probabilities[:, [0, 3]].max() == 0.0
    log_probs, _ = trainer.model.distribution.evaluate(parameters, rollout.actions[0])
    trainer.parameters.gradient.zero_()
    log_probs.sum().backward()
    bias = trainer.model.actor.output.bias.grad  # type: ignore[union-attr]
    assert bias[[0, 3]].tolist() == [0.0, 0.0]  # type: ignore[index]
    assert bias[[1, 2]].abs().min() > 0  # type: ignore[index]


@pytest.mark.parametrize(
    "environment", ["CartPole-v1", "Pendulum-v1", "ProbeSeveral-v0", "ProbeMaskedByMethod-v0"]
)
def test_the_quick_actor_tells_the_log_probabilities_and_values_of_the_model(
    environment: str,
) -> None:
    trainer = PPOTrainer(config(environment))
    trainer.iterate()
    actor = actor_for(trainer.model, trainer.action_generator)
    assert isinstance(actor, NumpyActor)
    observations, masks = trainer.environment.observations, trainer.environment.masks
    actions, log_probs, values = actor.act(observations, masks)
    allowed = None if masks is None else torch.from_numpy(masks)
    with torch.no_grad():
        expected, _, expected_values = trainer.model.evaluate(
            torch.from_numpy(observations), torch.from_numpy(actions), allowed
        )
    np.testing.assert_allclose(log_probs, expected.numpy(), atol=2e-6)
    np.testing.assert_allclose(values, expected_values.numpy(), atol=2e-6)


def test_the_general_actor_repeats_itself_from_the_same_generator() -> None:
    trainer = PPOTrainer(config("ProbeSwitches-v0"))
    actor = actor_for(trainer.model, trainer.action_generator)
    assert isinstance(actor, TorchActor)
    observations = trainer.environment.observations
    state = trainer.action_generator.bit_generator.state
    first = actor.act(observations)
    second = actor.act(observations)
    trainer.action_generator.bit_generator.state = state
    again = actor.act(observations)
    assert (first[0] == again[0]).all()
    assert (first[0] != second[0]).any()


@pytest.mark.parametrize(
    "environment", ["ProbeMixture-v0", "ProbeSwitches-v0", "ProbeMaskedByEntry-v0", "Pendulum-v1"]
)
def test_every_kind_resumes_exactly(environment: str) -> None:
    normalised = environment == "Pendulum-v1"
    settings = config(
        environment, normalize_observations=normalised, normalize_rewards=normalised, epochs=1
    )
    uninterrupted = PPOTrainer(settings)
    uninterrupted.iterate()
    tensors, extra = uninterrupted.state()
    resumed = PPOTrainer(settings)
    assert resumed.restore(tensors, json.loads(json.dumps(extra)))
    uninterrupted.iterate()
    resumed.iterate()
    assert torch.equal(uninterrupted.parameters.vector, resumed.parameters.vector)


def test_micro_batches_add_up_to_the_same_update() -> None:
    whole = PPOTrainer(config("CartPole-v1", epochs=1))
    pieces = PPOTrainer(config("CartPole-v1", epochs=1, micro_batch_size=17))
    before = whole.parameters.vector.detach().clone()
    told, told_in_pieces = whole.iterate(), pieces.iterate()
    moved = float((whole.parameters.vector - before).abs().max())
    difference = float((whole.parameters.vector - pieces.parameters.vector).abs().max())
    assert moved > 5e-3
    # Adam divides by the gradient's size, so rounding in tiny gradients shows more than elsewhere.
    assert difference < 2e-4
    for key in ("policy_loss", "value_loss", "entropy", "clip_fraction", "gradient_norm"):
        assert told_in_pieces[key] == pytest.approx(told[key], abs=1e-5, rel=1e-4), key


def test_bfloat16_goes_the_same_way_with_less_precision() -> None:
    exact = PPOTrainer(config("CartPole-v1", epochs=1))
    rough = PPOTrainer(config("CartPole-v1", epochs=1, precision="bfloat16"))
    before = exact.parameters.vector.detach().clone()
    exact.iterate()
    rough.iterate()
    first, second = exact.parameters.vector - before, rough.parameters.vector - before
    cosine = torch.nn.functional.cosine_similarity(first, second, dim=0)
    assert 0.9 < float(cosine) < 1 - 1e-6
    assert rough.parameters.vector.dtype == torch.float32
