"""Questions whose answer is a number, with a tolerance and a unit."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ppolab.assessment.questions.variant import Answer, Ask, Examples, Mark, Solution

# A comma parts thousands and nothing else: of "0,5" nobody can say what was meant.
NUMBER = r"[+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
FRACTION = re.compile(rf"^\s*({NUMBER})\s*(?:/\s*({NUMBER}))?\s*(.*?)\s*$", re.DOTALL)
MAX_DIGITS = 60


@dataclass(frozen=True)
class Belief:
    """A number that someone with a wrong idea would give, and what to tell them."""

    value: float
    words: str


@dataclass(frozen=True)
class Numeric:
    """A number is asked for.

    `again` is the same number reached another way, by the engine's own function where there is
    one; a question whose two numbers differ is faulty. `tolerance` is absolute and covers the
    rounding that the prompt asks for.
    """

    prompt: str
    answer: float
    again: float
    tolerance: float
    explanation: str
    unit: str = ""
    beliefs: tuple[Belief, ...] = ()

    def ask(self, seed: int) -> Ask:
        """Show the prompt and the unit."""
        return Ask("numeric", self.prompt, unit=self.unit)

    def mark(self, answer: Answer) -> Mark:
        """Compare within the tolerance; a known wrong idea is answered by name."""
        number = read_number(answer, self.unit)
        if isinstance(number, str):
            return Mark("invalid", number)
        if abs(number - self.answer) <= self.tolerance:
            return Mark("right", "Right.")
        for belief in self.beliefs:
            if abs(number - belief.value) <= self.tolerance:
                return Mark("wrong", belief.words)
        return Mark("wrong", "Not this number.")

    def solution(self) -> Solution:
        """The number, written with the digits that the tolerance lets count."""
        return Solution(written(self.answer, self.tolerance), self.explanation)

    def examples(self) -> Examples:
        """The answer and its edges; beliefs, a wrong sign, numbers past the edge; no numbers."""
        edge = 0.9 * self.tolerance
        past = max(1.5 * self.tolerance, 1e-6 * abs(self.answer))
        right = (self.answer, self.answer - edge, self.answer + edge)
        wrong = [self.answer - past, self.answer + past, *(b.value for b in self.beliefs)]
        if abs(self.answer) > self.tolerance:
            wrong.append(-self.answer)
        other = "m" if self.unit != "m" else "s"
        return Examples(
            (*map(repr, right), f"{self.answer!r} {self.unit}", self.solution().answer),
            tuple(map(repr, wrong)),
            ("", "about two", "nan", "inf", "1e999", "1/0", "3 + 4", f"2 {other}", [], "1.2.3"),
        )


def read_number(answer: Answer, unit: str = "") -> float | str:
    """Read what was typed: 1.5, −3, 2/3, 1e-3, 1,024, with or without the unit.

    Returns the number, or a sentence on why there is none.
    """
    text = answer.replace("−", "-").replace("\u2009", " ") if isinstance(answer, str) else ""
    match = FRACTION.match(text) if len(text) <= MAX_DIGITS else None
    if match is None:
        return "Write a number, such as 1.5, -3, 2/3 or 1e-3."
    rest = match[3].strip()
    if rest and rest.lower() != unit.lower():
        wanted = f"a number, with {unit} or without" if unit else "a number alone"
        return f"{rest!r} after the number cannot be read. Write {wanted}."
    top, bottom = _plain(match[1]), _plain(match[2] or "1")
    if bottom == 0:
        return "A fraction over 0 is no number."
    number = top / bottom
    return number if math.isfinite(number) else "This is too large to be a number here."


def _plain(text: str) -> float:
    return float(text.replace(",", ""))


def written(number: float, tolerance: float) -> str:
    """Write a number to the digit that the tolerance lets count."""
    if float(number).is_integer():
        return str(int(number))
    places = max(0, math.ceil(-math.log10(2 * tolerance))) if tolerance > 0 else 6
    return f"{number:.{places}f}"
