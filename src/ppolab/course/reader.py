"""Reads the course from its folder. Files are read when asked for, so that edits show at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ppolab.assessment import ChallengeFolder, find_challenges
from ppolab.assessment.derivations import Derivation, find_derivations
from ppolab.assessment.questions import Question, find_questions, load_question
from ppolab.course.ast import Block
from ppolab.course.lesson import LESSON_FIELDS, front_matter, parse_document, read_lesson
from ppolab.course.model import Chapter, ContentError, Item, ItemKind, LessonFile, Phase
from ppolab.errors import StorageError, UnknownNameError

NUMBERED = re.compile(r"^\d+-")


@dataclass(frozen=True)
class Outline:
    """The whole course without the text of its lessons."""

    title: str
    phases: tuple[Phase, ...]
    chapters: tuple[Chapter, ...]

    def chapter(self, slug: str) -> Chapter:
        """A chapter by its slug. Raises UnknownNameError."""
        for chapter in self.chapters:
            if chapter.slug == slug:
                return chapter
        raise UnknownNameError("chapter", slug, [chapter.slug for chapter in self.chapters])

    def walk(self) -> list[tuple[Chapter, Item]]:
        """Everything to learn or do in the order of the course."""
        return [(chapter, item) for chapter in self.chapters for item in chapter.items]


class Course:
    """The course in a content folder: `course.yaml` and `chapters/NN-slug/`.

    A chapter folder holds `lessons/*.md`, `questions/*.py`, `derivations/*/`, `challenges/*/`, and
    `chapter.yaml`, whose `order` lists `lesson: slug`, `derivation: slug`, `challenge: slug` and,
    for all of the chapter's questions, `questions: slug-of-the-chapter`. Without an order, lessons
    come by file name, then questions, derivations and challenges. A number before a file's name
    ("01-") orders it and is no part of its slug.
    """

    def __init__(self, content: Path) -> None:
        self.content = content

    def outline(self) -> Outline:
        """The chapters and what they hold. Raises StorageError or ContentError."""
        file = self.content / "course.yaml"
        values = read_yaml(file)
        try:
            phases = tuple(Phase(**phase) for phase in values["phases"])
            chapters = tuple(
                self._chapter(number, phases, chapter)
                for number, chapter in enumerate(values["chapters"], 1)
            )
            return Outline(values["title"], phases, chapters)
        except (KeyError, TypeError) as error:
            raise ContentError(
                str(file), str(error), "is missing or misplaced", "Give title, phases, chapters."
            ) from error

    def lesson(self, chapter: str, slug: str) -> LessonFile:
        """A parsed lesson. Raises UnknownNameError, or ContentError where it is wrong."""
        files = self.lesson_files(self.folder(self.outline().chapter(chapter)))
        if slug not in files:
            raise UnknownNameError("lesson", slug, sorted(files))
        return read_lesson(files[slug], chapter, slug)

    def challenges(self) -> dict[str, ChallengeFolder]:
        """Every challenge by its slug."""
        return find_challenges(self.content)

    def challenge(self, slug: str) -> ChallengeFolder:
        """A challenge. Raises UnknownNameError."""
        known = self.challenges()
        if slug not in known:
            raise UnknownNameError("challenge", slug, sorted(known))
        return known[slug]

    def questions(self) -> dict[str, Question]:
        """Every question by its slug."""
        return find_questions(self.content)

    def question(self, slug: str) -> Question:
        """A question. Raises UnknownNameError."""
        known = self.questions()
        if slug not in known:
            raise UnknownNameError("question", slug, sorted(known))
        return known[slug]

    def questions_of(self, chapter: str) -> list[Question]:
        """The questions of a chapter in their order."""
        return [question for question in self.questions().values() if question.chapter == chapter]

    def derivations(self) -> dict[str, Derivation]:
        """Every derivation by its slug."""
        return find_derivations(self.content)

    def derivation(self, slug: str) -> Derivation:
        """A derivation. Raises UnknownNameError."""
        known = self.derivations()
        if slug not in known:
            raise UnknownNameError("derivation", slug, sorted(known))
        return known[slug]

    def text(self, markdown: str, where: str) -> list[Block]:
        """Parse a challenge's prompt or hint."""
        return parse_document(markdown, where)[0]

    def folder(self, chapter: Chapter) -> Path:
        """The folder of a chapter, whether it exists or not."""
        return self.content / "chapters" / f"{chapter.number:02d}-{chapter.slug}"

    def lesson_files(self, folder: Path) -> dict[str, Path]:
        """The lesson files of a chapter's folder by their slugs, in the order of their names."""
        return {
            NUMBERED.sub("", file.stem): file for file in sorted((folder / "lessons").glob("*.md"))
        }

    def _chapter(self, number: int, phases: tuple[Phase, ...], values: dict[str, Any]) -> Chapter:
        chapter = Chapter(
            number=number,
            slug=values["slug"],
            title=values["title"],
            phase=values["phase"],
            goals=tuple(values["goals"]),
            items=(),
        )
        if chapter.phase not in {phase.name for phase in phases}:
            raise ContentError(
                str(self.content / "course.yaml"),
                chapter.phase,
                "is no phase of the course",
                f"Known: {', '.join(phase.name for phase in phases)}.",
            )
        folder = self.folder(chapter)
        if not folder.is_dir():
            return chapter
        items = tuple(self._item(folder, kind, slug) for kind, slug in self._order(folder))
        return Chapter(number, chapter.slug, chapter.title, chapter.phase, chapter.goals, items)

    def _order(self, folder: Path) -> list[tuple[ItemKind, str]]:
        lessons = list(self.lesson_files(folder))
        challenges = [path.parent.name for path in folder.glob("challenges/*/challenge.yaml")]
        present: list[tuple[ItemKind, str]] = [("lesson", slug) for slug in lessons]
        if any(folder.glob("questions/*.py")):
            present.append(("questions", NUMBERED.sub("", folder.name)))
        derivations = folder.glob("derivations/*/derivation.yaml")
        present += [("derivation", path.parent.name) for path in sorted(derivations)]
        present += [("challenge", slug) for slug in sorted(challenges)]
        file = folder / "chapter.yaml"
        order = read_yaml(file).get("order") if file.is_file() else None
        if order is None:
            return present
        listed = [(kind, slug) for entry in order for kind, slug in entry.items()]
        strange = [entry for entry in listed if entry not in present]
        if strange:
            known = ", ".join(f"{kind}: {slug}" for kind, slug in present)
            raise ContentError(str(file), strange[0], "has no file", f"Known: {known}.")
        forgotten = [entry for entry in present if entry not in listed]
        return [entry for entry in listed if entry in present] + forgotten

    def _item(self, folder: Path, kind: ItemKind, slug: str) -> Item:
        if kind in ("challenge", "derivation"):
            values = read_yaml(folder / f"{kind}s" / slug / f"{kind}.yaml")
            return Item(kind, slug, str(values.get("title", slug)), int(values.get("minutes", 0)))
        if kind == "questions":
            questions = [load_question(file) for file in sorted(folder.glob("questions/*.py"))]
            minutes = sum(question.minutes for question in questions)
            noun = "question" if len(questions) == 1 else "questions"
            return Item(kind, slug, f"Quiz: {len(questions)} {noun}", minutes)
        path = self.lesson_files(folder)[slug]
        values, _ = front_matter(path, path.read_text(encoding="utf-8"), LESSON_FIELDS)
        return Item(kind, slug, values["title"], values["minutes"])


def read_yaml(file: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping. Raises StorageError or ContentError."""
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(
            "content", str(file), f"cannot be read ({error.strerror})", "Is the course installed?"
        ) from error
    except yaml.YAMLError as error:
        raise ContentError(str(file), str(error), "is not YAML", "Mend the YAML.") from error
    if not isinstance(values, dict):
        raise ContentError(str(file), values, "is no mapping", "Write name: value.")
    return values
