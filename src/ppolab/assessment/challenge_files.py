"""Reads the files of a challenge's folder, and names what is missing or wrong in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from ppolab.errors import InvalidSettingError, StorageError
from ppolab.sandbox import Limits
from ppolab.sandbox.limits import MIB

HEADER_LINE = re.compile(r"^# (caught_by|misconception): (.+)$")
Settings = dict[str, object]


@dataclass(frozen=True)
class Mutant:
    """A plausible wrong solution, the check that must catch it, and the belief behind it."""

    name: str
    source: str
    caught_by: str
    misconception: str


def read_text(path: Path) -> str:
    """The text of a file. Raises `StorageError`."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(
            "challenge file", str(path), f"cannot be read: {error}", "Add it, as UTF-8 text"
        ) from error


def read_settings(path: Path) -> Settings:
    """A YAML file that holds a mapping. Raises `InvalidSettingError` where it does not."""
    try:
        settings = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise InvalidSettingError(
            path.name, str(path), f"is not YAML: {error}", "Mend the line it names"
        ) from error
    if not isinstance(settings, dict):
        raise InvalidSettingError(
            path.name, str(path), "is not a mapping", "Write `title: …` and so on"
        )
    return settings


def text_of(settings: object, name: str, default: str | None = None) -> str:
    """A field that is a text; without `default` it must be there."""
    value = settings.get(name, default) if isinstance(settings, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise InvalidSettingError(
            f"challenge.yaml {name}", value, "is not a text", "Give a text that is not empty"
        )
    return value.strip()


def texts_of(settings: Settings, name: str) -> tuple[str, ...]:
    """A field that is a list of texts, or nothing."""
    value = settings.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidSettingError(
            f"challenge.yaml {name}", value, "is not a list of texts", "Write `- text` lines"
        )
    return tuple(value)


def mapping_of(settings: Settings, name: str) -> dict[str, object]:
    """A field that is a mapping and not empty."""
    value = settings.get(name)
    if not isinstance(value, dict) or not value:
        raise InvalidSettingError(
            f"challenge.yaml {name}", value, "is not a mapping", "Give `name: title` lines"
        )
    return value


def minutes_of(settings: Settings) -> int:
    """How long a learner will need."""
    minutes = settings.get("minutes")
    if not isinstance(minutes, int) or minutes < 1:
        raise InvalidSettingError(
            "challenge.yaml minutes", minutes, "is no length of time", "Give whole minutes"
        )
    return minutes


def limits_of(settings: Settings) -> Limits:
    """What the box may use: `wall` in seconds, `memory` in MiB; the usual where nothing is said."""
    values = settings.get("limits", {})
    known = {"wall", "memory"}
    if not isinstance(values, dict) or not set(values) <= known:
        raise InvalidSettingError(
            "challenge.yaml limits", values, "is not a mapping of known limits",
            f"Known: {', '.join(sorted(known))}",
        )  # fmt: skip
    usual = Limits()
    return Limits(
        wall=float(values.get("wall", usual.wall)),
        memory=int(values["memory"]) * MIB if "memory" in values else usual.memory,
    )


def split_hints(text: str) -> tuple[str, ...]:
    """Split at lines of `---`; hints go from weak to strong."""
    return tuple(part.strip() for part in re.split(r"(?m)^---$", text) if part.strip())


def read_mutant(path: Path, checks: set[str]) -> Mutant:
    """Read a mutant and the two header comments that say what must catch it and why it exists."""
    source = read_text(path)
    matches = map(HEADER_LINE.match, source.splitlines())
    header: dict[str, str] = {match[1]: match[2] for match in matches if match}
    caught_by = header.get("caught_by", "").strip()
    if caught_by not in checks:
        raise InvalidSettingError(
            f"{path.name} caught_by",
            caught_by,
            "is not a check of this challenge",
            f"Known: {', '.join(sorted(checks))}",
        )
    if "misconception" not in header:
        raise InvalidSettingError(
            f"{path.name} misconception",
            None,
            "is missing",
            "Add a line `# misconception: …` that says what the learner believes",
        )
    return Mutant(path.stem, source, caught_by, header["misconception"].strip())
