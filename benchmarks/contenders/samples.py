"""What an update of an image policy learns from: noise, the same on both sides."""

from __future__ import annotations

import torch
from torch import Tensor

SHAPE = (4, 84, 84)  # four gray frames, channels first, as Atari is played
ACTIONS = 6


def make_samples(seed: int, steps: int, environments: int) -> dict[str, Tensor]:
    """One rollout. No episode ends in it; time per sample does not depend on the numbers."""
    generator = torch.Generator().manual_seed(seed)
    shape = (steps, environments)

    def normal(*size: int) -> Tensor:
        return torch.randn(size, generator=generator)

    pixels = SHAPE[0] * SHAPE[1] * SHAPE[2]
    return {
        "observations": torch.randint(
            256, (*shape, pixels), dtype=torch.uint8, generator=generator
        ),
        "actions": torch.randint(ACTIONS, shape, generator=generator),
        "log_probs": -1.8 + 0.1 * normal(*shape),
        "rewards": normal(*shape),
        "dones": torch.zeros(shape),
        "values": normal(*shape),
        "last_values": normal(environments),
    }
