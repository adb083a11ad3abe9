"""Reads a submitted configuration: plain data, within limits, and nothing that could run."""

from __future__ import annotations

from typing import Any

import yaml

MAX_DEPTH = 12
MAX_NODES = 5000


class UnreadableConfigurationError(Exception):
    """The text is no configuration; the message says why, and in which line."""


class _PlainLoader(yaml.SafeLoader):
    """YAML without references: one line of them could stand for more than memory holds."""

    depth = 0
    nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
            raise UnreadableConfigurationError(f"line {line}: write the value out, without *")
        self.depth += 1
        self.nodes += 1
        if self.depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise UnreadableConfigurationError("it is nested too deeply or too long")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read_configuration(source: str) -> Any:
    """The data of a submitted YAML text. Raises `UnreadableConfigurationError`."""
    try:
        return yaml.load(source, _PlainLoader)
    except UnreadableConfigurationError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        raise UnreadableConfigurationError(f"{where}{problem}") from None
