from __future__ import annotations

import math
from typing import Any

import numpy as np
import parallels
import pytest
import torch

from ppolab.control.config import PPOConfig
from ppolab.control.evaluation import evaluate, normalization_of, record_episode
from ppolab.control.networks import MLP
from ppolab.control.trainer import PPOTrainer

parallels.register_all()


def trainer_of(environment: str, **changes: Any) -> PPOTrainer:
    return PPOTrainer(
        PPOConfig.from_mapping(
            {"environment": environment, "total_steps": 1024, "environments": 2,
             "rollout_steps": 16, "minibatch_size": 32, "hidden_size": 8, "backend": "torch",
             **changes}
        )
    )  # fmt: skip


def prefer(trainer: PPOTrainer, *logits: float) -> None:
    """Give the actor these logits whatever it sees."""
    actor = getattr(trainer.model.actor, "network", trainer.model.actor)
    assert isinstance(actor, MLP)
    with torch.no_grad():
        actor.output.weight.zero_()
        actor.output.bias[:] = torch.tensor(logits)


@pytest.mark.parametrize("critic", ["own", "central"])
def test_a_teams_episodes_are_counted_by_copies_and_told_by_agents(critic: str) -> None:
    trainer = trainer_of("multi/Leavers", critic=critic)
    prefer(trainer, 1.0, 0.0)
    result = evaluate(trainer.model, trainer.config, 5, seed=1, deterministic=True)
    assert result.returns.tolist() == [432.0] * 5
    assert result.lengths.tolist() == [4] * 5
    assert result.agent_means == {"a": 2.0, "b": 30.0, "c": 400.0}
    prefer(trainer, 0.0, 0.0)
    drawn = evaluate(trainer.model, trainer.config, 200, seed=1, deterministic=False)
    # Nine actions an episode, each worth 1000 with chance 1/2.
    assert drawn.mean == pytest.approx(432 + 4500, abs=5 * 1500 / math.sqrt(200))
    assert drawn.agent_means["c"] == pytest.approx(400 + 2000, abs=5 * 1000 / math.sqrt(200))


def test_a_recorded_team_has_an_axis_of_agents_and_tells_who_was_present() -> None:
    trainer = trainer_of("multi/Leavers", critic="central")
    prefer(trainer, 0.0, math.log(3.0))
    episode = record_episode(trainer.model, trainer.config, seed=1, deterministic=True)
    assert episode.agents == ("a", "b", "c")
    assert episode.present is not None
    assert episode.present.sum(0).tolist() == [2, 3, 4]
    assert episode.rewards.shape == episode.values.shape == episode.actions.shape == (4, 3)
    assert episode.rewards.sum(0).tolist() == [2002.0, 3030.0, 4400.0]
    assert episode.episode_return == 9432.0
    assert not episode.truncated
    assert episode.observations.shape == (5, 3, trainer.environment.layout.size)
    assert episode.observations[:, 2, 1].tolist() == [0, 1, 2, 3, 4]  # c's steps, the last one too
    assert not episode.observations[3:, :2, :2].any()  # a and b had left, nothing begins anew
    np.testing.assert_allclose(
        episode.policy["action_probabilities"], np.full((4, 3, 2), [0.25, 0.75]), rtol=1e-6
    )
    assert set(episode.arrays()) >= {"agents", "present"}
    assert episode.frames is None
    assert "does not render pictures" in episode.frames_absent


def test_a_recorded_team_is_the_one_that_would_be_evaluated_frame_by_frame() -> None:
    trainer = trainer_of("multi/Guide", critic="central", normalize_observations=True)
    trainer.iterate()
    normalization = normalization_of(trainer.environment)
    arguments = (trainer.model, trainer.config)
    result = evaluate(*arguments, 1, 7, False, normalization)
    episode = record_episode(*arguments, 7, False, normalization)
    assert episode.episode_return == pytest.approx(result.mean, abs=1e-5)
    assert len(episode.rewards) == result.lengths[0]
    assert episode.frames_absent == ""
    assert episode.frames is not None
    assert episode.frames.shape == (len(episode.rewards) + 1, 144, 120, 3)
    # The walker's dark square lies where its observation says, in every frame.
    rows, columns = (episode.observations[:, 1, k : k + 5].argmax(1) for k in (0, 5))
    for frame, row, column in zip(episode.frames, rows, columns, strict=True):
        assert frame[row * 24 + 12, column * 24 + 12].tolist() == [15, 23, 42]


def test_one_agent_alone_is_recorded_as_an_environment_without_agents() -> None:
    alone, plain = trainer_of("multi/CartPole-v1"), trainer_of("CartPole-v1")
    first, second = (
        record_episode(trainer.model, trainer.config, seed=3, deterministic=False)
        for trainer in (alone, plain)
    )
    for name, array in second.arrays().items():
        if name != "frames":
            np.testing.assert_array_equal(first.arrays()[name], array)
    assert first.present is None
    assert first.agents == ()
