"""What a command says: words for people on standard error or output, JSON on the last line."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from ppolab.errors import PPOLabError


@dataclass(frozen=True)
class Output:
    """Where a command's words go."""

    json: bool = False

    @property
    def console(self) -> Console:
        """For people: standard output, or standard error when JSON is wanted there."""
        return Console(stderr=self.json, highlight=False)

    def result(self, data: dict[str, Any]) -> None:
        """Print the JSON object, when it was asked for."""
        if self.json:
            print(json.dumps(_plain(data)), flush=True)

    def error(self, error: PPOLabError) -> int:
        """Say what is wrong and how to mend it; return the exit code."""
        return self.error_words(
            str(error), field=error.field, value=str(error.value), mend=error.mend
        )

    def error_words(self, words: str, **details: str) -> int:
        """Say what is wrong; return the exit code."""
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"ppolab: {words}", markup=False
        )
        self.result({"error": words, **details})
        return 2


def _plain(value: Any) -> Any:
    """Make a value fit for JSON: NaN has no word there, so it becomes null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
