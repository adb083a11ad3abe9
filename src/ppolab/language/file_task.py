"""A task out of one's own files: prompts, answers to imitate, and preferences."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ppolab.errors import InvalidSettingError, StorageError
from ppolab.language.preference_data import PreferencePair, read_pairs
from ppolab.language.rewards import RewardFunction
from ppolab.language.sft import Example
from ppolab.language.tokenizer import Tokenizer

_HELD_OUT = 10  # every tenth line is kept for measuring


@dataclass(frozen=True)
class FileTask:
    """The same parts as a `Task` of the course, read from JSON lines.

    Every tenth prompt is held out; of fewer than ten, the last.
    """

    prompts_file: Path | None
    pairs_file: Path | None
    tokenizer: Tokenizer
    longest: int  # tokens of an example at most; longer ones are left out
    gold: RewardFunction | None = None

    @property
    def title(self) -> str:
        """What the task is called."""
        return (self.prompts_file or self.pairs_file or Path("nothing")).name

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """The prompts' lines, or where there is no such file those of the pairs."""
        source = self.prompts_file or self.pairs_file
        assert source is not None
        return read_lines(source, "prompts", ("prompt",))

    @cached_property
    def records(self) -> dict[tuple[int, ...], dict[str, Any]]:
        """Each prompt's line by the prompt's tokens."""
        return {tuple(self.tokenizer.prompt(line["prompt"])): line for line in self.lines}

    @property
    def has_examples(self) -> bool:
        """Whether there are held-out answers to imitate."""
        try:
            return bool(self.examples(validation=True))
        except InvalidSettingError:
            return False

    def examples(self, validation: bool = False) -> list[Example]:
        """Prompts with their responses, or with the preferred answers; only answers are learnt.

        Raises:
            InvalidSettingError: no line has a response, or none fits.
        """
        found = []
        for line in self._part(validation):
            answer = line.get("response", line.get("chosen"))
            if answer is not None:
                given = self.tokenizer.prompt(line["prompt"])
                rest = str(answer).removeprefix(line["prompt"])
                tokens = [*given, *self.tokenizer.answer(rest), self.tokenizer.end]
                if len(tokens) <= self.longest:
                    found.append(Example(tokens, len(given)))
        if not found and self.prompts_file is not None and self.pairs_file is not None:
            # Prompts without responses: the answers that somebody preferred serve as examples.
            return FileTask(None, self.pairs_file, self.tokenizer, self.longest).examples(
                validation
            )
        if not found:
            raise InvalidSettingError(
                "prompts", self.title,
                f'has no line with a "response" of at most {self.longest} tokens to learn from',
                "Add responses, give a file of pairs, or leave fine-tuning out",
            )  # fmt: skip
        return found

    def prompts(self, validation: bool = False) -> list[list[int]]:
        """Prompts as tokens."""
        return [self.tokenizer.prompt(line["prompt"]) for line in self._part(validation)]

    def pairs(self) -> list[PreferencePair]:
        """The preferences."""
        assert self.pairs_file is not None
        return read_pairs(self.pairs_file, self.tokenizer)

    def _part(self, validation: bool) -> list[dict[str, Any]]:
        lines = self.lines
        if len(lines) < _HELD_OUT:
            return lines[-1:] if validation else lines[:-1]
        return [line for i, line in enumerate(lines, 1) if (i % _HELD_OUT == 0) == validation]


def read_lines(path: Path, what: str, needed: tuple[str, ...]) -> list[dict[str, Any]]:
    """Read JSON lines that each hold some fields as text.

    Raises:
        StorageError: there is no such file.
        InvalidSettingError: naming the line that cannot be used, or the file has fewer than two.
    """
    if not path.is_file():
        raise StorageError(what, str(path), "is no file", "Give a file of JSON lines")
    lines = []
    for number, line in enumerate(path.read_text("utf8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            for name in needed:
                if not isinstance(data[name], str):
                    raise TypeError(f"{name} is no text")
            lines.append(data)
        except (ValueError, KeyError, TypeError) as error:
            shape = ", ".join(f'"{name}": …' for name in needed)
            raise InvalidSettingError(
                what, f"{path.name}, line {number}", f"cannot be used ({error!r})",
                f"Each line is {{{shape}}}, and more fields if you like",
            ) from error  # fmt: skip
    if len(lines) < 2:
        raise InvalidSettingError(
            what, path.name, f"has {len(lines)} lines", "Give at least 2: one is held out"
        )
    return lines
