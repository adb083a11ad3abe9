"""The trainer on environments whose right answers are known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from ppolab.algorithms.advantages import generalized_advantages
from ppolab.control.acting import actor_for
from ppolab.control.config import PPOConfig
from ppolab.control.trainer import PPOTrainer
from ppolab.control.update import Parts

backend = "auto"


@pytest.fixture(autouse=True, params=["torch", "compiled"])
def each_back_end(request: pytest.FixtureRequest) -> None:
    """Every probe is solved by both back ends."""
    global backend
    backend = request.param


def train(probe: str, steps: int = 4096, **settings: object) -> PPOTrainer:
    config = PPOConfig.from_mapping(
        {
            "environment": f"Probe{probe}-v0",
            "total_steps": steps,
            "environments": 4,
            "rollout_steps": 16,
            "epochs": 4,
            "minibatch_size": 32,
            "learning_rate": 0.01,
            "hidden_size": 32,
            "gamma": 0.5,
            "entropy_coef": 0.0,
            "backend": backend,
            **settings,
        }
    )
    trainer = PPOTrainer(config)
    while not trainer.finished:
        trainer.iterate()
    return trainer


def value(trainer: PPOTrainer, observation: float) -> float:
    return float(
        actor_for(trainer.model, trainer.action_generator).values(
            np.array([[observation]], np.float32)
        )[0]
    )


def chance_of_action_one(trainer: PPOTrainer, observation: float) -> float:
    actor = actor_for(trainer.model, trainer.action_generator)
    actions, _, _ = actor.act(np.full((2000, 1), observation, np.float32))
    return float(actions.mean())


def test_the_critic_learns_a_constant() -> None:
    assert value(train("ValueOnly"), 0.0) == pytest.approx(1.0, abs=0.02)


def test_the_critic_tells_observations_apart() -> None:
    trainer = train("ValueOfObservation")
    assert value(trainer, 1.0) == pytest.approx(1.0, abs=0.05)
    assert value(trainer, -1.0) == pytest.approx(-1.0, abs=0.05)


def test_a_reward_one_step_away_is_worth_gamma() -> None:
    trainer = train("Discount")
    assert value(trainer, 1.0) == pytest.approx(1.0, abs=0.05)
    assert value(trainer, 0.0) == pytest.approx(0.5, abs=0.05)


def test_the_actor_finds_the_action_that_pays() -> None:
    trainer = train("ActionReward", 2048)
    assert chance_of_action_one(trainer, 0.0) > 0.97
    assert trainer.mean_return > 0.9


def test_the_actor_answers_what_it_sees() -> None:
    trainer = train("ActionForObservation")
    assert chance_of_action_one(trainer, 1.0) > 0.95
    assert chance_of_action_one(trainer, -1.0) < 0.05


def test_credit_goes_back_to_the_action_that_earned_it() -> None:
    trainer = train("TwoStepCredit", gamma=0.9)
    assert chance_of_action_one(trainer, 0.0) > 0.95


@pytest.mark.parametrize("probe", ["Endless", "CutsItselfOff"])
def test_a_truncated_episode_is_worth_as_much_as_an_endless_one(probe: str) -> None:
    # γ = 0.5: 1 + 0.5 + 0.25 + … = 2. Taken for an end after four steps, the mean over the four
    # positions would be (1 + 1.5 + 1.75 + 1.875) / 4 = 1.53.
    trainer = train(probe)
    assert value(trainer, 0.0) == pytest.approx(2.0, abs=0.05)
    assert trainer.mean_return == 4.0  # as a count of rewards the episode does end


def test_an_exchanged_part_is_used() -> None:
    # Advantages turned upside down teach the action that does not pay.
    def upside_down(*arguments: object) -> object:
        return -generalized_advantages(*arguments)  # type: ignore[arg-type]

    config = PPOConfig(
        environment="ProbeActionReward-v0", total_steps=2048, environments=4, rollout_steps=16,
        minibatch_size=32, learning_rate=0.01, value_coef=0.0,
    )  # fmt: skip
    trainer = PPOTrainer(config, parts=Parts(advantages=upside_down))  # type: ignore[arg-type]
    while not trainer.finished:
        trainer.iterate()
    assert chance_of_action_one(trainer, 0.0) < 0.03
