"""Where a sweep may look: for each setting a range or a list of choices, read from short texts.

learning_rate=log:1e-5:1e-2     a range, on a logarithmic scale
clip_range=0.1:0.4              a range
environments=4:16:4             a range in steps: 4, 8, 12, 16
gamma=0.98,0.99,0.995           choices
target_kl=none,0.01,0.03        "none" for no value, where a setting allows it
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ppolab.control.config import PPOConfig
from ppolab.errors import InvalidSettingError, PPOLabError, UnknownNameError

FORMS = "Write choices such as 0.98,0.99 or a range such as log:1e-5:1e-2 or 0.1:0.4 or 4:16:4"

# What makes trials comparable must be the same in all of them.
FIXED = {
    "environment": "would be another task",
    "environment_options": "would be another task",
    "seed": "is chance; --seeds says how many are averaged",
    "total_steps": "is what every trial may spend",
    "stop_return": "comes from the metric",
}

# These must fit each other, so one of them alone may be impossible and all together possible.
_TOGETHER = ("environments", "rollout_steps", "minibatch_size")


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; `step` apart if given."""

    name: str
    low: float
    high: float
    whole: bool
    log: bool = False
    step: float | None = None

    def extremes(self) -> list[Any]:
        """The values at the ends."""
        return [self.low, self.high]


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    name: str
    values: tuple[Any, ...]

    def extremes(self) -> list[Any]:
        """All of them."""
        return list(self.values)


Dimension = Range | Choice


def read_space(base: PPOConfig, texts: Mapping[str, Any]) -> list[Dimension]:
    """Read a space and make sure that its ends can be used.

    Args:
        base: the settings that are not searched.
        texts: for each setting a text as above, or a list of choices.

    Raises:
        UnknownNameError: a setting that does not exist.
        InvalidSettingError: one that must stay, a text that cannot be read, or a value that the
            setting does not take.
    """
    if not texts:
        raise InvalidSettingError(
            "vary", None, "names no setting to search",
            "Write some, such as --vary learning_rate=log:1e-5:1e-2 gamma=0.98,0.99,0.995",
        )  # fmt: skip
    dimensions = [_dimension(name, text) for name, text in texts.items()]
    for dimension in dimensions:
        others = {one.name for one in dimensions} - {dimension.name}
        for value in dimension.extremes():
            _try(base, dimension.name, value, others)
    return dimensions


def from_arguments(arguments: Iterable[str]) -> dict[str, str]:
    """Texts by setting, from "NAME=TEXT" each."""
    texts: dict[str, str] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        name = name.replace("-", "_")
        if not equals or not text:
            raise InvalidSettingError("vary", argument, "is not NAME=VALUES", FORMS)
        if name in texts:
            raise InvalidSettingError("vary", name, "is given twice", "Give it once")
        texts[name] = text
    return texts


def from_file(path: Path) -> dict[str, Any]:
    """Texts or lists by setting, from a YAML file that maps each setting to one."""
    mend = f"Map each setting to its values in YAML, such as gamma: [0.98, 0.99]. {FORMS}"
    try:
        texts = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidSettingError(
            "space", str(path), f"cannot be read ({error.strerror})", mend
        ) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidSettingError("space", str(path), "is not YAML", mend) from error
    if not isinstance(texts, dict) or not all(isinstance(name, str) for name in texts):
        raise InvalidSettingError("space", str(path), "is no list of settings", mend)
    return texts


def _dimension(name: str, text: Any) -> Dimension:
    kinds = {field.name: str(field.type) for field in dataclasses.fields(PPOConfig)}
    if name not in kinds:
        raise UnknownNameError("vary", name, sorted(kinds.keys() - FIXED.keys()))
    if name in FIXED:
        raise InvalidSettingError("vary", name, FIXED[name], "Search other settings")
    if isinstance(text, list):
        values = [_value(name, one, kinds[name]) if isinstance(one, str) else one for one in text]
        return _choice(name, values, text)
    if not isinstance(text, str):
        return _choice(name, [text], text)
    if ":" in text:
        return _range(name, text, kinds[name])
    return _choice(name, [_value(name, word, kinds[name]) for word in text.split(",")], text)


def _choice(name: str, values: list[Any], text: Any) -> Choice:
    plain = all(isinstance(one, (str, int, float, bool)) or one is None for one in values)
    if not values or not plain:
        raise InvalidSettingError(name, text, "is no list of choices", FORMS)
    if len(set(map(repr, values))) < len(values):
        raise InvalidSettingError(name, text, "names one twice", "Name each once")
    return Choice(name, tuple(values))


def _range(name: str, text: str, kind: str) -> Range:
    log, words = text.startswith("log:"), text.removeprefix("log:").split(":")
    whole = kind.startswith("int")
    if not (whole or kind.startswith("float")):
        raise InvalidSettingError(name, text, "is a range, and the setting has no order", FORMS)
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 3) or not all(map(math.isfinite, numbers)):
        raise InvalidSettingError(name, text, "cannot be read as a range", FORMS)
    if whole and any(number != int(number) for number in numbers):
        raise InvalidSettingError(name, text, "holds parts of whole numbers", "Give whole numbers")
    low, high, step = *numbers[:2], numbers[2] if len(numbers) == 3 else None
    if low >= high:
        raise InvalidSettingError(name, text, "begins at or above its end", "Give the less first")
    if log and low <= 0:
        raise InvalidSettingError(
            name, text, "is logarithmic and begins at or below 0", "Begin above 0, or leave log out"
        )
    if step is not None and (log or step <= 0):
        raise InvalidSettingError(
            name, text, "has a step that cannot be used",
            "Give one above 0, and none to a logarithmic range",
        )  # fmt: skip
    return Range(name, low, high, whole, log, step)


def _value(name: str, word: str, kind: str) -> Any:
    """A word as a value of the setting's kind; what the setting makes of it is seen later."""
    word = word.strip()
    if word.lower() in ("none", "null") and "None" in kind:
        return None
    if kind.startswith("bool") and word.lower() in ("true", "false"):
        return word.lower() == "true"
    if kind.startswith(("int", "float")):
        try:
            number = float(word)
        except ValueError:
            raise InvalidSettingError(name, word, "is not a number", FORMS) from None
        return int(number) if kind.startswith("int") and number == int(number) else number
    return word


def _try(base: PPOConfig, name: str, value: Any, others: set[str]) -> None:
    """Make sure that a value can be used, unless others that are searched too decide that."""
    try:
        PPOConfig.from_mapping(base.to_mapping() | {name: value})
    except PPOLabError as error:
        together = name in _TOGETHER and others.intersection(_TOGETHER)
        if not (together and error.field in (*_TOGETHER, "total_steps")):
            raise
