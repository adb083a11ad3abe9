"""A challenge as a folder; docs/challenges.md describes its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from ppolab.assessment import challenge_files as files
from ppolab.assessment.challenge_files import Mutant
from ppolab.assessment.examples import Example, read_examples
from ppolab.errors import InvalidSettingError
from ppolab.sandbox import Limits

Kind = Literal["function", "class", "training", "distributed", "speed", "configuration"]
EXAMPLES = "examples"  # the name of the check that goes through the visible examples
EXAMPLES_TITLE = "The examples that you can see come out right"


@dataclass(frozen=True)
class CheckTitle:
    """A check as the page announces it.

    A hidden check tells a learner what to look at, never the case or the value it expected.
    """

    name: str
    title: str
    visible: bool = False
    scored: bool = True  # false for what the starter already does, as a slow but right trainer


@dataclass(frozen=True)
class ChallengeFolder:
    """Everything a challenge folder holds, except its checks, which `assessment.checks` runs."""

    slug: str
    title: str
    kind: Kind
    minutes: int
    chapter: str  # folder name of the chapter
    entry: str  # name of the function or class to write
    prompt: str  # Markdown
    starter: str
    checks: tuple[CheckTitle, ...]
    examples: tuple[Example, ...]  # visible cases, from small to large
    hints: tuple[str, ...]  # Markdown, from weak to strong
    explanation: str  # Markdown, for those who have passed
    engine: tuple[str, ...]  # our own functions of the same task, as `ppolab.module.name`
    limits: Limits
    folder: Path
    solution: str
    alternatives: dict[str, str]  # file name → source
    mutants: tuple[Mutant, ...]
    survivors: dict[str, str] = field(default_factory=dict)  # machine-made mutant → why it is right
    given: dict[str, str] = field(default_factory=dict)  # files that the box gets as well

    @property
    def suffix(self) -> str:
        """How the files of solutions end."""
        return suffix_of(self.kind)


def suffix_of(kind: Kind) -> str:
    """How the files of solutions of a kind end."""
    return ".yaml" if kind == "configuration" else ".py"


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
    settings = files.read_settings(folder / "challenge.yaml")
    kind = _kind_of(settings)
    suffix = suffix_of(kind)
    examples = read_examples(folder / "examples.yaml")
    checks = _checks_of(settings, bool(examples))
    survivors = folder / "survivors.yaml"
    world = folder / "world.py"
    return ChallengeFolder(
        slug=folder.name,
        title=files.text_of(settings, "title"),
        kind=kind,
        minutes=files.minutes_of(settings),
        chapter=folder.parent.parent.name,
        entry=files.text_of(settings, "entry"),
        prompt=files.read_text(folder / "prompt.md"),
        starter=files.read_text(folder / f"starter{suffix}"),
        checks=checks,
        examples=examples,
        hints=files.split_hints(files.read_text(folder / "hints.md")),
        explanation=files.read_text(folder / "explanation.md"),
        engine=files.texts_of(settings, "engine"),
        limits=files.limits_of(settings),
        folder=folder,
        solution=files.read_text(folder / f"solution{suffix}"),
        alternatives={
            path.name: files.read_text(path)
            for path in sorted((folder / "alternatives").glob(f"*{suffix}"))
        },
        mutants=tuple(
            files.read_mutant(path, {check.name for check in checks})
            for path in sorted((folder / "mutants").glob(f"*{suffix}"))
        ),
        survivors=_survivors_of(survivors) if survivors.is_file() else {},
        given={"world.py": files.read_text(world)} if world.is_file() else {},
    )


def _kind_of(settings: files.Settings) -> Kind:
    kind = files.text_of(settings, "kind", "function")
    for known in get_args(Kind):
        if kind == known:
            return known  # type: ignore[no-any-return]
    raise InvalidSettingError(
        "challenge.yaml kind",
        kind,
        "is no kind of challenge",
        f"Known: {', '.join(get_args(Kind))}",
    )


def _checks_of(settings: files.Settings, examples: bool) -> tuple[CheckTitle, ...]:
    """The hidden checks, after the visible one that goes through the examples."""
    titles = files.mapping_of(settings, "checks")
    unscored = set(files.texts_of(settings, "unscored"))
    strange = unscored - {*titles, EXAMPLES}
    if strange:
        raise InvalidSettingError(
            "challenge.yaml unscored", sorted(strange)[0], "is not a check", "Name a check"
        )
    hidden = [
        CheckTitle(name, files.text_of(titles, name), scored=name not in unscored)
        for name in titles
    ]
    if not examples:
        return tuple(hidden)
    shown = CheckTitle(EXAMPLES, EXAMPLES_TITLE, visible=True, scored=EXAMPLES not in unscored)
    return (shown, *hidden)


def _survivors_of(path: Path) -> dict[str, str]:
    """Mutants made by machine that no check can refuse, each with the reason why it is right."""
    arguments = files.read_settings(path)
    return {name: files.text_of(arguments, name) for name in arguments}
