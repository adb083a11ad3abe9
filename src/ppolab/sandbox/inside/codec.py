"""Frames: how values travel between the judge and a box, in a form that can carry no code.

A frame is two big-endian 32-bit lengths, a JSON tree, and the raw bytes of its arrays one after
another. Whatever JSON cannot hold is an object with a single key:

- `{"$dict": [[key, value], …]}`   a dict with string keys
- `{"$tuple": […]}`                a tuple
- `{"$float": "nan"}`              also "inf" and "-inf"
- `{"$array": [dtype, shape]}`     a NumPy array; its bytes are the next ones of the blob
- `{"$tensor": [dtype, shape]}`    the same for a tensor

Decoding hostile bytes returns a value or raises `ProtocolError`, and nothing else.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

ITEM_BYTES = {
    "bool": 1,
    "uint8": 1,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "float16": 2,
    "float32": 4,
    "float64": 8,
}
NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

PREFIX = struct.Struct(">II")
MAX_TREE_BYTES = 1 << 20
MAX_BLOB_BYTES = 32 << 20
MAX_DEPTH = 16
MAX_ARRAYS = 256
MAX_DIMENSIONS = 8
MAX_SIDE = 1 << 31
MAX_INTEGER = 1 << 63


class ProtocolError(Exception):
    """Bytes that are no frame, or a value that no frame can carry."""


def encode(value: Any) -> bytes:
    """Turn a value into a frame. Raises `ProtocolError` naming the type that cannot travel."""
    arrays: list[bytes] = []
    tree = json.dumps(_to_tree(value, arrays, 0), allow_nan=False).encode()
    blob = b"".join(arrays)
    if len(tree) > MAX_TREE_BYTES or len(blob) > MAX_BLOB_BYTES or len(arrays) > MAX_ARRAYS:
        raise ProtocolError(
            f"too large to send: {len(tree)} bytes of structure and {len(blob)} bytes in "
            f"{len(arrays)} arrays"
        )
    return PREFIX.pack(len(tree), len(blob)) + tree + blob


def frame_lengths(prefix: bytes) -> tuple[int, int]:
    """Read the lengths of tree and blob, refusing what passes the limits."""
    tree, blob = PREFIX.unpack(prefix)
    if tree > MAX_TREE_BYTES or blob > MAX_BLOB_BYTES:
        raise ProtocolError(f"a frame of {tree} + {blob} bytes passes the limit")
    return tree, blob


def decode(
    tree: bytes, blob: bytes, make_tensor: Callable[[np.ndarray[Any, Any]], Any] | None = None
) -> Any:
    """Turn the two parts of a frame back into a value.

    `make_tensor` turns an array into a tensor; without it tensors arrive as NumPy arrays.
    """
    try:
        parsed = json.loads(tree, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {type(error).__name__}") from None
    reader = _Reader(blob, make_tensor)
    value = reader.value(parsed, 0)
    if reader.position != len(blob):
        raise ProtocolError(f"{len(blob) - reader.position} bytes belong to no array")
    return value


def _to_tree(value: Any, arrays: list[bytes], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ProtocolError(f"nested deeper than {MAX_DEPTH}")
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if kind is int:
        if not -MAX_INTEGER <= value < MAX_INTEGER:
            raise ProtocolError("an int of more than 64 bits")
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    if kind is list:
        return [_to_tree(item, arrays, depth + 1) for item in value]
    if kind is tuple:
        return {"$tuple": [_to_tree(item, arrays, depth + 1) for item in value]}
    if kind is dict:
        if not all(type(key) is str for key in value):
            raise ProtocolError("a dict whose keys are not all strings")
        pairs = [[key, _to_tree(item, arrays, depth + 1)] for key, item in value.items()]
        return {"$dict": pairs}
    if isinstance(value, np.generic):
        return _to_tree(value.item(), arrays, depth)
    if isinstance(value, np.ndarray):
        return {"$array": _describe(value, arrays)}
    if hasattr(value, "detach") and kind.__module__.startswith("torch"):
        tensor = value.detach().cpu()
        if str(tensor.dtype).removeprefix("torch.") not in ITEM_BYTES:
            raise ProtocolError(f"a tensor of dtype {tensor.dtype}")
        return {"$tensor": _describe(tensor.resolve_conj().resolve_neg().numpy(), arrays)}
    raise ProtocolError(f"a value of type {kind.__name__}")


def _describe(array: np.ndarray[Any, Any], arrays: list[bytes]) -> list[Any]:
    if array.dtype.name not in ITEM_BYTES:
        raise ProtocolError(f"an array of dtype {array.dtype}")
    if array.ndim > MAX_DIMENSIONS:
        raise ProtocolError(f"an array of {array.ndim} dimensions")
    arrays.append(np.ascontiguousarray(array).tobytes())
    return [array.dtype.name, list(array.shape)]


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class _Reader:
    """Walks a parsed tree, taking array bytes from the blob in order."""

    def __init__(
        self, blob: bytes, make_tensor: Callable[[np.ndarray[Any, Any]], Any] | None
    ) -> None:
        self.blob = blob
        self.make_tensor = make_tensor
        self.position = 0
        self.arrays = 0

    def value(self, tree: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ProtocolError(f"nested deeper than {MAX_DEPTH}")
        if tree is None or isinstance(tree, bool | str):
            return tree
        if isinstance(tree, int):
            if not -MAX_INTEGER <= tree < MAX_INTEGER:
                raise ProtocolError("an int of more than 64 bits")
            return tree
        if isinstance(tree, float):
            if not math.isfinite(tree):  # JSON's 1e999 reads as infinity
                raise ProtocolError("a number too large for a float")
            return tree
        if isinstance(tree, list):
            return [self.value(item, depth + 1) for item in tree]
        if isinstance(tree, dict) and len(tree) == 1:
            ((tag, content),) = tree.items()
            return self.tagged(tag, content, depth)
        raise ProtocolError("an object without a known tag")

    def tagged(self, tag: str, content: Any, depth: int) -> Any:
        if tag == "$float" and isinstance(content, str) and content in NON_FINITE:
            return NON_FINITE[content]
        if tag == "$tuple" and isinstance(content, list):
            return tuple(self.value(item, depth + 1) for item in content)
        if tag == "$dict" and isinstance(content, list):
            return dict(self.pair(pair, depth) for pair in content)
        if tag == "$array":
            return self.array(content)
        if tag == "$tensor":
            array = self.array(content)
            return self.make_tensor(array) if self.make_tensor else array
        raise ProtocolError("an object without a known tag")

    def pair(self, pair: Any, depth: int) -> tuple[str, Any]:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise ProtocolError("a dict entry that is no pair of key and value")
        return pair[0], self.value(pair[1], depth + 1)

    def array(self, header: Any) -> np.ndarray[Any, Any]:
        """Copy the next array out of the blob, after checking that its bytes are all there."""
        if not (isinstance(header, list) and len(header) == 2):
            raise ProtocolError("an array without dtype and shape")
        dtype, shape = header
        if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
            raise ProtocolError("an array of a dtype that is not allowed")
        if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS:
            raise ProtocolError("an array of a shape that is not allowed")
        if not all(type(side) is int and 0 <= side < MAX_SIDE for side in shape):
            raise ProtocolError("an array of a shape that is not allowed")
        self.arrays += 1
        if self.arrays > MAX_ARRAYS:
            raise ProtocolError(f"more than {MAX_ARRAYS} arrays")
        count = math.prod(shape)
        end = self.position + count * ITEM_BYTES[dtype]
        if end > len(self.blob):
            raise ProtocolError("an array larger than its bytes")
        raw = np.frombuffer(
            self.blob[self.position : end], dtype="uint8" if dtype == "bool" else dtype
        )
        self.position = end
        # A bool byte other than 0 or 1 would be undefined behaviour later on.
        flat = raw != 0 if dtype == "bool" else raw.copy()
        try:
            return flat.reshape(shape)
        except ValueError:  # sides whose product overflows although one of them is 0
            raise ProtocolError("an array of a shape that is not allowed") from None
