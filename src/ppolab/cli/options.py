"""Reading a command's options from a dataclass."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar, cast

import tyro

from ppolab.errors import InvalidSettingError

T = TypeVar("T")


def default_home() -> Path:
    """The folder of runs and progress: $PPOLAB_HOME, else ~/.ppolab."""
    return Path(os.environ.get("PPOLAB_HOME") or Path.home() / ".ppolab")


def parse(
    options: Callable[..., T], program: str, arguments: list[str], example: str, default: Any = None
) -> T:
    """Read options; --help shows their documentation and an example.

    Raises:
        InvalidSettingError: an option is unknown, lacks a value or has one that cannot be read.
    """
    description = f"{(options.__doc__ or '').strip()}\n\nExample:  {example}"
    kwargs = {} if default is None else {"default": default}
    said = StringIO()
    try:
        with redirect_stderr(said):
            parsed = tyro.cli(
                options,
                prog=f"ppolab {program}",
                args=arguments,
                description=description,
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
                **kwargs,
            )
    except SystemExit as end:
        if not end.code:  # --help
            raise
        raise InvalidSettingError(
            "options", " ".join(arguments), f"cannot be read: {_sentence(said.getvalue())}",
            f"`ppolab {program} --help` lists the options. Example: {example}",
        ) from None  # fmt: skip
    return cast(T, parsed)


def _sentence(box: str) -> str:
    """What the parser drew as a box, as one line without the box and its last hint."""
    frame = set("╭╮╰╯─│+-| ")
    lines = [line.strip("│| ") for line in box.splitlines() if not frame.issuperset(line)]
    if lines and lines[0].startswith(("╭", "+")):  # the box's title only names the kind of error
        lines = lines[1:]
    words = [line for line in lines if not line.startswith("For full helptext")]
    return "; ".join(words).rstrip(".") or "the parser gave no reason"
