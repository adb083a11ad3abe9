"""Questions with options: one to choose, several to order, or an outcome to predict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ppolab.assessment.questions.variant import (
    Answer,
    Ask,
    Examples,
    Mark,
    Solution,
    name_of,
    shuffled,
)

CHOOSE = "Choose one of the options."


@dataclass(frozen=True)
class Option:
    """An option (Markdown) with the reason why it is right or wrong (Markdown)."""

    text: str
    reason: str
    right: bool = False


@dataclass(frozen=True)
class Choice:
    """One of several options is right."""

    prompt: str
    options: tuple[Option, ...]
    explanation: str = ""

    def ask(self, seed: int) -> Ask:
        """Show the options, shuffled."""
        texts = tuple(option.text for option in self.options)
        return Ask("choice", self.prompt, options=shuffled(texts, seed))

    def mark(self, answer: Answer) -> Mark:
        """Look the option up."""
        for option in self.options:
            if answer == name_of(option.text):
                return Mark("right", "Right.") if option.right else Mark("wrong", "Not this one.")
        return Mark("invalid", CHOOSE)

    def solution(self) -> Solution:
        """The right option, and the reason of each."""
        right = next(option for option in self.options if option.right)
        reasons = {name_of(option.text): option.reason for option in self.options}
        return Solution(name_of(right.text), self.explanation, reasons)

    def examples(self) -> Examples:
        """Every option, and what is none."""
        return Examples(
            tuple(name_of(option.text) for option in self.options if option.right),
            tuple(name_of(option.text) for option in self.options if not option.right),
            ("", "0", "no option", [], {}),
        )


@dataclass(frozen=True)
class Outcome:
    """What a run of the engine gave: the option that came true, and the figures (Markdown)."""

    option: str
    figures: str


@dataclass(frozen=True)
class Prediction:
    """An outcome to predict before the engine is run; nobody knows it before.

    `run` runs only once an answer is there. `reasons` tells of each option why one might think so,
    and what speaks against it where it does not come true (Markdown).
    """

    prompt: str
    reasons: dict[str, str]  # option (Markdown) → reason
    run: Callable[[], Outcome]

    def ask(self, seed: int) -> Ask:
        """Show the options, shuffled."""
        return Ask("prediction", self.prompt, options=shuffled(tuple(self.reasons), seed))

    def mark(self, answer: Answer) -> Mark:
        """Run, then compare."""
        if answer not in [name_of(text) for text in self.reasons]:
            return Mark("invalid", CHOOSE)
        if answer == name_of(self.run().option):
            return Mark("right", "It came as you predicted.")
        return Mark("wrong", "It came otherwise.")

    def solution(self) -> Solution:
        """What came, with the figures of the run."""
        outcome = self.run()
        reasons = {name_of(text): reason for text, reason in self.reasons.items()}
        return Solution(name_of(outcome.option), outcome.figures, reasons)

    def examples(self) -> Examples:
        """What comes true, everything else, and what is no option."""
        came = self.run().option
        others = tuple(name_of(text) for text in self.reasons if text != came)
        return Examples((name_of(came),), others, ("", "0", "no option", [], {}))


@dataclass(frozen=True)
class Ordering:
    """Items (Markdown) to bring into an order; they are given in the right one.

    `reasons[i]` says why item i + 1 comes after item i.
    """

    prompt: str
    items: tuple[str, ...]
    reasons: tuple[str, ...]
    explanation: str = ""

    def ask(self, seed: int) -> Ask:
        """Show the items, never in the right order."""
        items = shuffled(self.items, seed)
        if tuple(text for _, text in items) == self.items:
            items = (*items[1:], items[0])
        return Ask("ordering", self.prompt, options=items)

    def mark(self, answer: Answer) -> Mark:
        """Compare the orders; a partial or doubled list is invalid."""
        right = [name_of(item) for item in self.items]
        if not isinstance(answer, list) or sorted(answer) != sorted(right):
            return Mark("invalid", "Order all of the items, each once.")
        if answer == right:
            return Mark("right", "Right.")
        return Mark("wrong", "Not in this order.")

    def solution(self) -> Solution:
        """The order, with why each item follows the one before."""
        names = [name_of(item) for item in self.items]
        reasons = dict(zip(names[1:], self.reasons, strict=True))
        return Solution(names, self.explanation, reasons)

    def examples(self) -> Examples:
        """The order; every swap of neighbours and the reverse; lists that are not complete."""
        right = [name_of(item) for item in self.items]
        swaps = [
            [*right[:i], right[i + 1], right[i], *right[i + 2 :]] for i in range(len(right) - 1)
        ]
        return Examples(
            (right,), (*swaps, right[::-1]), ([], right[:-1], [*right[:-1], right[0]], "", {})
        )
