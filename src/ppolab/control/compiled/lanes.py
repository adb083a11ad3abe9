"""A vector register for compiled kernels: as many float32 as the processor takes at once.

A compiler that turns a loop over an array into vector instructions still writes the array back in
each round. A matrix product is quick only when its sums stay in registers for the whole inner
loop, so the product in `matrices` says in so many words what is in a register:

    total = spread(0.0)                          # every lane 0
    total = multiply_add(spread(a), load(b, j), total)  # lane by lane, one rounding
    store(c, j, total)
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

# 16 float32 fill an AVX-512 register, 8 an AVX one; elsewhere LLVM splits 8 into what there is.
LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_ALIGNMENT = 4  # bytes: rows may begin at any float32


class LanesType(types.Type):
    """Numba's type of a register of `LANES` float32."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes({LANES})")


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


_LANES = LanesType()


@intrinsic
def load(typing: Any, array: Any, start: Any) -> Any:
    """Read `LANES` numbers of a flat float32 array from `start` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature, arguments)
        return builder.load(pointer, align=_ALIGNMENT)

    return _LANES(array, start), generate


@intrinsic
def store(typing: Any, array: Any, start: Any, value: Any) -> Any:
    """Write a register to a flat float32 array from `start` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature, arguments)
        builder.store(arguments[2], pointer, align=_ALIGNMENT)
        return context.get_dummy_value()

    return types.void(array, start, _LANES), generate


@intrinsic
def spread(typing: Any, number: Any) -> Any:
    """Fill every lane with one float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        index = ir.Constant(ir.IntType(32), 0)
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, arguments[0], index)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(first, undefined, zeros)

    return _LANES(types.float32), generate


@intrinsic
def multiply_add(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a·b + c lane by lane, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        name = f"llvm.fma.v{LANES}f32"
        fma = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(fma, arguments)

    return _LANES(_LANES, _LANES, _LANES), generate


@intrinsic
def total(typing: Any, register: Any) -> Any:
    """The sum over all lanes: the upper half is added to the lower, until one number is left."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (value,) = arguments
        count = LANES
        while count > 1:
            count //= 2
            lower, upper = (
                ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(first, first + count)))
                for first in (0, count)
            )
            value = builder.fadd(
                builder.shuffle_vector(value, value, lower),
                builder.shuffle_vector(value, value, upper),
            )
        return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

    return types.float32(_LANES), generate


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.bitcast(builder.gep(array.data, [arguments[1]]), _VECTOR.as_pointer())
