from __future__ import annotations

import contextlib
import json
import math
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ppolab.sandbox.inside import codec
from ppolab.sandbox.inside.codec import ProtocolError


def decode_frame(frame: bytes) -> object:
    tree, blob = codec.frame_lengths(frame[:8])
    assert len(frame) == 8 + tree + blob
    return codec.decode(frame[8 : 8 + tree], frame[8 + tree :], torch.from_numpy)


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values)
@settings(max_examples=200, deadline=None)
def test_a_value_comes_back_as_it_was_sent(value: object) -> None:
    assert decode_frame(codec.encode(value)) == value


def test_the_bytes_of_a_frame_are_those_of_its_specification() -> None:
    frame = codec.encode({"x": torch.tensor([1.0, 2.0])})
    tree = b'{"$dict": [["x", {"$tensor": ["float32", [2]]}]]}'
    blob = b"\x00\x00\x80\x3f\x00\x00\x00\x40"  # 1 and 2 as little-endian IEEE singles
    assert frame == struct.pack(">II", len(tree), len(blob)) + tree + blob


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int64", "float16", "float64"])
def test_arrays_and_tensors_keep_dtype_shape_and_content(dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    back_array, back_tensor = decode_frame(codec.encode([array, torch.from_numpy(array)]))
    assert isinstance(back_array, np.ndarray)
    assert back_array.dtype == dtype
    assert np.array_equal(back_array, array)
    assert isinstance(back_tensor, torch.Tensor)
    assert np.array_equal(back_tensor.numpy(), array)


def test_numbers_that_are_not_finite_travel() -> None:
    nan, low, high = decode_frame(codec.encode([math.nan, -math.inf, math.inf]))
    assert math.isnan(nan)
    assert (low, high) == (-math.inf, math.inf)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1: 2},
        2**63,
        torch.zeros(2, dtype=torch.bfloat16),
        np.array(["text"]),
        np.array([object()]),
        lambda: None,
        [np.zeros(1)] * 257,
    ],
)
def test_a_value_that_cannot_travel_is_refused_when_it_is_sent(value: object) -> None:
    with pytest.raises(ProtocolError):
        codec.encode(value)


HOSTILE_TREES = {
    "no JSON": b"{",
    "not UTF-8": b"\xff\xfe\xfa",
    "deep nesting": b"[" * 100_000 + b"]" * 100_000,
    "nesting past the limit": b"[" * 20 + b"]" * 20,
    "a very long integer": b"9" * 5000,
    "a large integer": b"18446744073709551616",
    "an overflowing float": b"1e999",
    "bare NaN": b"NaN",
    "an unknown tag": b'{"$pickle": "gASV"}',
    "two tags": b'{"$tuple": [], "$float": "nan"}',
    "a dtype with objects": b'{"$array": ["object", [1]]}',
    "a dtype that is a list": b'{"$array": [["float32"], [1]]}',
    "a negative side": b'{"$array": ["uint8", [-1]]}',
    "a side that is true": b'{"$array": ["uint8", [true]]}',
    "more sides than allowed": b'{"$array": ["uint8", [1,1,1,1,1,1,1,1,1]]}',
    "more bytes than there are": b'{"$array": ["float64", [1000000]]}',
    "a product that overflows": b'{"$array": ["uint8", [2147483647, 2147483647, 2147483647, 0]]}',
    "a dict with a number as key": b'{"$dict": [[1, 2]]}',
    "a dict entry of three": b'{"$dict": [["a", 1, 2]]}',
    "a float that is a list": b'{"$float": ["nan"]}',
}


@pytest.mark.parametrize("name", HOSTILE_TREES)
def test_hostile_trees_raise_the_one_error(name: str) -> None:
    with pytest.raises(ProtocolError):
        codec.decode(HOSTILE_TREES[name], b"", torch.from_numpy)


def test_bytes_that_belong_to_no_array_are_refused() -> None:
    with pytest.raises(ProtocolError, match="belong to no array"):
        codec.decode(b"1", b"abc")


def test_a_frame_longer_than_the_limits_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProtocolError, match="limit"):
        codec.frame_lengths(struct.pack(">II", (1 << 20) + 1, 0))
    with pytest.raises(ProtocolError, match="limit"):
        codec.frame_lengths(struct.pack(">II", 0, (32 << 20) + 1))
    assert codec.frame_lengths(struct.pack(">II", 1 << 20, 32 << 20)) == (1 << 20, 32 << 20)


def test_bool_bytes_become_true_or_false_whatever_they_were() -> None:
    array = codec.decode(b'{"$array": ["bool", [3]]}', b"\x00\x01\x7f")
    assert array.tolist() == [False, True, True]
    assert array.view("uint8").tolist() == [0, 1, 1]


json_like = st.recursive(
    scalars | st.sampled_from(["float32", "bool", "nan", "$tensor"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["$dict", "$tuple", "$float", "$array", "$tensor", "other"]),
            inner | st.tuples(st.sampled_from(list(codec.ITEM_BYTES)), st.lists(st.integers())),
            max_size=2,
        )
    ),
    max_leaves=30,
)


@given(json_like, st.binary(max_size=64))
@settings(max_examples=400, deadline=None)
def test_any_tree_decodes_or_raises_the_one_error(tree: object, blob: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        codec.decode(json.dumps(tree).encode(), blob, torch.from_numpy)


@given(st.binary(max_size=200), st.binary(max_size=64))
@settings(max_examples=400, deadline=None)
def test_any_bytes_decode_or_raise_the_one_error(tree: bytes, blob: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        codec.decode(tree, blob, torch.from_numpy)
