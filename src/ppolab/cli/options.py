"""Reading a command's options from a dataclass."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar, cast

import tyro

from ppolab.control.config import PPOConfig
from ppolab.control.presets import Preset, load_preset, preset_names, read_preset
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


def settings_to_start_from(arguments: list[str]) -> tuple[list[str], Preset | None]:
    """Let the environment come first, and find the preset before options are read.

    Returns:
        The arguments with "--environment" written out, and the preset that was asked for by name
        or file, else the first one made for that environment; None for the bare defaults.
    """
    if arguments and not arguments[0].startswith("-"):
        arguments = ["--environment", *arguments]
    asked = value_of("--preset", arguments)
    if asked is not None and asked.endswith((".yaml", ".yml")):
        return arguments, read_preset(Path(asked))
    if asked is not None:
        return arguments, None if asked == "none" else load_preset(asked)
    environment = value_of("--environment", arguments) or PPOConfig().environment
    fitting = [n for n in preset_names() if load_preset(n).config.environment == environment]
    name = min(fitting, key=len, default=None)
    return arguments, None if name is None else load_preset(name)


def value_of(option: str, arguments: list[str]) -> str | None:
    """What was written after an option, before all options are read; None: it was not given."""
    for position, argument in enumerate(arguments):
        if argument == option:
            if position + 1 == len(arguments):
                raise InvalidSettingError(option, None, "has no value", "Write one after it")
            return arguments[position + 1]
        if argument.startswith(f"{option}="):
            return argument.removeprefix(f"{option}=")
    return None


def _sentence(box: str) -> str:
    """What the parser drew as a box, as one line without the box and its last hint."""
    frame = set("╭╮╰╯─│+-| ")
    lines = [line.strip("│| ") for line in box.splitlines() if not frame.issuperset(line)]
    if lines and lines[0].startswith(("╭", "+")):  # the box's title only names the kind of error
        lines = lines[1:]
    words = [line for line in lines if not line.startswith("For full helptext")]
    return "; ".join(words).rstrip(".") or "the parser gave no reason"
