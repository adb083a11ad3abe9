"""Named configurations, kept as YAML beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import yaml

from ppolab.control.config import PPOConfig
from ppolab.errors import InvalidSettingError, UnknownNameError

GROUPS = (
    "First steps",
    "Classic control",
    "With a memory",
    "From images",
    "Simulated robots",
    "Several agents",
    "More",
)


@dataclass(frozen=True)
class Preset:
    """A configuration with a name and a sentence for people."""

    name: str
    title: str
    description: str
    config: PPOConfig
    group: str = GROUPS[-1]  # one of GROUPS, under which it is listed


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
    return _parse(name, (resources.files(__name__) / f"{name}.yaml").read_text("utf-8"))


def read_preset(path: Path) -> Preset:
    """Read a preset of one's own, such as `ppolab sweep --write-preset` wrote.

    Raises:
        InvalidSettingError: no readable file, or not the text of a preset.
    """
    mend = "Give a YAML file with title, description and config, as `ppolab sweep` writes it"
    try:
        return _parse(path.stem, path.read_text("utf-8"))
    except OSError as error:
        raise InvalidSettingError(
            "preset", str(path), f"cannot be read ({error.strerror})", mend
        ) from error
    except (UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise InvalidSettingError("preset", str(path), "is no preset", mend) from error


def preset_text(title: str, description: str, config: PPOConfig) -> str:
    """The YAML text from which `read_preset` reads the same settings; defaults are left out."""
    defaults = PPOConfig().to_mapping()
    always = ("environment", "seed", "total_steps")
    changed = {
        name: value
        for name, value in config.to_mapping().items()
        if value != defaults[name] or name in always
    }
    return yaml.safe_dump(
        {"title": title, "description": description, "config": changed},
        sort_keys=False, allow_unicode=True, width=100,
    )  # fmt: skip


def _parse(name: str, text: str) -> Preset:
    data = yaml.safe_load(text)
    config = PPOConfig.from_mapping(data["config"])
    group = data.get("group", GROUPS[-1])
    if group not in GROUPS:
        raise UnknownNameError("group", group, list(GROUPS))
    return Preset(name, data["title"], data["description"].strip(), config, group)
