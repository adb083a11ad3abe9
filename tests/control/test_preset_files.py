from __future__ import annotations

from pathlib import Path

import pytest

from ppolab.control.config import PPOConfig
from ppolab.control.presets import preset_text, read_preset
from ppolab.errors import InvalidSettingError, UnknownNameError


def test_a_preset_written_as_text_is_read_with_the_same_settings(tmp_path: Path) -> None:
    config = PPOConfig(gamma=0.98, value_clip_range=0.2, learning_rate=1e-5, seed=7)
    file = tmp_path / "mine.yaml"
    file.write_text(preset_text("Größe: mine", "What it is.", config), "utf-8")
    preset = read_preset(file)
    assert (preset.name, preset.title, preset.description) == (
        "mine", "Größe: mine", "What it is.",
    )  # fmt: skip
    assert preset.config == config
    assert "gae_lambda" not in file.read_text("utf-8"), "defaults are left out"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("- a list", "is no preset"),
        ("title: x\ndescription: y\n", "is no preset"),
        ("a: [1", "is no preset"),
        ("just words", "is no preset"),
    ],
)
def test_a_file_that_is_no_preset_is_named(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "mine.yaml"
    if text is not None:
        file.write_text(text, "utf-8")
    with pytest.raises(InvalidSettingError, match=words) as caught:
        read_preset(file)
    assert caught.value.field == "preset"


def test_an_unknown_setting_in_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("title: x\ndescription: y\nconfig: {gama: 1}\n", "utf-8")
    with pytest.raises(UnknownNameError, match="setting: 'gama' is not known"):
        read_preset(file)
