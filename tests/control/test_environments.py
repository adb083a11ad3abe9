from __future__ import annotations

import json

import gymnasium
import numpy as np
import pytest

from ppolab.control.environments import VectorEnvironment
from ppolab.errors import InvalidSettingError, PPOLabError, UnknownNameError


def rewards_and_observations(environment: VectorEnvironment, steps: int, seed: int) -> np.ndarray:
    """Everything that random actions lead to, [steps, environments, 2 + observation]."""
    generator = np.random.default_rng(seed)
    rows = []
    for _ in range(steps):
        environment.step(
            generator.integers(environment.distribution.parameter_count, size=len(environment))
        )
        rows.append(
            np.column_stack([environment.rewards, environment.dones, environment.observations])
        )
    return np.array(rows)


def test_it_does_what_gymnasiums_own_environment_does() -> None:
    # MountainCar-v0 under random actions is cut off by its limit of 200 steps.
    ours = VectorEnvironment("MountainCar-v0", 2, seed=5)
    generator = np.random.default_rng(1)
    theirs = [gymnasium.make("MountainCar-v0") for _ in range(2)]
    seeds = np.random.SeedSequence(5).generate_state(2)
    observations = [env.reset(seed=int(s))[0] for env, s in zip(theirs, seeds, strict=True)]
    np.testing.assert_array_equal(ours.observations, observations)
    endings = 0
    for _ in range(450):
        actions = generator.integers(3, size=2)
        ours.step(actions)
        endings += len(ours.finished)
        for i, env in enumerate(theirs):
            observation, reward, terminated, truncated, _ = env.step(actions[i])
            final = observation
            if terminated or truncated:
                episode = next(e for e in ours.finished if e.environment == i)
                assert (episode.length, episode.episode_return) == (200, -200.0)
                assert episode.truncated
                np.testing.assert_array_equal(episode.final_observation, final.astype(np.float32))
                observation, _ = env.reset()
            np.testing.assert_array_equal(ours.observations[i], observation.astype(np.float32))
            assert ours.rewards[i] == reward
            assert bool(ours.dones[i]) == (terminated or truncated)
    assert endings == 4


def test_a_fall_is_an_end_and_not_a_truncation() -> None:
    environment = VectorEnvironment("CartPole-v1", 1, seed=1)
    while not environment.finished:
        environment.step(np.zeros(1, np.int64))  # always left: falls in about ten steps
    episode = environment.finished[0]
    assert not episode.truncated
    assert episode.length == episode.episode_return < 20
    assert abs(episode.final_observation[2]) > 0.2  # radians; the limit is 12° = 0.209


def test_an_end_at_the_very_limit_is_an_end() -> None:
    environment = VectorEnvironment("ProbeEndsAtItsLimit-v0", 1, seed=1)
    for _ in range(3):
        environment.step(np.zeros(1, np.int64))
    assert [episode.truncated for episode in environment.finished] == [False]


def test_the_final_observation_survives_an_environment_that_reuses_its_array() -> None:
    environment = VectorEnvironment("ProbeReusedBuffer-v0", 1, seed=1)
    for _ in range(3):
        environment.step(np.zeros(1, np.int64))
    assert environment.finished[0].final_observation.tolist() == [3.0]
    assert environment.observations.tolist() == [[0.0]]  # of the next episode


def test_copies_differ_and_seeds_repeat() -> None:
    first, second = (VectorEnvironment("CartPole-v1", 3, seed=4) for _ in range(2))
    other = VectorEnvironment("CartPole-v1", 3, seed=5)
    np.testing.assert_array_equal(first.observations, second.observations)
    rows = np.concatenate([first.observations, other.observations])
    assert len(np.unique(rows, axis=0)) == 6


@pytest.mark.parametrize(
    "environment_id", ["CartPole-v1", "Acrobot-v1", "MountainCar-v0", "ProbeVaried-v0"]
)
def test_a_captured_environment_goes_on_exactly(environment_id: str) -> None:
    environment = VectorEnvironment(environment_id, 2, seed=3)
    rewards_and_observations(environment, 37, seed=1)
    text = json.dumps(environment.state())
    expected = rewards_and_observations(environment, 480, seed=2)

    fresh = VectorEnvironment(environment_id, 2, seed=99)
    fresh.restore(json.loads(text))
    np.testing.assert_array_equal(rewards_and_observations(fresh, 480, seed=2), expected)
    assert expected[:, :, 1].any()  # at least one episode ended, so a reset was drawn too


def test_restored_attributes_keep_their_types() -> None:
    environment = VectorEnvironment("ProbeVaried-v0", 1, seed=3)
    rewards_and_observations(environment, 4, seed=1)
    fresh = VectorEnvironment("ProbeVaried-v0", 1, seed=4)
    fresh.restore(json.loads(json.dumps(environment.state())))
    probe = fresh._environments[0].unwrapped
    assert probe.clock == 4
    assert probe.window == (1, 2.5, "three")
    assert isinstance(probe.window, tuple)
    assert probe.surf == {"counts": [1, 2, 1, 2, 3, 4], "none": None}
    assert type(probe.float32) is np.float32
    assert (probe.grid.dtype, probe.grid.shape) == (np.int16, (2, 3))


@pytest.mark.parametrize("environment_id", ["ProbeSecretive-v0", "ProbeWrapped-v0"])
def test_an_environment_that_cannot_be_captured_says_so(environment_id: str) -> None:
    assert VectorEnvironment(environment_id, 2, seed=3).state() is None


@pytest.mark.parametrize(
    ("asked", "suggested"),
    [
        ("Cartpole", "CartPole-v1"),
        ("cartpole-v1", "CartPole-v1"),
        ("CartPole-v9", "CartPole-v1"),
        ("MountianCar-v0", "MountainCar-v0"),
    ],
)
def test_an_unknown_environment_is_answered_with_names_spelt_alike(
    asked: str, suggested: str
) -> None:
    with pytest.raises(UnknownNameError, match=f"Did you mean .*{suggested}") as caught:
        VectorEnvironment(asked, 1, seed=1)
    assert caught.value.field == "environment"
    assert len(str(caught.value)) < 250


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="always work") as caught:
        VectorEnvironment("zzzzqqqq", 1, seed=1)
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment_id", "words"),
    [
        ("no_such_module:Thing-v0", "cannot be made"),
        ("not an id", "cannot be made"),
    ],
)
def test_an_environment_that_does_not_fit_is_refused_in_words(
    environment_id: str, words: str
) -> None:
    with pytest.raises(InvalidSettingError, match=words):
        VectorEnvironment(environment_id, 1, seed=1)


@pytest.mark.filterwarnings("ignore")
def test_every_registered_environment_works_or_is_refused_in_words() -> None:
    works, named_fields = [], []
    for environment_id in sorted(gymnasium.registry):
        if environment_id.startswith("Probe"):
            continue
        try:
            VectorEnvironment(environment_id, 1, seed=1).close()
        except PPOLabError as error:
            named_fields.append(error.field)
        else:
            works.append(environment_id)
    assert set(named_fields) == {"environment"}
    assert {"CartPole-v1", "Acrobot-v1", "MountainCar-v0"} <= set(works)
