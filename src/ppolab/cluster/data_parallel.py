"""Data parallelism: every rank holds the model and learns from its share of each batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from ppolab.language.models import LanguageModel
from ppolab.language.optimizer import FlatAdamW, Optimizer
from ppolab.language.ranks import Ranks


class ProcessRanks(Ranks):
    """The ranks of the process group that this process is in.

    Gradients are added up, not averaged: each rank's loss is divided by the tokens of the whole
    minibatch, so that a rank with longer responses counts for more, as it should. All weights lie
    in one vector, and so one exchange per step is enough.
    """

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        on_gpu = dist.get_backend() == "nccl"
        self._device = torch.device("cuda" if on_gpu else "cpu")

    def sum(self, numbers: Tensor) -> Tensor:
        """Add up what every rank has, element by element, in place where it can be."""
        here = numbers.to(self._device)
        dist.all_reduce(here)
        return here.to(numbers.device)

    def largest(self, number: float) -> float:
        """The largest of all ranks' numbers."""
        here = torch.tensor(number, dtype=torch.float64, device=self._device)
        dist.all_reduce(here, dist.ReduceOp.MAX)
        return here.item()

    def gather(self, rows: Tensor) -> Tensor:
        """Put the rows [own, …] of all ranks one after the other, [all, …]."""
        shape = torch.tensor(rows.shape, device=self._device)
        shapes = [torch.empty_like(shape) for _ in range(self.size)]
        dist.all_gather(shapes, shape)
        largest = torch.stack(shapes).amax(0).tolist()
        padded = rows.new_zeros(largest, device=self._device)
        padded[tuple(slice(length) for length in rows.shape)] = rows.to(self._device)
        everyones = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(everyones, padded)
        parts = [part[: int(of[0])] for part, of in zip(everyones, shapes, strict=True)]
        return torch.cat(parts).to(rows.device)

    def adopt(self, optimizer: FlatAdamW, models: Sequence[LanguageModel]) -> Optimizer:
        """Let the optimizer follow all ranks' gradients, from the weights of rank 0."""
        here = optimizer.vector.to(self._device)
        dist.broadcast(here, 0)
        optimizer.restore({"optimizer.vector": here.to(optimizer.vector.device)})
        optimizer.ranks = self
        return optimizer
