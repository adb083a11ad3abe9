"""A challenge as a folder: reading it, and naming what is missing from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from ppolab.errors import InvalidSettingError, StorageError

HEADER_LINE = re.compile(r"^# (caught_by|misconception): (.+)$")


@dataclass(frozen=True)
class CheckTitle:
    """A check as the page announces it."""

    name: str
    title: str


@dataclass(frozen=True)
class Mutant:
    """A plausible wrong solution, the check that must catch it, and the belief behind it."""

    name: str
    source: str
    caught_by: str
    misconception: str


@dataclass(frozen=True)
class ChallengeFolder:
    """Everything a challenge folder holds, except its checks, which `assessment.checks` runs."""

    slug: str
    title: str
    minutes: int
    chapter: str  # folder name of the chapter
    entry: str  # name of the function to write
    prompt: str  # Markdown
    starter: str
    checks: tuple[CheckTitle, ...]
    hints: tuple[str, ...]  # Markdown, from weak to strong
    folder: Path
    solution: str
    alternatives: dict[str, str]  # file name → source
    mutants: tuple[Mutant, ...]


def find_challenges(content_root: Path) -> dict[str, ChallengeFolder]:
    """Read every challenge under `content_root`, by slug, in the order of the chapters."""
    found: dict[str, ChallengeFolder] = {}
    for settings in sorted(content_root.glob("chapters/*/challenges/*/challenge.yaml")):
        challenge = load_challenge(settings.parent)
        if challenge.slug in found:
            raise InvalidSettingError(
                "challenge folder",
                challenge.slug,
                f"is the name of two challenges: {found[challenge.slug].folder} and "
                f"{challenge.folder}",
                "Rename one of the folders",
            )
        found[challenge.slug] = challenge
    return found


def load_challenge(folder: Path) -> ChallengeFolder:
    """Read one challenge folder; its name is the slug.

    Raises `StorageError` for a missing file and `InvalidSettingError` for a field that is wrong.
    """
    folder = folder.resolve()
    settings = _read_settings(folder / "challenge.yaml")
    checks = tuple(
        CheckTitle(name, _text(settings["checks"], name)) for name in _mapping(settings, "checks")
    )
    mutants = tuple(
        _read_mutant(path, {check.name for check in checks})
        for path in sorted((folder / "mutants").glob("*.py"))
    )
    minutes = settings.get("minutes")
    if not isinstance(minutes, int) or minutes < 1:
        raise InvalidSettingError(
            "challenge.yaml minutes",
            minutes,
            "is no length of time",
            "Give whole minutes",
        )
    return ChallengeFolder(
        slug=folder.name,
        title=_text(settings, "title"),
        minutes=minutes,
        chapter=folder.parent.parent.name,
        entry=_text(settings, "entry"),
        prompt=_read(folder / "prompt.md"),
        starter=_read(folder / "starter.py"),
        checks=checks,
        hints=_split_hints(_read(folder / "hints.md")),
        folder=folder,
        solution=_read(folder / "solution.py"),
        alternatives={
            path.name: _read(path) for path in sorted((folder / "alternatives").glob("*.py"))
        },
        mutants=mutants,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(
            "challenge file", str(path), f"cannot be read: {error}", "Add it, as UTF-8 text"
        ) from error


def _read_settings(path: Path) -> dict[str, object]:
    try:
        settings = yaml.safe_load(_read(path))
    except yaml.YAMLError as error:
        raise InvalidSettingError(
            "challenge.yaml", str(path), f"is not YAML: {error}", "Mend the line it names"
        ) from error
    if not isinstance(settings, dict):
        raise InvalidSettingError(
            "challenge.yaml", str(path), "is not a mapping", "Write `title: …` and so on"
        )
    return settings


def _text(settings: object, name: str) -> str:
    value = settings.get(name) if isinstance(settings, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise InvalidSettingError(
            f"challenge.yaml {name}", value, "is not a text", "Give a text that is not empty"
        )
    return value.strip()


def _mapping(settings: dict[str, object], name: str) -> dict[str, object]:
    value = settings.get(name)
    if not isinstance(value, dict) or not value:
        raise InvalidSettingError(
            f"challenge.yaml {name}", value, "is not a mapping", "Give `name: title` lines"
        )
    return value


def _split_hints(text: str) -> tuple[str, ...]:
    """Split at lines of `---`; hints go from weak to strong."""
    return tuple(part.strip() for part in re.split(r"(?m)^---$", text) if part.strip())


def _read_mutant(path: Path, checks: set[str]) -> Mutant:
    """Read a mutant and the two header comments that say what must catch it and why it exists."""
    source = _read(path)
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
