"""Sequences of different lengths in one batch, without arithmetic on padding.

Norms, linear layers and the vocabulary's softmax work on a list of real tokens. Only attention
needs to know which tokens belong together, and gets a padded view for as long as it takes. Where
responses end early, most of a padded batch is padding, so this saves about half of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class TokenBatch:
    """Rows of tokens, each beginning at position 0, written one after the other.

    Example:
        >>> batch = TokenBatch.from_sequences([[5, 6, 7], [8]])
        >>> batch.tokens.tolist(), batch.positions.tolist(), batch.width
        ([5, 6, 7, 8], [0, 1, 2, 0], 3)
    """

    tokens: Tensor  # [tokens] int64
    positions: Tensor  # [tokens] int64, place within the row
    lengths: Tensor  # [rows] int64
    width: int  # of the longest row
    cells: Tensor | None  # [tokens], row·width + position; None where no row is shorter

    @classmethod
    def from_sequences(cls, sequences: Sequence[Sequence[int]]) -> TokenBatch:
        """From lists of token ids; every list must hold at least one."""
        lengths = torch.tensor([len(sequence) for sequence in sequences])
        padded = torch.zeros(len(sequences), int(lengths.max()), dtype=torch.long)
        for row, sequence in zip(padded, sequences, strict=True):
            row[: len(sequence)] = torch.tensor(sequence)
        return cls.from_padded(padded, lengths)

    @classmethod
    def from_padded(cls, padded: Tensor, lengths: Tensor | None = None) -> TokenBatch:
        """From [rows, width] with the padding on the right, which is dropped.

        Args:
            padded: [rows, width] int64.
            lengths: [rows], real tokens of each row; None where all are real.
        """
        rows, width = padded.shape
        if lengths is None:
            lengths = torch.full((rows,), width, device=padded.device)
        else:
            width = int(lengths.max())
            padded = padded[:, :width]
        places = torch.arange(width, device=padded.device).expand(rows, width)
        real = places < lengths.unsqueeze(1)
        if bool(real.all()):
            return cls(padded.reshape(-1), places.reshape(-1), lengths, width, None)
        cells = real.reshape(-1).nonzero().squeeze(1)
        return cls(padded[real], places[real], lengths, width, cells)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lengths)

    def to(self, device: torch.device) -> TokenBatch:
        """The same batch in the memory of a device."""
        if self.tokens.device == device:
            return self
        cells = None if self.cells is None else self.cells.to(device)
        tokens, positions = self.tokens.to(device), self.positions.to(device)
        return TokenBatch(tokens, positions, self.lengths.to(device), self.width, cells)

    @cached_property
    def starts(self) -> Tensor:
        """[rows + 1] int64, where in `tokens` each row's first token is, and the end."""
        return torch.nn.functional.pad(self.lengths.cumsum(0), (1, 0))

    @property
    def last(self) -> Tensor:
        """[rows], where in `tokens` each row's last token is."""
        return self.lengths.cumsum(0) - 1

    @property
    def rows(self) -> Tensor:
        """[tokens], which row each token is of."""
        row = torch.arange(len(self), device=self.lengths.device)
        return torch.repeat_interleave(row, self.lengths)

    def spread(self, values: Tensor) -> Tensor:
        """Lay values [tokens, …] out as [rows, width, …], zero where there is no token."""
        if self.cells is None:
            return values.view(len(self), self.width, *values.shape[1:])
        padded = values.new_zeros(len(self) * self.width, *values.shape[1:])
        padded = padded.index_copy(0, self.cells, values)
        return padded.view(len(self), self.width, *values.shape[1:])

    def gather(self, padded: Tensor) -> Tensor:
        """Take the real tokens' values [tokens, …] out of [rows, width, …]."""
        flat = padded.reshape(-1, *padded.shape[2:])
        return flat if self.cells is None else flat[self.cells]
