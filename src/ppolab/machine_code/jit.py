"""How kernels are compiled, and how their machine code is kept on disk."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

# Numba's `fastmath` lets the compiler bend IEEE arithmetic. No kernel is compiled with it. The
# flags that assume there is no NaN would hide a run that diverged. Leave to take sums in another
# order would let one kernel give different bits in the process that compiles it and in those that
# load it from disk: functions that kernels share exist in several copies, each optimised where it
# stood, and which copy is called depends on what was loaded before. Sums that must be quick name
# their order by `lanes`.


def compiled(parallel: bool = False) -> Callable[[Function], Function]:
    """Compile a function with Numba at its first call, and keep the result on disk.

    Kernels release the GIL, check no bounds and divide by zero as IEEE 754 says.

    Numba renews a function's file on disk when the module it stands in changes. Our kernels call
    others across modules, so here every kernel is renewed when any module of its package changes.
    """

    def decorate(function: Function) -> Function:
        options: dict[str, Any] = {
            "nogil": True, "boundscheck": False, "error_model": "numpy", "parallel": parallel,
        }  # fmt: skip
        try:
            kernel: Any = numba.njit(cache=True, **options)(function)
            kernel._cache._cache_file._source_stamp = _fingerprint(function)
        except RuntimeError:  # neither beside the source nor at home may files be written
            kernel = numba.njit(**options)(function)
        return cast(Function, kernel)

    return decorate


def is_on_disk(kernel: Any, *arguments: Any) -> bool:
    """Whether machine code for arguments of these types is loaded, or waits on disk."""
    type_of: Any = numba.typeof
    signature = tuple(type_of(argument) for argument in arguments)
    if signature in kernel.overloads:
        return True
    cache = kernel._cache
    if not hasattr(cache, "_cache_file"):
        return False
    key = cache._index_key(signature, kernel.targetctx.codegen())
    return bool(key in cache._cache_file._load_index())


def _fingerprint(function: Callable[..., Any]) -> str:
    """A digest of every module with kernels: those of the function's own package, and these."""
    return _digest(Path(function.__code__.co_filename).parent)


@functools.cache
def _digest(folder: Path) -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for path in [*sorted(Path(__file__).parent.glob("*.py")), *sorted(folder.glob("*.py"))]:
        if path.name not in ("__init__.py", "backend.py", "bridge.py"):
            digest.update(path.read_bytes())
    return digest.hexdigest()
