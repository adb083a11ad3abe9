"""EnvPool's environments; where it is not installed, a stand-in with its documented behaviour."""

from __future__ import annotations

import importlib.util
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from ppolab.control.config import PPOConfig
from ppolab.control.environments import Finished
from ppolab.control.making import make_environment
from ppolab.control.rollout import Environment
from ppolab.errors import InvalidSettingError, UnknownNameError

installed = importlib.util.find_spec("envpool") is not None
needs_envpool = pytest.mark.skipif(not installed, reason="EnvPool is not installed")


class Pool:
    """Two games of two lives: a life lasts two steps and pays 5 at its end, clipped to 1.

    As the real one does, it begins in the step after an end, and a whole game when told to.
    """

    observation_space = Box(-10.0, 10.0, (2,), np.float32)
    action_space = Discrete(2)

    def __init__(self) -> None:
        self.taken, self.lives = np.zeros(2, int), np.full(2, 2)
        self.resets: list[list[int]] = []
        self.by_lives = False

    def shown(self) -> np.ndarray:
        return np.column_stack([self.lives, self.taken]).astype(np.float32)

    def reset(self, which: np.ndarray | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        which = np.arange(2, dtype=np.int32) if which is None else which
        self.resets.append(which.tolist())
        assert which.dtype == np.int32
        self.taken[which], self.lives[which] = 0, 2
        return self.shown()[which], {"env_id": which}

    def step(self, actions: np.ndarray) -> tuple[Any, ...]:
        begins = self.taken == 2
        self.lives[begins & (self.lives == 0)] = 2
        self.taken = np.where(begins, 0, self.taken + actions)  # action 0 waits
        lost = self.taken == 2
        self.lives -= lost
        over = self.lives == 0
        told = {"reward": 5.0 * lost, "terminated": (lost & over).astype(np.int32)}
        ended = lost if self.by_lives else lost & over
        if not self.by_lives:
            self.taken[lost & ~over] = 0
        return self.shown(), 1.0 * lost, ended, np.zeros(2, bool), told

    def close(self) -> None:
        pass


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    made = Pool()

    def make(name: str, env_type: str, num_envs: int, seed: int, **options: Any) -> Pool:
        assert (name, env_type, num_envs) == ("Game-v5", "gymnasium", 2)
        made.by_lives = options.pop("episodic_life", False)
        if options:
            raise TypeError(f"unexpected keyword argument {next(iter(options))!r}")
        return made

    stand_in = SimpleNamespace(list_all_envs=lambda: ["Game-v5"], make=make)
    monkeypatch.setitem(sys.modules, "envpool", stand_in)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: stand_in)
    return made


def play(environment: Environment, steps: int) -> tuple[list[float], list[float], list[Finished]]:
    """The first copy's rewards and ends, and all finished games; the second copy waits."""
    rewards, dones, games = [], [], []
    for _ in range(steps):
        environment.step(np.array([1, 0]))
        rewards.append(float(environment.rewards[0]))
        dones.append(float(environment.dones[0]))
        assert environment.dones[1] == 0
        games += environment.finished
    return rewards, dones, games


def test_copies_are_begun_anew_at_once_and_alone(pool: Pool) -> None:
    environment = make_environment(PPOConfig(environment="envpool/Game-v5"), 2)
    rewards, dones, games = play(environment, 8)
    assert rewards == [0.0, 1.0] * 4
    assert dones == [0.0, 0.0, 0.0, 1.0] * 2
    assert [(g.environment, g.episode_return, g.length) for g in games] == [(0, 10.0, 4)] * 2
    assert games[0].final_observation.tolist() == [0.0, 2.0]
    assert pool.resets == [[0, 1], [0], [0]]
    assert environment.observations.tolist() == [[2.0, 0.0], [2.0, 0.0]]
    assert environment.present is None


def test_lives_end_what_the_policy_is_paid_for_and_games_are_told_whole(pool: Pool) -> None:
    settings = PPOConfig(environment="envpool/Game-v5", environment_options={"episodic_life": True})
    environment = make_environment(settings, 2)
    assert environment.present is not None
    rewards, dones, games = play(environment, 12)
    assert rewards == [0.0, 1.0, 0.0] * 4
    assert dones == [0.0, 1.0, 1.0] * 4  # the third step of each only begins the next life
    assert [(g.environment, g.episode_return, g.length) for g in games] == [(0, 10.0, 4)] * 2
    assert pool.resets == [[0, 1]]
    assert environment.observations.tolist() == [[2.0, 0.0], [2.0, 0.0]]


def test_unknown_names_and_options_are_answered_in_words(pool: Pool) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean envpool/Game-v5"):
        make_environment(PPOConfig(environment="envpool/Gane-v5"), 2)
    settings = PPOConfig(environment="envpool/Game-v5", environment_options={"speed": 2})
    with pytest.raises(InvalidSettingError, match="speed"):
        make_environment(settings, 2)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InvalidSettingError, match=r'pip install "ppolab\[envpool\]"'):
        make_environment(PPOConfig(environment="envpool/CartPole-v1"))


@needs_envpool
def test_the_real_cart_pole_loses_no_step_and_is_cut_off_at_its_limit() -> None:
    settings = PPOConfig(
        environment="envpool/CartPole-v1", environment_options={"max_episode_steps": 12}
    )
    environment = make_environment(settings, 3)
    steps, finished = np.zeros(3, int), []
    for t in range(60):
        environment.step(np.array([t % 2, 1, t % 2]))
        steps += 1
        for episode in environment.finished:
            assert episode.length == steps[episode.environment] == episode.episode_return
            fell = abs(episode.final_observation[2]) > 0.209
            assert episode.truncated == (episode.length == 12) != fell
            steps[episode.environment] = 0
        assert (np.abs(environment.observations[steps == 0]) <= 0.05).all()
        finished += environment.finished
    assert {episode.truncated for episode in finished} == {True, False}


@needs_envpool
@pytest.mark.parametrize("by_lives", [True, False])
def test_a_real_atari_game_is_told_whole(by_lives: bool) -> None:
    options = {"episodic_life": by_lives, "reward_clip": True}
    settings = PPOConfig(environment="envpool/Breakout-v5", environment_options=options)
    environment = make_environment(settings, 2)
    chance, ends, games = np.random.default_rng(1), np.zeros(2, int), 0
    present = np.ones(2, bool)
    for _ in range(1500):
        environment.step(chance.integers(environment.distribution.parameter_count, size=2))
        ends += (environment.dones > 0) & present
        assert set(environment.rewards.tolist()) <= {0.0, 1.0}
        for game in environment.finished:
            assert ends[game.environment] == (5 if by_lives else 1)
            ends[game.environment] = 0
            games += 1
        if environment.present is not None:
            present = environment.present.copy()
    assert games >= 4
