"""Questions to be answered with a configuration: settings that must meet every demand at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ppolab.assessment.questions.numbers import read_number
from ppolab.assessment.questions.variant import Answer, Ask, Examples, Mark, Solution

Values = dict[str, float]


@dataclass(frozen=True)
class Setting:
    """A setting to fill in; whole numbers unless `whole` is off."""

    name: str
    label: str
    start: float
    unit: str = ""
    whole: bool = True


@dataclass(frozen=True)
class Demand:
    """What must hold (Markdown), how that is found out, and what it came to, in plain words."""

    words: str
    holds: Callable[[Values], bool]
    came: Callable[[Values], str]


@dataclass(frozen=True)
class Configuration:
    """Settings are asked for that meet all demands; any that do are right.

    `solution_values` is one such configuration, `near_misses` are plausible ones that fail.
    """

    prompt: str
    settings: tuple[Setting, ...]
    demands: tuple[Demand, ...]
    solution_values: Values
    near_misses: tuple[Values, ...]
    explanation: str

    def ask(self, seed: int) -> Ask:
        """Show settings and demands."""
        return Ask(
            "configuration",
            self.prompt,
            settings=tuple((s.name, s.label, s.unit, f"{s.start:g}") for s in self.settings),
            demands=tuple(demand.words for demand in self.demands),
        )

    def mark(self, answer: Answer) -> Mark:
        """Try every demand, and say of those that fail what they came to."""
        values = self._read(answer)
        if isinstance(values, str):
            return Mark("invalid", values)
        failing = [demand.came(values) for demand in self.demands if not demand.holds(values)]
        if not failing:
            return Mark("right", "Every demand is met.")
        return Mark("wrong", " ".join(failing))

    def solution(self) -> Solution:
        """One configuration that meets the demands."""
        answer = {name: f"{value:g}" for name, value in self.solution_values.items()}
        return Solution(answer, self.explanation)

    def examples(self) -> Examples:
        """The solution; near misses; settings that are missing, strange, or no numbers."""
        right = {name: repr(value) for name, value in self.solution_values.items()}
        first = self.settings[0].name
        wrong = [{n: repr(v) for n, v in values.items()} for values in self.near_misses]
        invalid: tuple[Answer, ...] = (
            {},
            {**right, first: "many"},
            {**right, first: "-1"},
            {**right, first: "nan"},
            {**right, "no such setting": "1"},
            [],
            "",
        )
        return Examples((right,), tuple(wrong), invalid)

    def _read(self, answer: Answer) -> Values | str:
        if not isinstance(answer, dict) or set(answer) != {s.name for s in self.settings}:
            return "Fill in every setting."
        values: Values = {}
        for setting in self.settings:
            number = read_number(answer[setting.name], setting.unit)
            if isinstance(number, str):
                return f"{setting.label}: {number}"
            if number <= 0 or number > 1e12:
                return f"{setting.label}: write a number above 0."
            if setting.whole and not number.is_integer():
                return f"{setting.label}: write a whole number."
            values[setting.name] = number
        return values
