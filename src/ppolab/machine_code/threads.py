"""Kernels on the threads that PyTorch itself computes with.

Numba would start threads of its own. PyTorch's wait for work by spinning, so that on a machine with
as many cores as threads the two kinds take the cores from each other, and a call that should take
microseconds takes milliseconds. Here a kernel is handed to the threads of PyTorch's OpenMP library,
which are awake already.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding
import torch
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_PREFIX = "ppolab_"  # of the names under which compiled code finds OpenMP's functions
_WHOLE = ir.IntType(32)
_ADDRESS = ir.IntType(8).as_pointer()


def threads() -> int | None:
    """How many threads kernels may use: PyTorch's; None where they cannot share its threads.

    Call it before any kernel that uses `in_parts`, for it tells compiled code where OpenMP is.
    """
    return torch.get_num_threads() if _found_openmp() else None


@cache
def _found_openmp() -> bool:
    """Look for GNU's OpenMP among what PyTorch has loaded; there is none on macOS and Windows."""
    try:
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
        for name in ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads"):
            address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
            llvmlite.binding.add_symbol(_PREFIX + name, address)
    except (OSError, AttributeError):
        return False
    return True


@intrinsic(prefer_literal=False)
def in_parts(typing: Any, kernel: Any, parts: Any, arguments: Any) -> Any:
    """Call kernel(part, parts, *arguments) for each part, each in a thread if there are several.

    Args:
        typing: given by Numba.
        kernel: a compiled function that raises nothing and returns nothing.
        parts: how many; None for one, without any need of OpenMP.
        arguments: a tuple.
    """
    kernel_types = (types.intp, types.intp, *arguments.types)
    kernel.get_call_type(typing, kernel_types, {})  # compiles it

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        made = kernel.dispatcher.overloads[kernel_types]
        context.active_code_library.add_linking_library(made.library)
        count, pack = given[1], given[2]

        def call(builder: Any, part: Any, count: Any, pack: Any) -> None:
            items = [part, count, *cgutils.unpack_tuple(builder, pack)]
            context.call_internal_no_propagate(builder, made.fndesc, made.signature, items)

        number = context.get_value_type(types.intp)
        if isinstance(parts, types.NoneType):
            call(builder, number(0), number(1), pack)
            return context.get_dummy_value()
        alone = builder.icmp_signed("==", count, number(1))
        with builder.if_else(alone) as (then, otherwise):
            with then:
                call(builder, number(0), number(1), pack)
            with otherwise:
                _in_threads(builder, number, count, pack, call)
        return context.get_dummy_value()

    return types.void(kernel, parts, arguments), generate


def _in_threads(builder: Any, number: Any, count: Any, pack: Any, call: Any) -> None:
    """Let OpenMP's threads do the parts: one each, or more should it give fewer threads."""
    kind = ir.LiteralStructType([count.type, pack.type])
    slot = cgutils.alloca_once(builder, kind)
    for index, value in enumerate((count, pack)):
        builder.store(value, cgutils.gep_inbounds(builder, slot, 0, index))

    body = ir.Function(
        builder.module, ir.FunctionType(ir.VoidType(), [_ADDRESS]),
        builder.module.get_unique_name(f"{builder.function.name}.parts"),
    )  # fmt: skip
    body.linkage = "internal"
    inner = ir.IRBuilder(body.append_basic_block())
    shared = inner.bitcast(body.args[0], kind.as_pointer())
    own_count, own_pack = (
        inner.load(cgutils.gep_inbounds(inner, shared, 0, index)) for index in (0, 1)
    )
    asked = ir.FunctionType(_WHOLE, [])
    first, step = (
        inner.zext(inner.call(_openmp(builder.module, name, asked), []), number)
        for name in ("omp_get_thread_num", "omp_get_num_threads")
    )
    with cgutils.for_range_slice(inner, first, own_count, step, number) as (part, _):
        call(inner, part, own_count, own_pack)
    inner.ret_void()

    started = ir.FunctionType(ir.VoidType(), [body.type, _ADDRESS, _WHOLE, _WHOLE])
    builder.call(
        _openmp(builder.module, "GOMP_parallel", started),
        [body, builder.bitcast(slot, _ADDRESS), builder.trunc(count, _WHOLE), _WHOLE(0)],
    )


def _openmp(module: Any, name: str, kind: Any) -> Any:
    return cgutils.get_or_insert_function(module, kind, _PREFIX + name)
