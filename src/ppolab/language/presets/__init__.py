"""Named recipes of RLHF, kept as YAML beside this module, and those in files of one's own.

A file holds title and description, any options of `ppolab rlhf` by their names, and below
`settings` what has no option, by stage: `settings: {rlhf: {training: {gamma: 0.99}}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.recipe import Recipe, recipe_from_mapping

MEND = "Give a YAML file with options of `ppolab rlhf`, such as kl-coef: 0.2"


@dataclass(frozen=True)
class RecipePreset:
    """A recipe with a name and a sentence for people."""

    name: str
    title: str
    description: str
    recipe: Recipe
    settings: Mapping[str, Mapping[str, Any]]  # those without an option, by kind of stage


def recipe_names() -> list[str]:
    """Names of all recipes, the usual way first."""
    folder = resources.files(__name__)
    found = [item.name.removesuffix(".yaml") for item in folder.iterdir() if ".yaml" in item.name]
    return sorted(found, key=lambda name: (_ORDER.index(name) if name in _ORDER else 99, name))


_ORDER = ("austen-quick", "austen-ppo")


def load_recipe(name: str) -> RecipePreset:
    """Read a recipe.

    Raises:
        UnknownNameError: there is none of that name; the message lists the known ones.
    """
    if name not in recipe_names():
        raise UnknownNameError("preset", name, recipe_names())
    return _parse(name, (resources.files(__name__) / f"{name}.yaml").read_text("utf-8"))


def read_recipe(path: Path) -> RecipePreset:
    """Read a recipe of one's own.

    Raises:
        InvalidSettingError: no readable file, no YAML, or a value that cannot be used.
        UnknownNameError: there is no such option.
    """
    try:
        return _parse(path.stem, path.read_text("utf-8"))
    except OSError as error:
        raise InvalidSettingError(
            "config", str(path), f"cannot be read ({error.strerror})", MEND
        ) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())
        raise InvalidSettingError("config", str(path), f"is no YAML ({words})", MEND) from error


def _parse(name: str, text: str) -> RecipePreset:
    data = yaml.safe_load(text)
    if not isinstance(data, dict):
        raise InvalidSettingError("config", data, "is not a list of options", MEND)
    title, description = data.pop("title", name), data.pop("description", "")
    settings = data.pop("settings", None) or {}
    if not isinstance(settings, dict):
        raise InvalidSettingError(
            "settings", settings, "is not settings by stage", "Give rlhf: {training: {…}}"
        )
    return RecipePreset(
        name, str(title), str(description).strip(), recipe_from_mapping(data), settings
    )
