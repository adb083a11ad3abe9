"""The course as data: chapters, what they hold, and the keys to their predictions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ppolab.course.ast import Block, DirectiveBlock, PredictBlock
from ppolab.errors import PPOLabError, UnknownNameError

ItemKind = Literal["lesson", "challenge", "questions", "derivation"]


class ContentError(PPOLabError):
    """A file of the course is wrong; `field` is its path and line."""

    status = 500

    def __init__(self, where: str, value: object, problem: str, mend: str) -> None:
        super().__init__(where, value, problem, mend)


@dataclass(frozen=True)
class Phase:
    """One of the phases that the chapters form."""

    name: str
    summary: str


@dataclass(frozen=True)
class Item:
    """A lesson, challenge or the like, in the order in which learners meet it."""

    kind: ItemKind
    slug: str
    title: str
    minutes: int


@dataclass(frozen=True)
class Chapter:
    """A chapter; one that is not written yet has goals and no items."""

    number: int
    slug: str
    title: str
    phase: str
    goals: tuple[str, ...]
    items: tuple[Item, ...]

    @property
    def written(self) -> bool:
        """Whether there is anything to learn in it yet."""
        return bool(self.items)

    def number_of(self, slug: str) -> str:
        """The number under which an item is known, such as "4.1"."""
        place = [item.slug for item in self.items].index(slug) + 1
        return f"{self.number}.{place}"


@dataclass(frozen=True)
class PredictionKey:
    """What is right in a prediction; it stays with the server until the learner has answered."""

    id: str
    correct: str
    reasons: dict[str, str]  # option id → why it is right or wrong

    def check_option(self, option: str) -> None:
        """Raise UnknownNameError unless `option` is one of this prediction's."""
        if option not in self.reasons:
            raise UnknownNameError("option", option, sorted(self.reasons))


@dataclass(frozen=True)
class LessonFile:
    """A parsed lesson."""

    path: Path
    chapter: str
    slug: str
    title: str
    minutes: int
    summary: str
    blocks: tuple[Block, ...]
    predictions: dict[str, PredictionKey]

    def prediction(self, name: str) -> PredictionKey:
        """The key of a prediction. Raises UnknownNameError."""
        if name not in self.predictions:
            raise UnknownNameError("prediction", name, sorted(self.predictions))
        return self.predictions[name]


def option_id(prediction: str, text: str) -> str:
    """Name an option by its words: stable when others change, and silent about the answer."""
    return hashlib.sha256(f"{prediction}\n{text}".encode()).hexdigest()[:8]


def shuffled_for(learner: str, blocks: list[Block]) -> list[Block]:
    """Put the options of each prediction into an order of this learner's own.

    The order is drawn from a hash, so that it stays the same from visit to visit.
    """
    return [_shuffled(learner, block) for block in blocks]


def _shuffled(learner: str, block: Block) -> Block:
    if isinstance(block, PredictBlock):

        def place(option_name: str) -> str:
            return hashlib.sha256(f"{learner}\n{block.id}\n{option_name}".encode()).hexdigest()

        options = sorted(block.options, key=lambda option: place(option.id))
        return block.model_copy(update={"options": options})
    if isinstance(block, DirectiveBlock):
        return block.model_copy(update={"children": shuffled_for(learner, block.children)})
    return block
