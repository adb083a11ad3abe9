"""Rewards that a person brings: a function in a file, or the right answer to each prompt."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ppolab.errors import InvalidSettingError, StorageError, UnknownNameError
from ppolab.language.generation import Samples
from ppolab.language.rewards import score_of
from ppolab.language.tokenizer import Tokenizer

ANSWER = "answer"  # names the verifiable reward, and the field of a prompt's line it checks
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")
Record = Mapping[str, Any]  # the line of a prompt file


@dataclass(frozen=True)
class PromptBook:
    """Finds the line that a prompt came from, and the texts of its responses."""

    tokenizer: Tokenizer
    records: Mapping[tuple[int, ...], Record] = field(default_factory=dict)

    def rows(self, samples: Samples) -> list[dict[str, Any]]:
        """What is known of each row: prompt, response, and the fields of the prompt's line."""
        rows: list[dict[str, Any]] = []
        for i in range(len(samples)):
            ids = samples.prompts[i, : samples.prompt_lengths[i]].tolist()
            written = samples.responses[i, : samples.response_lengths[i]].tolist()
            record = self.records.get(tuple(ids), {})
            prompt = record.get("prompt", self.tokenizer.decode(ids))
            rows.append({**record, "prompt": prompt, "response": self.tokenizer.decode(written)})
        return rows


@dataclass(frozen=True)
class FunctionReward:
    """A Python function as a reward.

    Its parameters are filled by name: `text` (prompt and response together), `prompt`, `response`,
    and any field of the prompt's line. A single parameter of another name gets the text.
    """

    name: str
    function: Callable[..., float]
    book: PromptBook

    def __call__(self, samples: Samples, texts: Sequence[str]) -> Tensor:
        """Score each row by itself.

        Raises:
            RewardFailedError: naming the sample, if the function raises an error on it or returns
                anything but a finite number.
            InvalidSettingError: the prompt's line lacks a field that the function asks for.
        """
        rows = self.book.rows(samples)
        scores = [
            self._score(i, {**row, "text": text})
            for i, (row, text) in enumerate(zip(rows, texts, strict=True))
        ]
        return torch.tensor(scores)

    def _score(self, row: int, known: Record) -> float:
        parameters = list(inspect.signature(self.function).parameters.values())
        if len(parameters) == 1 and parameters[0].name not in known:
            return score_of(self.name, row, known["text"], lambda: self.function(known["text"]))
        given = {}
        for parameter in parameters:
            if parameter.name in known:
                given[parameter.name] = known[parameter.name]
            elif parameter.default is inspect.Parameter.empty and parameter.kind not in (
                inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL,
            ):  # fmt: skip
                raise InvalidSettingError(
                    "reward", self.name,
                    f"asks for {parameter.name!r}, which sample {row} does not have",
                    f"Known of it: {', '.join(sorted(known))}",
                )  # fmt: skip
        return score_of(self.name, row, known["text"], lambda: self.function(**given))


def load_function(spec: str) -> Callable[..., float]:
    """Load a function from a file, as in `my.py:cheerful`; the file's own code runs.

    Raises:
        StorageError: there is no such file, or it raises an error.
        UnknownNameError: the file defines no such name.
        InvalidSettingError: what it defines by that name cannot be called.
    """
    file, _, name = spec.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise StorageError("reward", spec, f"names a file that does not exist, {file!r}",
                           "Give FILE.py:FUNCTION")  # fmt: skip
    # Its place in full is in the name, so that two files of one name stay two modules.
    module_name = f"_ppolab_reward_{abs(hash(str(path.resolve())))}"
    module_spec = importlib.util.spec_from_file_location(module_name, path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[module_name] = module  # dataclasses in the file look for it there
    try:
        module_spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise StorageError(
            "reward", spec, f"cannot be loaded: {type(error).__name__}: {error}", "Mend the file"
        ) from error
    if not hasattr(module, name):
        known = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise UnknownNameError("reward function", name, sorted(known))
    function = getattr(module, name)
    if not callable(function):
        raise InvalidSettingError("reward", spec, "is not a function", "Name one that takes a text")
    found: Callable[..., float] = function
    return found


def answer_is_right(response: str, answer: object) -> float:
    """1 if a response gives the right answer, else 0.

    A number is looked for as the last one in the response, so that reasoning may come before it;
    other answers must be the whole response, but for spaces, case and a final full stop.
    """
    wanted = number_in(str(answer)) if _NUMBER.fullmatch(str(answer).strip()) else None
    if wanted is not None:
        return float(number_in(response) == wanted)
    return float(_plain(response) == _plain(str(answer)))


def number_in(text: str) -> float | None:
    """The last number of a text; commas between thousands are left out."""
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None


def weighted_names(spec: str) -> list[tuple[float, str]]:
    """Take apart what is to be added up, as in `my.py:polite + 0.5*answer`.

    Raises:
        InvalidSettingError: a weight is not a number, or a name is missing.
    """
    parts = []
    for term in spec.split(" + "):
        weight, star, name = term.rpartition("*")
        try:
            parts.append((float(weight) if star else 1.0, name.strip()))
        except ValueError:
            raise InvalidSettingError(
                "reward", spec, f"has a weight that is no number, {weight!r}",
                "Write as in: my.py:polite + 0.5*answer",
            ) from None  # fmt: skip
        if not parts[-1][1]:
            raise InvalidSettingError(
                "reward", spec, "names nothing", "Write as in: my.py:polite + 0.5*answer"
            )
    return parts


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).removesuffix(".")
