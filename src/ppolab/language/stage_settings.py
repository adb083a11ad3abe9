"""A stage's settings from plain data, such as a run's folder, a file or a request holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from ppolab.errors import InvalidSettingError, UnknownNameError


def stage_from_mapping(stage: type[Any], data: Mapping[str, Any]) -> Any:
    """Build a stage's settings from plain data such as JSON, naming any that cannot be used.

    Raises:
        UnknownNameError: a setting that does not exist.
        InvalidSettingError: a value of the wrong type or out of range.
    """
    known = {f.name for f in dataclasses.fields(stage)}
    groups = {
        f.name: f.default_factory
        for f in dataclasses.fields(stage)
        if f.default_factory is not dataclasses.MISSING
    }
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name not in known:
            raise UnknownNameError("setting", name, sorted(known))
        grouped = name in groups
        values[name] = build(groups[name], name, value) if grouped else value
    return build(stage, "stage", values)


def build(settings: Any, name: str, values: Any) -> Any:
    """Settings from their values by name, each of the type that it should have.

    Args:
        settings: a dataclass.
        name: what the group is called in errors.
        values: what is given; the rest has its default.

    Raises:
        UnknownNameError: a setting that does not exist.
        InvalidSettingError: a value of the wrong type or out of range.
    """
    if not isinstance(values, Mapping):
        raise InvalidSettingError(name, values, "is not a group of settings", "Give a mapping")
    known = {f.name: f for f in dataclasses.fields(settings)}
    for key, value in values.items():
        if key not in known:
            raise UnknownNameError(f"{name} setting", key, sorted(known))
        words, fits = _wanted(str(known[key].type))
        if not fits(value):
            mend = f"Give {_MENDS.get(words, words)}"
            raise InvalidSettingError(key, value, f"is not {words}", mend)
    return settings(**values)


def _wanted(annotation: str) -> tuple[str, Callable[[Any], bool]]:
    """What a field's values are, in words, and whether a value is such."""
    if annotation.endswith(" | None"):
        words, fits = _wanted(annotation.removesuffix(" | None"))
        return words, lambda value: value is None or fits(value)
    if annotation.startswith("Literal"):
        return "text", lambda value: isinstance(value, str)
    return _TYPES.get(annotation, ("usable", lambda value: True))


_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "int": ("a whole number", lambda value: type(value) is int),
    "float": ("a number", lambda value: type(value) in (int, float)),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "str": ("text", lambda value: isinstance(value, str)),
}
_MENDS = {"a number": "a number such as 0.001; YAML takes 1e-3 for text"}
