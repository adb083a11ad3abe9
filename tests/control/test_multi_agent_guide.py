from __future__ import annotations

import dataclasses

import pytest

from ppolab.control.multi_agent import make_parallel
from ppolab.control.multi_agent.guide import LIMIT, Guide
from ppolab.control.presets import load_preset
from ppolab.control.trainer import PPOTrainer
from ppolab.errors import InvalidSettingError

STAY, UP, DOWN, LEFT, RIGHT = range(5)


def at(walker: tuple[int, int], goal: tuple[int, int]) -> Guide:
    environment = Guide()
    environment.reset(seed=1)
    environment._walker, environment._goal = walker, goal
    return environment


def one_hot(*places: int) -> list[float]:
    return [float(i in places) for i in range(25)]


def test_the_guide_sees_the_goal_and_the_walker_does_not() -> None:
    environment = at(walker=(1, 3), goal=(4, 0))
    seen, *_ = environment.step({"guide": 2, "walker": STAY})
    assert seen["guide"].tolist() == one_hot(1, 5 + 3, 10 + 4, 15 + 0, 20 + 2)
    assert seen["walker"].tolist() == one_hot(1, 5 + 3, 20 + 2)
    assert environment.state().tolist() == seen["guide"].tolist()


@pytest.mark.parametrize(
    ("move", "place"),
    [(STAY, (0, 4)), (UP, (0, 4)), (DOWN, (1, 4)), (LEFT, (0, 3)), (RIGHT, (0, 4))],
)
def test_the_walker_walks_and_walls_hold_it(move: int, place: tuple[int, int]) -> None:
    environment = at(walker=(0, 4), goal=(4, 0))
    seen, rewards, ended, cut_off, _ = environment.step({"guide": 0, "walker": move})
    row, column = place
    assert seen["walker"].tolist() == one_hot(row, 5 + column, 20)
    assert rewards == {"guide": -0.05, "walker": -0.05}
    assert not any((*ended.values(), *cut_off.values()))


def test_reaching_the_goal_ends_the_episode_and_time_cuts_it_off() -> None:
    environment = at(walker=(2, 2), goal=(2, 3))
    _, rewards, ended, cut_off, _ = environment.step({"guide": 0, "walker": RIGHT})
    assert (rewards["guide"], ended["walker"], cut_off["guide"]) == (0.95, True, False)
    assert environment.agents == []
    environment = at(walker=(2, 2), goal=(2, 3))
    for step in range(1, LIMIT + 1):
        assert environment.agents == ["guide", "walker"]
        _, _, ended, cut_off, _ = environment.step({"guide": 0, "walker": STAY})
        assert cut_off["guide"] == cut_off["walker"] == (step == LIMIT)
        assert not ended["guide"]


def test_walker_and_goal_begin_anywhere_but_never_together() -> None:
    environment = Guide()
    places = set()
    for seed in range(300):
        environment.reset(seed=seed)
        walker, goal = environment._walker, environment._goal
        assert walker != goal
        places.add(walker)
    assert len(places) == 25


def test_weather_pays_both_the_same_each_step_and_only_the_state_tells_it() -> None:
    weathers = []
    for seed in range(50):
        environment = Guide(luck=0.5)
        seen, _ = environment.reset(seed=seed)
        weather = float(environment.state()[25])
        assert seen["guide"].tolist() == environment.state()[:25].tolist()
        environment._walker, environment._goal = (0, 0), (4, 4)
        for move in (STAY, DOWN):
            _, rewards, *_ = environment.step({"guide": 0, "walker": move})
            assert rewards["guide"] == rewards["walker"] == pytest.approx(weather - 0.05)
        weathers.append(weather)
    assert -0.5 <= min(weathers) < -0.3
    assert 0.3 < max(weathers) <= 0.5
    assert len(Guide().state()) == 25


def test_luck_out_of_range_is_told() -> None:
    with pytest.raises(InvalidSettingError, match=r"luck: -0\.1 is out of range"):
        make_parallel("multi/Guide", {"luck": -0.1})
    with pytest.raises(InvalidSettingError, match="environment_options"):
        make_parallel("multi/Guide", {"fog": 1})


def test_the_picture_shows_walker_goal_and_word() -> None:
    environment = at(walker=(1, 3), goal=(4, 0))
    assert (environment.render()[130, 60] == (248, 250, 252)).all()
    environment.step({"guide": 1, "walker": STAY})
    picture = environment.render()
    assert (picture[1 * 24 + 12, 3 * 24 + 12] == (15, 23, 42)).all()
    assert (picture[4 * 24 + 12, 0 * 24 + 12] == (34, 197, 94)).all()
    assert (picture[130, 60] == (59, 130, 246)).all()


def test_the_two_come_to_understand_each_other_within_60000_steps() -> None:
    """Chance alone gives about −1.5; without the guide's words the walker can but search."""
    preset = load_preset("guide").config
    trainer = PPOTrainer(
        dataclasses.replace(preset, critic="own", total_steps=61_440, stop_return=1.2)
    )
    while not trainer.finished:
        trainer.iterate()
    assert trainer.mean_return >= 1.2
