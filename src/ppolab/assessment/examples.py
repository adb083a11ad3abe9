"""The cases of a challenge that learners can see, and how an answer is compared with them.

`examples.yaml` is a list, from small to large:

    - name: two rewards
      args: [[1.0, 2.0], [false, true], 0.5]
      expected: [2.0, 2.0]
      gradients: {0: [1.0, 0.5]}        # by the position of an argument; may be left out

A list of numbers, or of such lists, stands for a tensor: float32, int64 or bool as its numbers are.
Everything else is passed on as it is. Numbers are written to at least four decimals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from ppolab.assessment.challenge_files import read_text
from ppolab.errors import InvalidSettingError

# Half a unit of the fourth decimal that an example is written to, and a few roundings of float32.
ABSOLUTE, RELATIVE = 1e-4, 1e-5


@dataclass(frozen=True)
class Example:
    """One visible case."""

    name: str
    args: tuple[Any, ...]  # as written; `to_value` makes tensors of lists
    expected: Any
    gradients: dict[int, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many numbers and texts it is made of."""
        return _leaves(self.args)


def read_examples(path: Path) -> tuple[Example, ...]:
    """Read the examples, from small to large; none where there is no such file."""
    if not path.is_file():
        return ()
    entries = yaml.safe_load(read_text(path))
    if not isinstance(entries, list):
        raise InvalidSettingError("examples.yaml", str(path), "is not a list", "Write `- name: …`")
    return tuple(sorted((_read(entry, path) for entry in entries), key=lambda one: one.size))


def _read(entry: object, path: Path) -> Example:
    known = {"name", "args", "expected", "gradients"}
    if not (
        isinstance(entry, dict)
        and {"name", "args", "expected"} <= set(entry) <= known
        and isinstance(entry["args"], list)
        and isinstance(entry.get("gradients", {}), dict)
    ):
        raise InvalidSettingError(
            "examples.yaml", entry, f"in {path} is no example", "Give name, args and expected"
        )
    return Example(
        str(entry["name"]), tuple(entry["args"]), entry["expected"], entry.get("gradients", {})
    )


def to_value(data: Any) -> Any:
    """Turn what is written into what is passed: lists of numbers become tensors."""
    if isinstance(data, list) and data and _numeric(data):
        tensor = torch.tensor(data)
        return tensor.float() if tensor.is_floating_point() else tensor
    if isinstance(data, list):
        return [to_value(item) for item in data]
    if isinstance(data, dict):
        return {key: to_value(item) for key, item in data.items()}
    return data


def matches(actual: Any, expected: Any) -> bool:
    """Say whether an answer is what is written, up to the written decimals."""
    if isinstance(actual, Tensor):
        actual = actual.tolist()
    if isinstance(expected, bool | str) or expected is None:
        return type(actual) is type(expected) and bool(actual == expected)
    if isinstance(expected, int | float):
        if isinstance(actual, bool) or not isinstance(actual, int | float):
            return False
        return math.isclose(actual, expected, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    if isinstance(expected, list):
        return (
            isinstance(actual, list | tuple)
            and len(actual) == len(expected)
            and all(matches(a, e) for a, e in zip(actual, expected, strict=True))
        )
    if isinstance(expected, dict) and isinstance(actual, dict):
        return set(actual) == set(expected) and all(
            matches(actual[key], value) for key, value in expected.items()
        )
    return False


def show(value: Any, limit: int = 400) -> str:
    """Write a value down for a learner: tensors as lists, numbers to six digits, cut if long."""
    text = _show(value.tolist() if isinstance(value, Tensor) else value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"


def _show(value: Any) -> str:
    if isinstance(value, Tensor):
        return _show(value.tolist())
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_show(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_show(item)}" for key, item in value.items()) + "}"
    return repr(value)


def _numeric(data: list[Any]) -> bool:
    return all(
        _numeric(item) if isinstance(item, list) else isinstance(item, int | float) for item in data
    )


def _leaves(data: Any) -> int:
    if isinstance(data, dict):
        return sum(_leaves(item) for item in data.values())
    if isinstance(data, list | tuple):
        return sum(_leaves(item) for item in data)
    return 1
