"""Atari's games as the policy sees them, and as they are told of."""

from __future__ import annotations

import importlib.util
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ppolab.control.atari import Atari, AtariEnvironment
from ppolab.control.config import PPOConfig
from ppolab.control.evaluation import record_episode
from ppolab.control.making import in_own_units, make_environment
from ppolab.control.rollout import Rollout, collect
from ppolab.control.trainer import PPOTrainer
from ppolab.errors import InvalidSettingError

installed = importlib.util.find_spec("ale_py") is not None
needs_ale = pytest.mark.skipif(not installed, reason="ale-py is not installed")

BREAKOUT, INVADERS = "BreakoutNoFrameskip-v4", "SpaceInvadersNoFrameskip-v4"
NOTHING = np.zeros(1, np.int64)


def one(name: str = BREAKOUT, **options: Any) -> tuple[AtariEnvironment, Atari]:
    environment = make_environment(PPOConfig(environment=name, environment_options=options), 1)
    assert isinstance(environment, AtariEnvironment)
    game = environment._environments[0]
    assert isinstance(game, Atari)
    return environment, game


class Counting:
    """An emulator that books what it is asked for."""

    def __init__(self, emulator: Any) -> None:
        self.emulator = emulator
        self.buttons: list[int] = []
        self.points = 0.0

    def act(self, button: Any) -> float:
        self.buttons.append(int(getattr(button, "value", button)))
        points = float(self.emulator.act(button))
        self.points += points
        return points

    def __getattr__(self, name: str) -> Any:
        return getattr(self.emulator, name)


@needs_ale
def test_an_action_lasts_four_frames_and_a_life_begins_with_fire() -> None:
    environment, game = one(fire_reset=True, noop_max=0)
    game._ale = emulator = Counting(game._ale)
    steps = 0
    while not environment.dones[0]:
        environment.step(NOTHING)
        steps += 1
    # Four of nothing a step; after the lost life four more, then four of fire, then of right.
    assert emulator.buttons == [0] * 4 * steps + [0] * 4 + [1] * 4 + [3] * 4
    assert environment.finished == []


@needs_ale
def test_whoever_does_nothing_loses_five_lives_and_is_told_one_game() -> None:
    environment, _ = one()
    ends = 0
    while not environment.finished:
        environment.step(NOTHING)
        ends += int(environment.dones[0])
    (game,) = environment.finished
    assert ends == 5
    assert not game.truncated
    assert game.length > 5 * 15  # a ball takes a second to fall


@needs_ale
def test_without_fire_the_ball_never_starts() -> None:
    environment, _ = one(fire_reset=False)
    for _ in range(150):
        environment.step(NOTHING)
        assert not environment.dones[0]


@needs_ale
def test_lives_are_no_ends_where_they_shall_not_be() -> None:
    # And so nobody presses fire for the second ball: the game stands still at four lives.
    environment, game = one(episodic_life=False)
    for _ in range(150):
        environment.step(NOTHING)
        assert not environment.dones[0]
    assert game._ale.lives() == 4


@needs_ale
@pytest.mark.parametrize("clip", [True, False])
def test_the_policy_is_paid_signs_and_the_game_is_told_in_points(clip: bool) -> None:
    environment, game = one(INVADERS, clip_rewards=clip)
    game._ale = emulator = Counting(game._ale)
    chance, paid = np.random.default_rng(1), []
    while not environment.finished:
        environment.step(chance.integers(6, size=1))
        paid.append(float(environment.rewards[0]))
        if not environment.finished:
            points = emulator.points
    # What a game brings, frames between lives included; its last action is in no earlier sum.
    assert environment.finished[0].episode_return >= points > 50
    assert environment.finished[0].episode_return % 5 == 0
    rewards = set(paid)
    assert rewards == {0.0, 1.0} if clip else max(rewards) >= 5


@needs_ale
def test_screens_are_stacked_newest_last_and_anew_for_each_life() -> None:
    environment, _ = one(max_pool=True)
    screens = environment.observations[0].reshape(84, 84, 4).copy()
    assert (screens == screens[..., :1]).all()
    for _ in range(30):
        environment.step(NOTHING)
        now = environment.observations[0].reshape(84, 84, 4)
        if environment.dones[0]:
            assert (now == now[..., :1]).all()
            break
        np.testing.assert_array_equal(now[..., :3], screens[..., 1:])
        screens = now.copy()
    assert environment.dones[0]


@needs_ale
def test_the_brighter_of_the_last_two_frames_is_shown() -> None:
    environment, game = one(INVADERS)
    environment.step(NOTHING)
    first, second = np.zeros((2, 210, 160, 1), np.uint8)
    first[:5], second[-5:] = 90, 80
    game._raw[0], game._raw[1] = first, second
    shown = game._screen()
    assert (shown[0] == 90).all()
    assert (shown[-1] == 80).all()
    _, single = one(INVADERS, max_pool=False)
    single._raw[:] = game._raw
    assert not single._screen()[0].any()


@needs_ale
def test_games_begin_after_a_different_number_of_frames_or_all_alike() -> None:
    def first(noop_max: int) -> list[bytes]:
        options = {"noop_max": noop_max, "frame_stack": 1}
        settings = PPOConfig(environment="PongNoFrameskip-v4", environment_options=options)
        return [row.tobytes() for row in make_environment(settings, 4).observations]

    assert len(set(first(0))) == 1
    assert len(set(first(30))) > 1


@needs_ale
def test_colours_and_sizes_are_as_asked_for() -> None:
    environment, _ = one(grayscale=False, screen_size=40, frame_stack=2)
    assert environment.layout.parts[0].shape == (40, 40, 6)
    image = environment.observations[0].reshape(40, 40, 6)
    assert (image[..., 0] != image[..., 1]).any()


@needs_ale
def test_a_captured_game_goes_on_exactly_sticky_actions_and_lives_included() -> None:
    settings = PPOConfig(environment="ALE/Breakout-v5", seed=3)  # repeats a quarter of all actions

    def play(environment: AtariEnvironment, seed: int) -> np.ndarray:
        chance, rows = np.random.default_rng(seed), []
        for _ in range(130):
            environment.step(chance.integers(4, size=2))
            rows.append(
                [*environment.rewards, *environment.dones, *environment.observations.sum(1)]
            )
        return np.array(rows)

    environment = make_environment(settings, 2)
    play(environment, 1)
    text = json.dumps(environment.state())
    expected = play(environment, 2)
    assert expected[:, 2:4].any()
    fresh = make_environment(settings, 2)
    assert fresh.restore(json.loads(text))
    np.testing.assert_array_equal(play(fresh, 2), expected)


@needs_ale
def test_a_game_cut_off_is_truncated_and_recorded_in_points_with_pictures() -> None:
    options = {"max_num_frames_per_episode": 600}
    settings = PPOConfig(environment=INVADERS, environments=1, environment_options=options)
    trainer = PPOTrainer(settings)
    episode = record_episode(trainer.model, settings, seed=1, deterministic=False)
    assert episode.truncated
    assert 100 < len(episode.rewards) < 150  # 600 frames, less those before the first action
    assert episode.episode_return >= 5
    assert episode.frames is not None
    assert episode.frames.shape == (len(episode.rewards) + 1, 210, 160, 3)
    assert settings.environment_options == options


def test_own_units_are_unclipped() -> None:
    def options(name: str, **given: Any) -> dict[str, Any]:
        return in_own_units(
            PPOConfig(environment=name, environment_options=given)
        ).environment_options

    assert options(BREAKOUT, noop_max=3) == {"noop_max": 3, "clip_rewards": False}
    assert options("envpool/Pong-v5", reward_clip=True) == {"reward_clip": False}
    assert options("envpool/CartPole-v1") == {}


@needs_ale
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"frame_skip": 0}, "frame_skip: 0 is not a whole number from 1 on"),
        ({"frame_stack": 2.5}, "frame_stack: 2.5 is not a whole number"),
        ({"clip_rewards": 1}, "clip_rewards: 1 is not true or false"),
        ({"lives": True}, "environment_options: .*do not fit"),
    ],
)
def test_options_that_do_not_fit_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSettingError, match=words):
        one(**options)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    for name in (BREAKOUT, "ALE/Pong-v5"):
        with pytest.raises(InvalidSettingError, match=r'pip install "ppolab\[atari\]"'):
            one(name)


def test_a_policy_s_memory_ends_with_a_life_as_the_update_takes_it_to() -> None:
    forgotten: list[int] = []
    actor = SimpleNamespace(
        act=lambda seen, masks: (np.zeros(2, np.int64), np.zeros(2), np.zeros(2)),
        values=lambda seen: np.zeros(2, np.float32),
        forget=forgotten.append,
    )
    environment = SimpleNamespace(
        observations=np.zeros((2, 1), np.float32), masks=None, present=None, finished=[],
        rewards=np.zeros(2), dones=np.array([0.0, 1.0]), step=lambda actions: None,
    )  # fmt: skip
    rollout = Rollout.small(3, 2, 1)
    object.__setattr__(rollout, "states", torch.zeros(2, 4))
    collect(rollout, environment, actor, 0.99)  # type: ignore[arg-type]
    assert forgotten == [1, 1, 1]


@needs_ale
def test_the_emulator_s_own_vector_environment_loses_no_step() -> None:
    options = {"repeat_action_probability": 0.0, "max_num_frames_per_episode": 100}
    settings = PPOConfig(environment="vector/ALE/Breakout-v5", environment_options=options)
    environment = make_environment(settings, 2)
    assert environment.present is None
    assert environment.layout.parts[0].shape == (4, 84, 84)
    chance, steps, ended = np.random.default_rng(1), np.zeros(2, int), 0
    for _ in range(80):
        before = environment.observations.copy()
        environment.step(chance.integers(4, size=2))
        steps += 1
        for episode in environment.finished:
            i = episode.environment
            assert (episode.length, steps[i]) == (steps[i], episode.length)
            steps[i], ended = 0, ended + 1
            # The newest three screens of before are the oldest three of the end, not of the next.
            last, next_one = episode.final_observation, environment.observations[i]
            np.testing.assert_array_equal(last.reshape(4, -1)[:3], before[i].reshape(4, -1)[1:])
            assert (next_one != last).any()
    assert ended >= 4
    environment.close()
