"""Named configurations, kept as YAML beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import yaml

from ppolab.control.config import PPOConfig
from ppolab.errors import UnknownNameError


@dataclass(frozen=True)
class Preset:
    """A configuration with a name and a sentence for people."""

    name: str
    title: str
    description: str
    config: PPOConfig


def preset_names() -> list[str]:
    """Names of all presets, sorted."""
    folder = resources.files(__name__)
    return sorted(
        item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")
    )


def load_preset(name: str) -> Preset:
    """Read a preset.

    Raises:
        UnknownNameError: no preset of that name; the message lists the known ones.
    """
    if name not in preset_names():
        raise UnknownNameError("preset", name, preset_names())
    text = (resources.files(__name__) / f"{name}.yaml").read_text("utf-8")
    data = yaml.safe_load(text)
    config = PPOConfig.from_mapping(data["config"])
    return Preset(name, data["title"], data["description"].strip(), config)
