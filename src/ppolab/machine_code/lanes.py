"""A vector register for compiled kernels: as many float32 as the processor takes at once.

A compiler that turns a loop over an array into vector instructions still writes the array back in
each round. A matrix product is quick only when its sums stay in registers for the whole inner
loop, so the product in `matrices` says in so many words what is in a register:

    total = spread(0.0)                          # every lane 0
    total = multiply_add(spread(a), load(b, j), total)  # lane by lane, one rounding
    store(c, j, total)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

# 16 float32 fill an AVX-512 register, 8 an AVX one; elsewhere LLVM splits 8 into what there is.
LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_BITS = ir.VectorType(ir.IntType(32), LANES)
_HALVES = ir.VectorType(ir.IntType(16), LANES)  # bfloat16: the upper half of a float32
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
    """Read `LANES` numbers of a flat array from `start` on: float32, or bfloat16 seen as int16."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        half = _is_bfloat16(signature.args[0])
        kind = _HALVES if half else _VECTOR
        pointer = _pointer(context, builder, signature, arguments, kind)
        value = builder.load(pointer, align=2 if half else _ALIGNMENT)
        if not half:
            return value
        wide = builder.shl(builder.zext(value, _BITS), _every(16))
        return builder.bitcast(wide, _VECTOR)

    return _LANES(array, start), generate


@intrinsic
def store(typing: Any, array: Any, start: Any, value: Any) -> Any:
    """Write a register to a flat array from `start` on: float32, or bfloat16 seen as int16.

    To bfloat16 it is rounded to the nearest, and to the even of two that are as near. The NaNs
    that arithmetic makes stay NaNs.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        half = _is_bfloat16(signature.args[0])
        kind = _HALVES if half else _VECTOR
        pointer = _pointer(context, builder, signature, arguments, kind)
        value = arguments[2]
        if half:
            bits = builder.bitcast(value, _BITS)
            odd = builder.and_(builder.lshr(bits, _every(16)), _every(1))
            bits = builder.add(builder.add(bits, _every(0x7FFF)), odd)
            value = builder.trunc(builder.lshr(bits, _every(16)), _HALVES)
        builder.store(value, pointer, align=2 if half else _ALIGNMENT)
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


def _lane_by_lane(operation: Callable[[Any, Any, Any], Any], description: str) -> Any:
    """An intrinsic that takes two registers and gives the operation's result in each lane."""

    def instruction(typing: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return operation(builder, *arguments)

        return _LANES(_LANES, _LANES), generate

    instruction.__doc__ = description
    return intrinsic(instruction)


def _larger(builder: Any, a: Any, b: Any) -> Any:
    # A NaN in `a` stays: nothing is larger than it, and it is not smaller than anything.
    return builder.select(builder.fcmp_ordered("<", a, b), b, a)


add = _lane_by_lane(lambda builder, a, b: builder.fadd(a, b), "a + b.")
subtract = _lane_by_lane(lambda builder, a, b: builder.fsub(a, b), "a − b.")
multiply = _lane_by_lane(lambda builder, a, b: builder.fmul(a, b), "a·b.")
divide = _lane_by_lane(lambda builder, a, b: builder.fdiv(a, b), "a / b.")
larger = _lane_by_lane(_larger, "The larger of a and b; a where that is no number.")


@intrinsic
def exponential(typing: Any, x: Any) -> Any:
    """e to the power of each lane, to within 2 units in the last place; at least e^-87.

    With n the whole number next to x / ln 2, e^x = 2^n·e^r, and e^r for |r| ≤ ln 2 / 2 is its
    Taylor polynomial of degree 7. A NaN stays NaN; from 88 on the result is that of 88.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def constant(value: float) -> Any:
            return ir.Constant(_VECTOR, [value] * LANES)

        def call(name: str, *given: Any) -> Any:
            kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(given))
            full = f"llvm.{name}.v{LANES}f32"
            return builder.call(cgutils.get_or_insert_function(builder.module, kind, full), given)

        (x,) = arguments
        x = builder.select(builder.fcmp_ordered(">", x, constant(88.0)), constant(88.0), x)
        x = builder.select(builder.fcmp_ordered("<", x, constant(-87.0)), constant(-87.0), x)
        whole = call("rint", builder.fmul(x, constant(1.4426950408889634)))
        # ln 2 in two parts, the first with so few digits that its product with n is exact.
        rest = call("fma", whole, constant(-0.693359375), x)
        rest = call("fma", whole, constant(2.12194440e-4), rest)
        result = constant(1 / 5040)
        for factorial in (720, 120, 24, 6, 2, 1, 1):
            result = call("fma", result, rest, constant(1 / factorial))
        power = builder.shl(builder.fptosi(whole, _BITS), _every(23))
        return builder.bitcast(builder.add(builder.bitcast(result, _BITS), power), _VECTOR)

    return _LANES(_LANES), generate


@intrinsic
def largest(typing: Any, register: Any) -> Any:
    """The largest of all lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _halve(builder, arguments[0], _larger)

    return types.float32(_LANES), generate


@intrinsic
def total(typing: Any, register: Any) -> Any:
    """The sum over all lanes: the upper half is added to the lower, until one number is left."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _halve(builder, arguments[0], lambda builder, a, b: builder.fadd(a, b))

    return types.float32(_LANES), generate


def _halve(builder: Any, value: Any, join: Callable[[Any, Any, Any], Any]) -> Any:
    """Join the upper half of the lanes to the lower, until one number is left."""
    count = LANES
    while count > 1:
        count //= 2
        lower, upper = (
            ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(first, first + count)))
            for first in (0, count)
        )
        value = join(
            builder,
            builder.shuffle_vector(value, value, lower),
            builder.shuffle_vector(value, value, upper),
        )
    return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


def _is_bfloat16(array: Any) -> bool:
    return bool(array.dtype == types.int16)


def _every(value: int) -> Any:
    """The same whole number in every lane."""
    return ir.Constant(_BITS, [value] * LANES)


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any, kind: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.bitcast(builder.gep(array.data, [arguments[1]]), kind.as_pointer())
