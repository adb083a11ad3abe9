"""Whether an update's networks compute in float32 or in bfloat16."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from ppolab.control.config import PPOConfig
from ppolab.control.observations import ObservationLayout

# Instructions that multiply bfloat16 directly; without them it is emulated, slower than float32.
INSTRUCTIONS = ("avx512_bf16", "amx_bf16")


def with_precision(config: PPOConfig, layout: ObservationLayout) -> PPOConfig:
    """The settings with a precision in the place of "auto".

    bfloat16 keeps float32's range and 8 of its 24 binary digits. Updates of image networks take
    about half the time with it (benchmarks/ppo_image.py); small networks on vectors do not wait
    for arithmetic. The choice follows from the processor's instructions alone, so that it is the
    same for each run on a machine.
    """
    if config.precision != "auto":
        return config
    half = any(part.image for part in layout.parts) and multiplies_bfloat16()
    return dataclasses.replace(config, precision="bfloat16" if half else "float32")


def multiplies_bfloat16() -> bool:
    """Whether this machine's processor has instructions for products of bfloat16."""
    # torch can tell since 2.10 or so; an older one is taken to be on a machine without.
    ask = getattr(torch.cpu, "get_capabilities", None)
    capabilities: dict[str, Any] = {} if ask is None else ask()
    return any(capabilities.get(name, False) for name in INSTRUCTIONS)
