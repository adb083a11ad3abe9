"""A model of preferences: a language model that reads a response and says what it is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ppolab.language.generation import Samples
from ppolab.language.models import LanguageModel
from ppolab.language.tokens import TokenBatch


class RewardModel(nn.Module):
    """A language model with a head that reads its last hidden state.

    The head's weights start with spread 1/√(width + 1), its bias at 0 (Stiennon et al. 2020; Huang
    et al. 2024, detail 8). Scores are brought to mean 0 and standard deviation 1 by `normalize`.
    """

    name = "reward model"
    shift: Tensor
    scale: Tensor

    def __init__(self, trunk: LanguageModel, seed: int = 0) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(trunk.hidden_size, 1)
        generator = torch.Generator().manual_seed(seed)
        nn.init.normal_(
            self.head.weight, 0.0, 1 / math.sqrt(trunk.hidden_size + 1), generator=generator
        )
        nn.init.zeros_(self.head.bias)
        self.register_buffer("shift", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, batch: TokenBatch) -> Tensor:
        """Scores [rows] float32 of whole texts."""
        states = self.trunk(batch)[batch.last]
        scores: Tensor = self.head(states).squeeze(1).float()
        return (scores - self.shift) * self.scale

    def __call__(self, *arguments: object, **named: object) -> Tensor:
        """As `forward`; or, given samples and texts, as a reward function."""
        if isinstance(arguments[0], Samples):
            with torch.no_grad():
                return self.forward(arguments[0].whole)
        scores: Tensor = super().__call__(*arguments, **named)
        return scores

    @torch.no_grad()
    def normalize(self, batches: Sequence[TokenBatch]) -> None:
        """Make scores of these texts have mean 0 and standard deviation 1 from now on.

        Texts of the reference policy serve best (Ziegler et al. 2019): rewards then have a scale
        that the KL coefficient can be chosen for.
        """
        self.shift.zero_()
        self.scale.fill_(1.0)
        scores = torch.cat([self.forward(batch) for batch in batches])
        self.shift.copy_(scores.mean())
        self.scale.copy_(1.0 / scores.std().clamp(min=1e-6))
