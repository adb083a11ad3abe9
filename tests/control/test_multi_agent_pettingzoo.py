from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from ppolab.control.config import PPOConfig
from ppolab.control.evaluation import evaluate
from ppolab.control.multi_agent import MultiAgentEnvironment, make_parallel
from ppolab.control.trainer import PPOTrainer
from ppolab.errors import InvalidSettingError, UnknownNameError

needed = pytest.mark.skipif(
    importlib.util.find_spec("mpe2") is None, reason="the extra pettingzoo is not installed"
)
SPREAD = "pettingzoo/mpe2/simple_spread_v3"


@needed
def test_rows_are_what_pettingzoo_tells_each_agent() -> None:
    environment = MultiAgentEnvironment(SPREAD, 2, seed=5, central=True)
    plain = [make_parallel(SPREAD) for _ in range(2)]
    children = np.random.SeedSequence(5).generate_state(2)
    shown = [one.reset(seed=int(child))[0] for one, child in zip(plain, children, strict=True)]
    chance = np.random.default_rng(1)
    for step in range(1, 26):
        for c in range(2):
            own = np.stack([shown[c][f"agent_{i}"] for i in range(3)])
            rows = environment.observations[3 * c : 3 * c + 3]
            np.testing.assert_array_equal(rows[:, :18], own)
            np.testing.assert_array_equal(rows[:, 18:21], np.eye(3))
            np.testing.assert_array_equal(rows[:, 21:], np.tile(own.reshape(1, -1), (3, 1)))
        actions = chance.integers(5, size=6)
        environment.step(actions)
        for c in range(2):
            names = {f"agent_{i}": int(actions[3 * c + i]) for i in range(3)}
            shown[c], rewards, _, _, _ = plain[c].step(names)
            told = environment.rewards[3 * c : 3 * c + 3]
            assert told.tolist() == [np.float32(rewards[f"agent_{i}"]) for i in range(3)]
        assert bool(environment.finished) == (step == 25)
    assert all(episode.truncated for episode in environment.finished)
    finals = [episode.final_observation[:18] for episode in environment.finished]
    expected = [shown[c][f"agent_{i}"] for c in range(2) for i in range(3)]
    np.testing.assert_array_equal(finals, expected)


@needed
def test_agents_of_unequal_spaces_train_and_are_evaluated() -> None:
    config = PPOConfig(
        environment="pettingzoo/mpe2/simple_speaker_listener_v4", critic="central",
        environments=2, rollout_steps=32, minibatch_size=64, total_steps=128,
    )  # fmt: skip
    trainer = PPOTrainer(config)
    metrics = trainer.iterate()
    assert trainer.rollout.actions[:, [0, 2]].max() == 2  # the speaker has three of five
    assert trainer.rollout.actions[:, [1, 3]].max() == 4
    assert metrics["return_of_speaker_0"] + metrics["return_of_listener_0"] == pytest.approx(
        metrics["return_mean_100"], rel=1e-5
    )
    result = evaluate(trainer.model, config, 3, seed=1, deterministic=True)
    assert result.lengths.tolist() == [25, 25, 25]


@needed
def test_options_reach_the_environment_and_wrong_ones_are_told() -> None:
    environment = MultiAgentEnvironment(SPREAD, 1, 1, {"N": 4, "max_cycles": 2})
    assert len(environment) == 4
    environment.step(np.zeros(4, np.int64))
    assert not environment.finished
    environment.step(np.zeros(4, np.int64))
    assert len(environment.finished) == 4
    with pytest.raises(InvalidSettingError, match="environment_options"):
        MultiAgentEnvironment(SPREAD, 1, 1, {"landmarks": 4})


@needed
@pytest.mark.parametrize("name", ["os/path", "mpe2/all_modules", "mpe2/simple", "mpe2", "../x"])
def test_a_name_chooses_among_environments_and_never_another_module(name: str) -> None:
    with pytest.raises(UnknownNameError):
        make_parallel(f"pettingzoo/{name}")


@needed
def test_agents_in_turns_are_refused() -> None:
    with pytest.raises(InvalidSettingError, match="lets its agents act in turns"):
        make_parallel("pettingzoo/classic/connect_four_v3")


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InvalidSettingError, match=r"ppolab\[pettingzoo\]"):
        make_parallel(SPREAD)
