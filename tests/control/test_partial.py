from __future__ import annotations

import json
from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from ppolab.control.environments import VectorEnvironment, make_single
from ppolab.control.presets import load_preset
from ppolab.control.trainer import PPOTrainer
from ppolab.errors import UnknownNameError

NAME = "ppolab/CartPole-no-velocity"


def test_it_moves_as_cartpole_and_shows_where_things_are() -> None:
    ours, whole = make_single(NAME), gymnasium.make("CartPole-v1")
    assert ours.observation_space.shape == (2,)
    generator = np.random.default_rng(1)
    ends = 0
    for episode in range(3):
        shown, all_four = ours.reset(seed=episode)[0], whole.reset(seed=episode)[0]
        over = False
        while not over:
            assert shown.tolist() == all_four[[0, 2]].tolist()
            assert ours.observation_space.contains(shown)
            action = int(generator.integers(2))
            shown, reward, over, cut_off, _ = ours.step(action)
            all_four, *expected = whole.step(action)
            assert [reward, over, cut_off] == expected[:3]
        ends += 1
    assert ends == 3


def test_its_episodes_are_cut_off_after_500_steps() -> None:
    assert make_single(NAME).spec.max_episode_steps == 500  # type: ignore[union-attr]


def test_it_goes_on_exactly_after_a_resume() -> None:
    first, second = VectorEnvironment(NAME, 2, 1), VectorEnvironment(NAME, 2, 2)
    first.step(np.array([0, 1]))
    state = first.state()
    assert state is not None
    assert second.restore(json.loads(json.dumps(state)))
    for _ in range(60):
        for environment in (first, second):
            environment.step(np.array([1, 1]))
        assert first.observations.tolist() == second.observations.tolist()
        assert first.dones.tolist() == second.dones.tolist()


def test_another_name_of_ours_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="ppolab/Nothing"):
        make_single("ppolab/Nothing")


@pytest.mark.slow
@pytest.mark.parametrize(("memory", "low", "high"), [("lstm", 400.0, 500.0), ("none", 20.0, 100.0)])
def test_who_remembers_balances_the_pole_and_who_does_not_cannot(
    memory: str, low: float, high: float
) -> None:
    preset = load_preset("cartpole-no-velocity").config
    trainer = PPOTrainer(replace(preset, memory=memory, backend="torch"))
    while not trainer.finished:
        trainer.iterate()
    assert low < trainer.mean_return <= high
