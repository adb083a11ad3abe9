"""MinAtar's games as environments, and what the policy sees of them."""

from __future__ import annotations

import importlib.util
import json
import logging

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from ppolab.control import packages
from ppolab.control.config import PPOConfig
from ppolab.control.environments import VectorEnvironment
from ppolab.control.evaluation import record_episode
from ppolab.control.networks import Encoder, NatureCNN, SmallCNN, image_network
from ppolab.control.observations import ObservationLayout
from ppolab.control.trainer import PPOTrainer
from ppolab.errors import InvalidSettingError

installed = importlib.util.find_spec("minatar") is not None
needs_minatar = pytest.mark.skipif(not installed, reason="MinAtar is not installed")
GAMES = ("Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders")


@needs_minatar
@pytest.mark.parametrize("name", GAMES)
def test_a_game_does_what_the_package_s_own_environment_does(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "warning", lambda _: None)  # said where seaborn is missing
    import minatar

    packages.register_environments_of(f"MinAtar/{name}-v1")
    game = "space_invaders" if name == "SpaceInvaders" else name.lower()
    ours = gymnasium.make(f"MinAtar/{name}-v1").unwrapped
    theirs = minatar.Environment(game)
    theirs.seed(7)
    theirs.reset()
    shown, _ = ours.reset(seed=7)
    np.testing.assert_array_equal(shown, theirs.state())
    chance, endings = np.random.default_rng(1), 0
    for action in chance.integers(ours.action_space.n, size=600):
        shown, reward, terminated, truncated, _ = ours.step(int(action))
        assert (reward, terminated) == theirs.act(theirs.minimal_action_set()[action])
        assert not truncated
        if terminated:
            endings += 1
            theirs.reset()
            shown, _ = ours.reset()
        np.testing.assert_array_equal(shown, theirs.state())
    assert endings > 0 or name == "Freeway"  # which only ends after 2500 steps


@needs_minatar
@pytest.mark.parametrize("name", GAMES)
def test_a_captured_game_goes_on_exactly(name: str) -> None:
    def play(environment: VectorEnvironment, seed: int) -> np.ndarray:
        chance, rows = np.random.default_rng(seed), []
        for _ in range(150):
            environment.step(chance.integers(environment.distribution.parameter_count, size=2))
            rows.append(np.column_stack([environment.rewards, environment.observations]))
        return np.array(rows)

    environment = VectorEnvironment(f"MinAtar/{name}-v1", 2, seed=3)
    play(environment, 1)
    text = json.dumps(environment.state())
    expected = play(environment, 2)
    fresh = VectorEnvironment(f"MinAtar/{name}-v1", 2, seed=99)
    assert fresh.restore(json.loads(text))
    assert json.dumps(fresh.state()) == text  # the last action too, which is seldom repeated
    np.testing.assert_array_equal(play(fresh, 2), expected)


@needs_minatar
def test_version_0_has_all_six_actions_and_options_reach_the_game() -> None:
    environment = VectorEnvironment("MinAtar/Breakout-v0", 1, 1, {"sticky_action_prob": 1.0})
    assert environment.distribution.parameter_count == 6
    before = environment.observations[0].reshape(10, 10, 4)[9, :, 0].argmax()
    environment.step(np.array([3]))  # right; but the last action, nothing, is repeated
    assert environment.observations[0].reshape(10, 10, 4)[9, :, 0].argmax() == before
    with pytest.raises(InvalidSettingError, match=r"do not fit MinAtar/Breakout-v0.*stickiness"):
        VectorEnvironment("MinAtar/Breakout-v0", 1, 1, {"stickiness": 1.0})


@needs_minatar
def test_a_recorded_game_has_a_picture_of_each_moment() -> None:
    settings = PPOConfig(environment="MinAtar/Breakout-v1", environments=2)
    trainer = PPOTrainer(settings)
    episode = record_episode(trainer.model, settings, seed=1, deterministic=False)
    assert episode.frames is not None
    assert episode.frames.shape == (len(episode.rewards) + 1, 160, 160, 3)
    # The paddle begins in the middle of the lowest row; the bricks fill three rows.
    assert episode.frames[0, 159, 4 * 16].any()
    assert episode.frames[0, 16 : 4 * 16].any(2).all()


def test_a_game_whose_package_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InvalidSettingError, match=r'pip install "ppolab\[minatar\]"'):
        VectorEnvironment("MinAtar/Breakout-v1", 1, seed=1)


def test_bits_are_an_image_of_zeros_and_ones() -> None:
    layout = ObservationLayout("e", Box(0, 1, (10, 10, 7), np.bool_))
    (part,) = layout.parts
    assert (part.image, part.brightest, layout.dtype) == (True, 1.0, torch.uint8)
    row = np.full(700, 9, np.uint8)
    layout.write(np.ones((10, 10, 7), np.bool_), row)
    assert set(row.tolist()) == {1}
    assert ObservationLayout("e", Box(0, 255, (84, 84, 4), np.uint8)).parts[0].brightest == 255.0


def test_images_of_a_few_cells_get_a_network_of_their_own() -> None:
    def network(*shape: int) -> object:
        return image_network(ObservationLayout("e", Box(0, 255, shape, np.uint8)).parts[0])

    assert isinstance(network(36, 40, 3), NatureCNN)
    assert isinstance(network(35, 40, 3), SmallCNN)
    assert isinstance(network(4, 84, 84), NatureCNN)
    small = network(10, 10, 10)
    assert isinstance(small, SmallCNN)
    # 16 filters of 3×3 over 10 channels, then 8 · 8 · 16 numbers to 128.
    assert sum(p.numel() for p in small.parameters()) == (90 * 16 + 16) + (1024 * 128 + 128)


def test_the_small_network_is_a_convolution_and_a_layer() -> None:
    layout = ObservationLayout("e", Box(0, 255, (4, 5, 3), np.uint8))
    encoder = Encoder(layout, image_features=6)
    network = encoder.images["image"]
    assert isinstance(network, SmallCNN)
    image = torch.randint(0, 256, (1, 4, 5, 3), dtype=torch.uint8)
    pixels, weight = image[0].double() / 255, network.convolution.weight.double()
    found = torch.zeros(2, 3, 16, dtype=torch.float64)
    for y in range(2):
        for x in range(3):
            patch = pixels[y : y + 3, x : x + 3].permute(2, 0, 1)
            found[y, x] = (patch * weight).sum((1, 2, 3)).clamp(min=0)
    expected = (network.dense.weight.double() @ found.flatten()).clamp(min=0)
    actual = encoder(image.flatten(1))[0]
    torch.testing.assert_close(actual.double(), expected, atol=1e-5, rtol=1e-4)
    assert actual.abs().sum() > 0
