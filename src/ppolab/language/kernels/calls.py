"""How torch's tensors reach the kernels."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ppolab.machine_code.jit import is_on_disk
from ppolab.machine_code.threads import threads

_WORTH_SHARING = 1 << 14  # numbers, which take a kernel some ten microseconds


def flat(tensor: Tensor) -> NDArray[Any]:
    """A contiguous tensor's own memory as one row; bfloat16, which NumPy lacks, as int16.

    Call it where autograd is off, as it is inside of `torch.autograd.Function`.
    """
    tensor = tensor.view(-1)
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.int16)
    array: NDArray[Any] = tensor.numpy()
    return array


def float32_sums(width: int) -> Tensor:
    """Room for the sums of each part, [parts, width]."""
    return torch.zeros(threads() or 1, width)


def share(kernel: Any, *arguments: Any) -> None:
    """Call a kernel, in PyTorch's threads if its first argument, an array, is worth waking them."""
    parts = threads()
    if parts is not None and arguments[0].size < _WORTH_SHARING:
        parts = 1
    if not kernel.overloads and not is_on_disk(kernel, parts, *arguments):
        _announce()
    kernel(parts, *arguments)


@cache
def _announce() -> None:
    """Say once why nothing moves for a while."""
    print("Compiling for this processor, once: some ten seconds …", file=sys.stderr, flush=True)
