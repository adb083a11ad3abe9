from __future__ import annotations

import json
import math
from typing import Any

import pytest

from ppolab.control.config import PPOConfig
from ppolab.control.presets import load_preset, preset_names
from ppolab.errors import InvalidSettingError, UnknownNameError


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("total_steps", 0, "at least 1"),
        ("environments", -1, "at least 1"),
        ("rollout_steps", 0, "at least 1"),
        ("epochs", 0, "at least 1"),
        ("minibatch_size", 0, "at least 1"),
        ("minibatch_size", 100, "does not divide the rollout of 4 environments × 128 steps = 512"),
        ("hidden_size", 0, "at least 1"),
        ("seed", -1, "0 to 2147483647"),
        ("seed", 2**31, "0 to 2147483647"),
        ("learning_rate", 0.0, "must be positive"),
        ("learning_rate", math.nan, "must be positive"),
        ("learning_rate", math.inf, "must be positive"),
        ("clip_range", -0.2, "must be positive"),
        ("max_gradient_norm", 0.0, "must be positive"),
        ("adam_epsilon", 0.0, "must be positive"),
        ("value_clip_range", 0.0, "or leave it out"),
        ("target_kl", -0.01, "or leave it out"),
        ("gamma", 1.01, r"must lie in \[0, 1\]"),
        ("gae_lambda", -0.1, r"must lie in \[0, 1\]"),
        ("value_coef", -0.5, "must not be negative"),
        ("entropy_coef", math.nan, "must not be negative"),
        ("learning_rate_schedule", "steps", "Known: linear, constant, cosine"),
        ("clip_range_schedule", "none", "Known: constant, linear, cosine"),
        ("policy_loss", "ppo", "Known: clipped, unclipped, asymmetric, dual_clip, kl_penalty"),
        ("initialization", "xavier", "Known: orthogonal, default"),
        ("activation", "gelu", "Known: tanh, relu"),
        ("backend", "jax", "Known: auto, torch, compiled"),
        ("precision", "float16", "Known: float32, bfloat16"),
        ("clip_range_high", 0.0, "must be positive"),
        ("kl_penalty_coef", -1.0, "must not be negative"),
        ("kl_penalty_target", 0.0, "or leave it out"),
        ("observation_clip", 0.0, "or leave it out"),
        ("reward_clip", -10.0, "or leave it out"),
        ("total_steps", 511, "less than one rollout of 512"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_mend(name: str, value: Any, words: str) -> None:
    with pytest.raises(InvalidSettingError, match=words) as caught:
        PPOConfig(**{name: value})
    assert caught.value.field == name
    assert caught.value.value is value
    assert caught.value.mend


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("epochs", "4", "is not a whole number"),
        ("environment_options", [1], "is not a table of names and plain values"),
        ("environment_options", {"continuous": None}, "is not a table of names and plain values"),
        ("epochs", 2.5, "is not a whole number"),
        ("epochs", True, "is not a whole number"),
        ("epochs", math.inf, "is not a whole number"),
        ("epochs", None, "is not a whole number"),
        ("gamma", "0.9", "is not a number"),
        ("gamma", False, "is not a number"),
        ("normalize_advantages", 1, "is not true or false"),
        ("environment", 7, "is not text"),
        ("target_kl", "none", "is not a number"),
    ],
)
def test_plain_data_of_another_type_is_named(name: str, value: Any, words: str) -> None:
    with pytest.raises(InvalidSettingError, match=words) as caught:
        PPOConfig.from_mapping({name: value})
    assert caught.value.field == name


def test_an_unknown_setting_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="learning_rate_schedule") as caught:
        PPOConfig.from_mapping({"lr": 0.1})
    assert caught.value.value == "lr"


def test_numbers_are_taken_as_json_writes_them() -> None:
    config = PPOConfig.from_mapping({"epochs": 3.0, "gamma": 1, "target_kl": None})
    assert (config.epochs, config.gamma, config.target_kl) == (3, 1.0, None)
    assert isinstance(config.epochs, int)
    assert isinstance(config.gamma, float)


def test_settings_survive_a_trip_through_json() -> None:
    config = PPOConfig(seed=7, target_kl=0.02, value_clip_range=None, normalize_advantages=False)
    assert PPOConfig.from_mapping(json.loads(json.dumps(config.to_mapping()))) == config


def test_iterations_are_whole_rollouts() -> None:
    config = PPOConfig(total_steps=1500)  # rollouts of 4 × 128 = 512
    assert (config.batch_size, config.iterations) == (512, 2)


def test_every_preset_can_be_read_and_says_what_it_is() -> None:
    names = preset_names()
    assert {"cartpole", "cartpole-baseline"} <= set(names)
    for name in names:
        preset = load_preset(name)
        assert preset.name == name
        assert preset.title
        assert preset.description.endswith(".")


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="cartpole-baseline"):
        load_preset("../cartpole")
