"""What this machine computes quickest."""

from __future__ import annotations

import os
import time
from functools import cache

import torch
from torch import Tensor

_SIZE = 768  # of the square matrices multiplied; a product takes a few milliseconds
_WORTHWHILE = 1.3  # times as fast as float32, for the rounding to be worth it


@cache
def quick_dtype() -> torch.dtype:
    """bfloat16 where this CPU or GPU multiplies in it clearly faster than in float32, measured.

    Takes about 50 milliseconds the first time. A CPU without instructions for bfloat16 emulates it,
    several times slower than float32.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    seconds = {dtype: _seconds(dtype, device) for dtype in (torch.float32, torch.bfloat16)}
    gain = seconds[torch.float32] / seconds[torch.bfloat16]
    return torch.bfloat16 if gain > _WORTHWHILE else torch.float32


def dtype_of(setting: str) -> torch.dtype:
    """The type that a setting of "auto", "float32" or "bfloat16" stands for here."""
    return quick_dtype() if setting == "auto" else getattr(torch, setting)


def kernels_serve(x: Tensor, weights: Tensor, *sizes: int) -> bool:
    """Whether the compiled kernels of `ppolab.language.kernels` can take a tensor's arithmetic.

    They work on a CPU, in float32 and bfloat16, on rows that fill the processor's registers.
    `PPOLAB_KERNELS=off` in the environment leaves everything to PyTorch.

    Args:
        x: what is computed with.
        weights: that x is multiplied by; in autocast they may differ in type.
        sizes: of rows, in numbers.
    """
    if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.bfloat16):
        return False
    if weights.dtype != x.dtype or type(weights) not in (Tensor, torch.nn.Parameter):
        return False
    if torch.is_autocast_enabled("cpu") or os.environ.get("PPOLAB_KERNELS") == "off":
        return False
    return all(size % _lanes() == 0 for size in sizes)


@cache
def _lanes() -> int:
    from ppolab.machine_code.lanes import LANES  # imports a compiler, which takes a moment

    return LANES


def _seconds(dtype: torch.dtype, device: torch.device) -> float:
    """The quickest of several products, so that a busy machine misleads less."""
    a = torch.ones(_SIZE, _SIZE, dtype=dtype, device=device)
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        (a @ a)[0, 0].item()
        best = min(best, time.perf_counter() - started)
    return best
