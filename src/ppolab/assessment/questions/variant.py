"""What every kind of question has in common: being asked, marked and explained.

What is asked and what is right are kept apart: `ask()` is all that the page receives before an
answer, `solution()` is what it receives after one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal, Protocol

# A number or text as typed, the chosen option, the items in order, or the settings by name.
Answer = str | list[str] | dict[str, str]
Kind = Literal["numeric", "choice", "ordering", "prediction", "configuration", "free-text"]
MarkVerdict = Literal["right", "wrong", "invalid", "not counted"]
MAX_TEXT = 4000  # characters of an answer


@dataclass(frozen=True)
class Ask:
    """What is shown before the answer. Options and items are (id, Markdown), shuffled."""

    kind: Kind
    prompt: str  # Markdown
    unit: str = ""
    options: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str, str, str], ...] = ()  # name, label, unit, start
    demands: tuple[str, ...] = ()  # Markdown


@dataclass(frozen=True)
class Mark:
    """How an answer was marked, and in words (plain text) why."""

    verdict: MarkVerdict
    words: str


@dataclass(frozen=True)
class Solution:
    """What is told after an answer: one right answer, and why it is right."""

    answer: Answer
    explanation: str  # Markdown
    reasons: dict[str, str] = field(default_factory=dict)  # option or demand → Markdown
    rubric: tuple[str, ...] = ()  # to assess a free text by


@dataclass(frozen=True)
class Examples:
    """Answers that a variant must mark so; made by itself, to prove that it does."""

    right: tuple[Answer, ...]
    wrong: tuple[Answer, ...]
    invalid: tuple[Answer, ...]


class Variant(Protocol):
    """One drawn question."""

    def ask(self, seed: int) -> Ask:
        """What to show; the seed shuffles what may be shuffled."""
        ...

    def mark(self, answer: Answer) -> Mark:
        """Mark an answer; one that cannot be read is invalid, which costs nothing."""
        ...

    def solution(self) -> Solution:
        """What is right, and why."""
        ...

    def examples(self) -> Examples:
        """Right, wrong and invalid answers to this variant."""
        ...


@dataclass(frozen=True)
class FreeText:
    """A question to answer in one's own words: no program judges them, and they do not count.

    After answering, the learner reads a model answer and ticks what of the rubric theirs has.
    """

    prompt: str
    model_answer: str
    rubric: tuple[str, ...]

    def ask(self, seed: int) -> Ask:
        """Show the prompt alone."""
        return Ask("free-text", self.prompt)

    def mark(self, answer: Answer) -> Mark:
        """Take any text that says something."""
        if not isinstance(answer, str) or len(answer.split()) < 3:
            return Mark("invalid", "Write at least a sentence of your own first.")
        if len(answer) > MAX_TEXT:
            return Mark("invalid", f"Keep it under {MAX_TEXT:,} characters.")
        return Mark("not counted", "Compare it with the model answer; nothing here counts.")

    def solution(self) -> Solution:
        """The model answer and what to look for."""
        return Solution("", self.model_answer, rubric=self.rubric)

    def examples(self) -> Examples:
        """No text is right or wrong; one that says nothing is invalid."""
        return Examples((), (), ("", "  ", "yes", "x " * MAX_TEXT, []))


def name_of(text: str) -> str:
    """Name an option or item by its words: silent about whether it is right."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def shuffled(texts: tuple[str, ...], seed: int) -> tuple[tuple[str, str], ...]:
    """Put texts into an order drawn from the seed, each with its name."""

    def place(text: str) -> str:
        return hashlib.sha256(f"{seed}\n{text}".encode()).hexdigest()

    return tuple((name_of(text), text) for text in sorted(texts, key=place))
