from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ppolab.control.config import PPOConfig
from ppolab.errors import InvalidSettingError, PPOLabError
from ppolab.runs.studies.space import Choice, Range, from_arguments, from_file, read_space

BASE = PPOConfig()


@pytest.mark.parametrize(
    ("name", "text", "dimension"),
    [
        ("learning_rate", "log:1e-5:1e-2", Range("learning_rate", 1e-5, 1e-2, False, log=True)),
        ("clip_range", "0.1:0.4", Range("clip_range", 0.1, 0.4, False)),
        ("clip_range", "0.1:0.4:0.1", Range("clip_range", 0.1, 0.4, False, step=0.1)),
        ("hidden_size", "16:256", Range("hidden_size", 16, 256, True)),
        ("hidden_size", "log:16:256", Range("hidden_size", 16, 256, True, log=True)),
        ("epochs", "2:10:2", Range("epochs", 2, 10, True, step=2)),
        ("gamma", "0.98,0.99,1", Choice("gamma", (0.98, 0.99, 1.0))),
        ("epochs", "4, 10", Choice("epochs", (4, 10))),
        ("target_kl", "none,0.01", Choice("target_kl", (None, 0.01))),
        ("normalize_advantages", "true,False", Choice("normalize_advantages", (True, False))),
        ("learning_rate_schedule", "linear,constant",
         Choice("learning_rate_schedule", ("linear", "constant"))),
        ("gamma", [0.98, "0.99"], Choice("gamma", (0.98, 0.99))),
        ("learning_rate", ["1e-4", 1e-3], Choice("learning_rate", (1e-4, 1e-3))),
        ("target_kl", [None, 0.01], Choice("target_kl", (None, 0.01))),
        ("gamma", 0.98, Choice("gamma", (0.98,))),
    ],
)  # fmt: skip
def test_a_text_is_read_as_it_is_meant(name: str, text: Any, dimension: object) -> None:
    assert read_space(BASE, {name: text}) == [dimension]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("gama", "0.9,0.99", "vary: 'gama' is not known. Known: activation, adam_epsilon"),
        ("seed", "1,2", "vary: 'seed' is chance; --seeds"),
        ("environment", "A,B", "would be another task"),
        ("environment_options", "a,b", "would be another task"),
        ("total_steps", "10:20", "what every trial may spend"),
        ("stop_return", "10,20", "comes from the metric"),
        ("gamma", "0.9,high", "gamma: 'high' is not a number"),
        ("gamma", "0.9:high", "gamma: '0.9:high' cannot be read as a range. Write choices"),
        ("gamma", "0.9:0.95:0.01:2", "cannot be read as a range"),
        ("gamma", "0.9:inf", "cannot be read as a range"),
        ("gamma", "0.99:0.9", "begins at or above its end"),
        ("gamma", "0.9:1.1", "gamma: 1.1 must lie in"),
        ("gamma", "0.9,0.99,1.5", "gamma: 1.5 must lie in"),
        ("gamma", "0.9,0.90", "names one twice"),
        ("gamma", [], "no list of choices"),
        ("gamma", [[0.9]], "no list of choices"),
        ("gamma", {"low": 1}, "no list of choices"),
        ("gamma", "", "gamma: '' is not a number"),
        ("learning_rate", "log:0:1", "logarithmic and begins at or below 0"),
        ("learning_rate", "log:1e-4:1:0.1", "has a step that cannot be used"),
        ("clip_range", "0.1:0.4:-0.1", "has a step that cannot be used"),
        ("epochs", "1:2.5", "holds parts of whole numbers"),
        ("epochs", "1,2.5", "epochs: 2.5 is not a whole number"),
        ("epochs", "0:4", "epochs: 0 must be at least 1"),
        ("normalize_advantages", "0:1", "a range, and the setting has no order"),
        ("normalize_advantages", "yes,no", "normalize_advantages: 'yes' is not true or false"),
        ("learning_rate_schedule", "linear,cubic", "is not one of the choices"),
        ("minibatch_size", "64,100", "minibatch_size: 100 does not divide"),
        ("environments", "4,1000000", "total_steps: 500000 is less than one rollout"),
    ],
)
def test_what_cannot_be_searched_is_named_with_its_mend(name: str, text: Any, words: str) -> None:
    with pytest.raises(PPOLabError) as caught:
        read_space(BASE, {name: text})
    assert words in str(caught.value)


def test_values_that_only_fit_each_other_are_let_through() -> None:
    space = read_space(BASE, {"minibatch_size": "64,4096", "rollout_steps": "128,1024"})
    assert len(space) == 2
    with pytest.raises(InvalidSettingError, match="minibatch_size: 0 must be at least 1"):
        # What no other setting could mend is still refused.
        read_space(BASE, {"minibatch_size": "0,64", "gamma": "0.9,0.99"})


def test_no_space_is_refused_with_an_example() -> None:
    with pytest.raises(InvalidSettingError, match="--vary learning_rate=log"):
        read_space(BASE, {})


def test_arguments_name_settings_with_dashes_or_underscores() -> None:
    assert from_arguments(["learning-rate=log:1e-4:1e-2", "gamma=0.9"]) == {
        "learning_rate": "log:1e-4:1e-2", "gamma": "0.9",
    }  # fmt: skip
    for argument in ("gamma", "gamma=", "=3"):
        with pytest.raises(PPOLabError):
            read_space(BASE, from_arguments([argument]))
    with pytest.raises(InvalidSettingError, match="given twice"):
        from_arguments(["gamma=0.9", "gamma=0.8"])


def test_a_file_says_the_same_as_arguments(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text("learning_rate: log:1e-4:1e-2\ngamma: [0.9, 0.99]\nepochs: 4\n")
    assert read_space(BASE, from_file(file)) == read_space(
        BASE, from_arguments(["learning_rate=log:1e-4:1e-2", "gamma=0.9,0.99", "epochs=4"])
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "cannot be read"), ("a: [", "is not YAML"), ("- gamma", "no list of settings"),
     ("", "no list of settings"), ("1: 2", "no list of settings")],
)  # fmt: skip
def test_a_file_that_is_no_space_is_named(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "space.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InvalidSettingError, match=words) as caught:
        from_file(file)
    assert caught.value.field == "space"
