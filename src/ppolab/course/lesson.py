"""Reads a lesson: front matter, then Markdown with directives.

A prediction is written as a question and options, each with its reason after " — ":

    :::predict{id="first-run"}
    How far does the ratio get?
    - [ ] It never leaves the band — the clip acts on the objective, not on the ratio
    - [x] Past the band — nothing holds the ratio itself
    :::
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from ppolab.course.ast import Block, CodeBlock, DirectiveBlock, PredictBlock, PredictOption
from ppolab.course.directives import Directive, Piece, Text, split
from ppolab.course.markdown import parse_inline, parse_markdown
from ppolab.course.model import ContentError, LessonFile, PredictionKey, option_id
from ppolab.course.source import source_of
from ppolab.errors import UnknownNameError

FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
OPTION = re.compile(r"^- \[([ xX])\] (.*)$")
REASON = " — "
DirectiveName = Literal["run", "interactive", "step", "note", "challenge"]


@dataclass
class Document:
    """A text in the making: blocks are built in order, predictions are collected on the way."""

    where: str
    ids: set[str] = field(default_factory=set)
    predictions: dict[str, PredictionKey] = field(default_factory=dict)

    def blocks(self, pieces: list[Piece]) -> list[Block]:
        """Build the blocks of pieces and of everything within them."""
        found: list[Block] = []
        for piece in pieces:
            if isinstance(piece, Text):
                found += parse_markdown(piece.text, self.where, piece.line, self.ids)
            else:
                found.append(self.directive(piece))
        return found

    def directive(self, piece: Directive) -> Block:
        """Build one directive."""
        if piece.name == "predict":
            return self.predict(piece)
        if piece.name == "source":
            return self.source(piece)
        return DirectiveBlock(
            name=cast(DirectiveName, piece.name),
            attributes=piece.attributes,
            children=self.blocks(piece.children),
        )

    def source(self, piece: Directive) -> CodeBlock:
        """Show a definition from our own source."""
        try:
            source = source_of(piece.attributes["symbol"])
        except UnknownNameError as error:
            raise ContentError(
                f"{self.where}:{piece.line}",
                piece.attributes["symbol"],
                "is not in our source",
                error.mend,
            ) from error
        return CodeBlock(language="python", text=source.text, source=source.place)

    def predict(self, piece: Directive) -> PredictBlock:
        """Build a prediction, and keep its key apart from what the page receives."""
        name, place = piece.attributes["id"], f"{self.where}:{piece.line}"
        if name in self.predictions:
            raise ContentError(place, name, "is a second prediction of this id", "Rename one.")
        if any(isinstance(child, Directive) for child in piece.children):
            raise ContentError(place, name, "holds another directive", "Move it out.")
        text = "".join(child.text for child in piece.children if isinstance(child, Text))
        question, options = split_options(text)
        written = [read_option(name, mark, words, place) for mark, words in options]
        right = [option.id for option in written if option.right]
        if len(right) != 1 or len(written) < 2:
            raise ContentError(
                place,
                name,
                f"has {len(written)} options, {len(right)} of them right",
                "Write at least two options and mark exactly one with [x].",
            )
        reasons = {option.id: option.reason for option in written}
        if len(reasons) != len(written):
            raise ContentError(place, name, "has the same option twice", "Reword one of them.")
        self.predictions[name] = PredictionKey(name, right[0], reasons)
        return PredictBlock(
            id=name,
            question=parse_markdown(question, self.where, piece.line + 1, self.ids),
            options=[
                PredictOption(id=option.id, children=parse_inline(option.text, self.where))
                for option in written
            ],
        )


@dataclass(frozen=True)
class Option:
    """One option of a prediction as it is written."""

    id: str
    text: str
    reason: str
    right: bool


def split_options(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Part the question from the options; an option may go on over indented lines."""
    question: list[str] = []
    options: list[tuple[str, str]] = []
    for line in text.splitlines():
        match = OPTION.match(line)
        if match:
            options.append((match.group(1), match.group(2).strip()))
        elif options and line.strip():
            mark, words = options[-1]
            options[-1] = (mark, f"{words} {line.strip()}")
        elif not options:
            question.append(line)
    return "\n".join(question) + "\n", options


def read_option(prediction: str, mark: str, words: str, place: str) -> Option:
    """Part an option from its reason."""
    text, dash, reason = words.partition(REASON)
    if not dash or not reason.strip():
        raise ContentError(
            place, words, "gives no reason", "Write: - [ ] option — why it is right or wrong."
        )
    return Option(option_id(prediction, text), text.strip(), reason.strip(), mark in "xX")


def parse_document(text: str, where: str, first_line: int = 1) -> tuple[list[Block], Document]:
    """Parse Markdown with directives; the document holds the keys of its predictions."""
    document = Document(where)
    return document.blocks(split(text, where, first_line)), document


def front_matter(path: Path, text: str, required: dict[str, type]) -> tuple[dict[str, Any], int]:
    """The YAML between the first two "---" lines, and the number of the line after it."""
    match = FRONT_MATTER.match(text)
    if match is None:
        raise ContentError(
            f"{path}:1", text[:20], "has no front matter", f"Begin with ---, {', '.join(required)}."
        )
    try:
        values = yaml.safe_load(match.group(1))
    except yaml.YAMLError as error:
        raise ContentError(f"{path}:1", str(error), "is not YAML", "Mend the YAML.") from error
    if not isinstance(values, dict):
        values = {}
    for name, kind in required.items():
        if not isinstance(values.get(name), kind) or not values[name]:
            raise ContentError(
                f"{path}:1",
                values.get(name),
                f"is no {name}",
                f"Give {name} in the front matter, as {kind.__name__}.",
            )
    return values, match.group(0).count("\n") + 1


LESSON_FIELDS: dict[str, type] = {"title": str, "minutes": int, "summary": str}


def read_lesson(path: Path, chapter: str, slug: str) -> LessonFile:
    """Read and parse a lesson. Raises ContentError with file and line."""
    text = path.read_text(encoding="utf-8")
    values, first_line = front_matter(path, text, LESSON_FIELDS)
    body = text.split("\n", first_line - 1)[-1]
    blocks, document = parse_document(body, str(path), first_line)
    return LessonFile(
        path=path,
        chapter=chapter,
        slug=slug,
        title=values["title"],
        minutes=values["minutes"],
        summary=values["summary"],
        blocks=tuple(blocks),
        predictions=document.predictions,
    )
