"""The losses that a reward model can be trained by, under their names.

Each is called with worths [comparisons, K] from best to worst, margins [comparisons] in reward
units and ties [comparisons] bool, and returns [comparisons] nats.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ppolab.algorithms.preferences import (
    all_pairs_loss,
    bradley_terry_loss,
    davidson_loss,
    plackett_luce_loss,
)

LOSSES = ("bradley-terry", "davidson", "all-pairs", "plackett-luce")
OF_RANKINGS = ("all-pairs", "plackett-luce")  # those that take more than two answers


class BradleyTerry(nn.Module):
    """One answer was preferred to another."""

    def __init__(self, label_smoothing: float) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, ranked: Tensor, margins: Tensor, ties: Tensor) -> Tensor:
        """Loss [comparisons]; K is 2."""
        return bradley_terry_loss(ranked[:, 0], ranked[:, 1], margins, self.label_smoothing)


class Davidson(nn.Module):
    """One answer was preferred, or it was a tie; how readily ties are called is learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.log_tie = nn.Parameter(torch.zeros(1))

    def forward(self, ranked: Tensor, margins: Tensor, ties: Tensor) -> Tensor:
        """Loss [comparisons]; K is 2. Margins say nothing that ties do not."""
        outcomes = torch.where(ties, 2, 0)
        return davidson_loss(ranked[:, 0], ranked[:, 1], outcomes, self.log_tie.float()[0])


class AllPairs(nn.Module):
    """Every answer of a ranking was preferred to those after it."""

    def __init__(self, label_smoothing: float) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, ranked: Tensor, margins: Tensor, ties: Tensor) -> Tensor:
        """Loss [comparisons]."""
        return all_pairs_loss(ranked, self.label_smoothing)


class PlackettLuce(nn.Module):
    """The best of all was chosen, then the best of the rest."""

    def forward(self, ranked: Tensor, margins: Tensor, ties: Tensor) -> Tensor:
        """Loss [comparisons]."""
        return plackett_luce_loss(ranked)


def make_loss(name: str, label_smoothing: float) -> nn.Module:
    """The loss of that name, one of `LOSSES`."""
    if name == "davidson":
        return Davidson()
    if name == "plackett-luce":
        return PlackettLuce()
    return (AllPairs if name == "all-pairs" else BradleyTerry)(label_smoothing)
