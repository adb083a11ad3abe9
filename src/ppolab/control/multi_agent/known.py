"""Environments of several agents by name: ours, those that were registered, and PettingZoo's."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from typing import Any

from ppolab.control.multi_agent.guide import Guide
from ppolab.control.multi_agent.interface import ParallelEnvironment
from ppolab.control.packages import require_package
from ppolab.errors import InvalidSettingError, UnknownNameError

MULTI = "multi/"  # before the names of ours and of registered ones
PETTINGZOO = "pettingzoo/"  # before a family and a name of PettingZoo's

Make = Callable[..., ParallelEnvironment]

# Families and where their modules lie. No others: a name may come from a request to the server, and
# must not choose what is imported.
_FAMILIES = {
    "mpe2": "mpe2",
    "butterfly": "pettingzoo.butterfly",
    "classic": "pettingzoo.classic",
    "sisl": "pettingzoo.sisl",
    "atari": "pettingzoo.atari",
}
_registered: dict[str, Make] = {f"{MULTI}Guide": Guide}


def is_multi_agent(environment_id: str) -> bool:
    """Whether a name is that of an environment of several agents."""
    return environment_id.startswith((MULTI, PETTINGZOO))


def register(environment_id: str, make: Make) -> None:
    """Give an environment a name, for this process, as Gymnasium's `register` does.

    Args:
        environment_id: begins with "multi/".
        make: called for each copy with `render_mode`, None or "rgb_array", and with the run's
            `environment_options`.

    Raises:
        InvalidSettingError: another beginning.
    """
    if not environment_id.startswith(MULTI):
        raise InvalidSettingError(
            "environment", environment_id, "is no name for several agents",
            f"Begin it with {MULTI}",
        )  # fmt: skip
    _registered[environment_id] = make


def make_parallel(
    environment_id: str, options: Mapping[str, Any] | None = None, render_mode: str | None = None
) -> ParallelEnvironment:
    """Make one copy, with options of its own.

    Raises:
        UnknownNameError: nothing of that name.
        InvalidSettingError: it needs a package that is not installed, has no parallel form, or does
            not take these options.
    """
    make = _found(environment_id)
    try:
        return make(render_mode=render_mode, **(options or {}))
    except (TypeError, AssertionError) as error:
        if not options:
            raise
        raise InvalidSettingError(
            "environment_options", options, f"do not fit {environment_id}: {error}",
            "Give the names that the environment's own documentation lists",
        ) from error  # fmt: skip
    except ImportError as error:
        raise InvalidSettingError(
            "environment", environment_id, f"needs a package that is not installed: {error}",
            "Install that package",
        ) from error  # fmt: skip


def _found(environment_id: str) -> Make:
    if environment_id.startswith(PETTINGZOO):
        return _pettingzoo(environment_id)
    if environment_id not in _registered:
        mend = f"Known: {', '.join(sorted(_registered))}, and {PETTINGZOO}… with PettingZoo"
        raise UnknownNameError("environment", environment_id, sorted(_registered), mend)
    return _registered[environment_id]


def _pettingzoo(environment_id: str) -> Make:
    family, _, name = environment_id.removeprefix(PETTINGZOO).partition("/")
    if family not in _FAMILIES:
        known = [f"{PETTINGZOO}{family}/…" for family in _FAMILIES]
        raise UnknownNameError("environment", environment_id, known)
    package = _FAMILIES[family]
    require_package(package.partition(".")[0], "pettingzoo", environment_id)
    try:
        names = _modules(package)
        if name not in names:
            known = [f"{PETTINGZOO}{family}/{each}" for each in names]
            raise UnknownNameError("environment", environment_id, known)
        module: Any = importlib.import_module(f"{package}.{name}")
    except ImportError as error:
        raise InvalidSettingError(
            "environment", environment_id, f"needs a package that is not installed: {error}",
            f'Install what its family needs: pip install "pettingzoo[{family}]"',
        ) from error  # fmt: skip
    if not hasattr(module, "parallel_env"):
        raise InvalidSettingError(
            "environment", environment_id, "lets its agents act in turns, which is not covered",
            "Choose one with a parallel form, such as pettingzoo/mpe2/simple_spread_v3",
        )  # fmt: skip
    make: Make = module.parallel_env
    return make


def _modules(package: str) -> list[str]:
    """Names of a family's environments: its modules that carry a version."""
    path = importlib.import_module(package).__path__
    return sorted(
        module.name for module in pkgutil.iter_modules(path) if re.search(r"_v\d+$", module.name)
    )
