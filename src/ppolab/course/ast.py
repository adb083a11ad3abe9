"""The parsed form of a lesson: blocks and inlines, as plain data that travels to the page as it is.

Whoever renders a lesson needs nothing but these types: no HTML is made on the server.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Message(BaseModel):
    """Base of all wire types: unknown fields are refused, so that typing errors are answered."""

    model_config = ConfigDict(extra="forbid")


class TextInline(Message):
    """Plain text."""

    type: Literal["text"] = "text"
    text: str


class CodeInline(Message):
    """`code` in a sentence."""

    type: Literal["code"] = "code"
    text: str


class MathInline(Message):
    """A formula in a sentence, as TeX."""

    type: Literal["math"] = "math"
    tex: str


class StyledInline(Message):
    """Emphasis, strong text, or a role term such as `:critic[the critic]`."""

    type: Literal["emphasis", "strong", "actor", "critic", "reward", "reference", "keyword"]
    children: list[Inline]


class LinkInline(Message):
    """A link; `external` leaves the course."""

    type: Literal["link"] = "link"
    href: str
    external: bool
    children: list[Inline]


class BreakInline(Message):
    """A line break."""

    type: Literal["break"] = "break"


Inline = Annotated[
    TextInline | CodeInline | MathInline | StyledInline | LinkInline | BreakInline,
    Field(discriminator="type"),
]


class HeadingBlock(Message):
    """A heading; level 1 is the lesson's title and does not occur in the body."""

    type: Literal["heading"] = "heading"
    level: int
    id: str
    children: list[Inline]


class ParagraphBlock(Message):
    """A paragraph."""

    type: Literal["paragraph"] = "paragraph"
    children: list[Inline]


class ListBlock(Message):
    """A list whose items are blocks."""

    type: Literal["list"] = "list"
    ordered: bool
    items: list[list[Block]]


class CodeBlock(Message):
    """Code; `source` names the file and lines it was taken from, where it was."""

    type: Literal["code"] = "code"
    language: str
    text: str
    source: str | None = None


class MathBlock(Message):
    """A displayed formula, as TeX."""

    type: Literal["math"] = "math"
    tex: str


class QuoteBlock(Message):
    """A quotation or aside."""

    type: Literal["quote"] = "quote"
    children: list[Block]


class TableBlock(Message):
    """A table of inline cells."""

    type: Literal["table"] = "table"
    header: list[list[Inline]]
    rows: list[list[list[Inline]]]


class PredictOption(Message):
    """One answer to a prediction; which is right is told only after the learner answered."""

    id: str
    children: list[Inline]


class PredictBlock(Message):
    """A prediction to make before something is shown."""

    type: Literal["predict"] = "predict"
    id: str
    question: list[Block]
    options: list[PredictOption]


class DirectiveBlock(Message):
    """An instrument, a live run, a step of the stage or a note, with its attributes.

    name → attributes:
    - run: preset, after (id of the prediction that unlocks it), recorded (id of a run shown first)
    - interactive: name, and that figure's own state as further attributes
    - step: show ("run" or an interactive's name) and state for the stage; children are the prose
    - note: title; children are the prose ("confusion clarifier", aside)
    - challenge: slug
    """

    type: Literal["directive"] = "directive"
    name: Literal["run", "interactive", "step", "note", "challenge"]
    attributes: dict[str, str]
    children: list[Block]


Block = Annotated[
    HeadingBlock
    | ParagraphBlock
    | ListBlock
    | CodeBlock
    | MathBlock
    | QuoteBlock
    | TableBlock
    | PredictBlock
    | DirectiveBlock,
    Field(discriminator="type"),
]


for _model in (StyledInline, LinkInline, ListBlock, QuoteBlock, TableBlock, DirectiveBlock):
    _model.model_rebuild()
