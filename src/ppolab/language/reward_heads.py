"""From a language model's hidden states to scores: which states count, and what is made of them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 – the field's own abbreviation
from torch import Tensor, nn

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.tokens import TokenBatch

POOLINGS = ("last", "mean", "attention")
HEADS = ("linear", "mlp")


@dataclass(frozen=True)
class RewardShape:
    """What a reward model puts on top of its language model."""

    pooling: str = "last"
    """Which hidden states count: last, mean or attention."""
    head: str = "linear"
    """What makes a score of them: linear or mlp."""
    heads: int = 1
    """Heads on the same language model, each with a score of its own."""
    masks: int = 0
    """Ways to drop units before the head, each a member of an ensemble; 0 drops none."""
    dropout: float = 0.0
    """Share of the units that a mask drops."""

    def __post_init__(self) -> None:
        for name, known in (("pooling", POOLINGS), ("head", HEADS)):
            if getattr(self, name) not in known:
                raise UnknownNameError(name, getattr(self, name), list(known))
        if self.heads < 1 or self.masks < 0 or (self.heads > 1 and self.masks > 0):
            raise InvalidSettingError(
                "heads", self.heads, f"do not go together with {self.masks} masks",
                "Give several heads or several masks",
            )  # fmt: skip
        if not 0 <= self.dropout < 1:
            raise InvalidSettingError(
                "dropout", self.dropout, "must lie in [0, 1)", "Give a share such as 0.1"
            )

    @property
    def members(self) -> int:
        """How many scores each text gets."""
        return self.masks or self.heads

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data from which `RewardShape(**data)` builds the same."""
        return asdict(self)


class LastToken(nn.Module):
    """Only the last token's state counts: it has seen the whole text (Stiennon et al. 2020)."""

    def forward(self, states: Tensor, batch: TokenBatch) -> Tensor:
        """Map states [tokens, width] to [rows, width]."""
        return states[batch.last]


class MeanPooling(nn.Module):
    """All tokens' states count the same, those of the prompt too."""

    def forward(self, states: Tensor, batch: TokenBatch) -> Tensor:
        """Map states [tokens, width] to [rows, width]."""
        # Sums in float32, for in bfloat16 a long row would lose its later tokens.
        sums = states.new_zeros(len(batch), states.shape[1], dtype=torch.float32)
        sums = sums.index_add(0, batch.rows, states.float())
        return (sums / batch.lengths.unsqueeze(1)).to(states.dtype)


class AttentionPooling(nn.Module):
    """Tokens' states count by how well they fit a learnt query; at first all the same.

    Source: Yang et al. (2016), "Hierarchical attention networks for document classification",
    eq. 5 to 7, without their hidden layer.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(width))

    def forward(self, states: Tensor, batch: TokenBatch) -> Tensor:
        """Map states [tokens, width] to [rows, width]."""
        rows, row = len(batch), batch.rows
        fits = (states @ self.query).float() / math.sqrt(len(self.query))  # [tokens]
        largest = fits.detach().new_full((rows,), -math.inf)
        largest = largest.scatter_reduce(0, row, fits.detach(), "amax")
        weights = (fits - largest[row]).exp()
        total = weights.new_zeros(rows).index_add(0, row, weights)
        weights = weights / total[row]
        sums = states.new_zeros(rows, states.shape[1], dtype=torch.float32)
        return sums.index_add(0, row, weights.unsqueeze(1) * states.float()).to(states.dtype)


class MLPHeads(nn.Module):
    """Scores by a hidden layer as wide as the states; each head has one of its own."""

    def __init__(self, width: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, heads * width)
        self.weight = nn.Parameter(torch.empty(heads, width))
        self.bias = nn.Parameter(torch.zeros(heads))
        nn.init.normal_(self.hidden.weight, 0.0, 1 / math.sqrt(width), generator=generator)
        nn.init.zeros_(self.hidden.bias)
        nn.init.normal_(self.weight, 0.0, 1 / math.sqrt(width + 1), generator=generator)

    def forward(self, pooled: Tensor) -> Tensor:
        """Map [rows, width] to scores [rows, heads]."""
        heads, width = self.weight.shape
        hidden = F.gelu(self.hidden(pooled)).view(-1, heads, width)
        return (hidden * self.weight).sum(2) + self.bias


def make_pooling(shape: RewardShape, width: int) -> nn.Module:
    """The pooling that a shape names: states [tokens, width] and a batch to [rows, width]."""
    if shape.pooling == "attention":
        return AttentionPooling(width)
    return MeanPooling() if shape.pooling == "mean" else LastToken()


def make_heads(shape: RewardShape, width: int, generator: torch.Generator) -> nn.Module:
    """The heads that a shape names: [rows, width] to scores [rows, heads].

    Last weights start with spread 1/√(width + 1), biases at 0 (Stiennon et al. 2020; Huang et al.
    2024, detail 8).
    """
    if shape.head == "mlp":
        return MLPHeads(width, shape.heads, generator)
    head = nn.Linear(width, shape.heads)
    nn.init.normal_(head.weight, 0.0, 1 / math.sqrt(width + 1), generator=generator)
    nn.init.zeros_(head.bias)
    return head


def drop_units(states: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Set a random share of [rows, width] to 0 and the rest up, so that means stay the same.

    Source: Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from
    overfitting".
    """
    kept = torch.rand(states.shape, generator=generator).to(states.device) >= share
    return states * kept / (1.0 - share)
