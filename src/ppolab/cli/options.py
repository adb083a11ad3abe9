"""Reading a command's options from a dataclass."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import tyro

T = TypeVar("T")


def default_home() -> Path:
    """The folder of runs and progress: $PPOLAB_HOME, else ~/.ppolab."""
    return Path(os.environ.get("PPOLAB_HOME") or Path.home() / ".ppolab")


def parse(
    options: Callable[..., T], program: str, arguments: list[str], example: str, default: Any = None
) -> T:
    """Read options; --help shows their documentation and an example."""
    description = f"{(options.__doc__ or '').strip()}\n\nExample:  {example}"
    kwargs = {} if default is None else {"default": default}
    return tyro.cli(
        options,
        prog=f"ppolab {program}",
        args=arguments,
        description=description,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
        **kwargs,
    )
