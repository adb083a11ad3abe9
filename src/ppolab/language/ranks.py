"""What trainers ask of the processes that share their batches; a process alone by default."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from torch import Tensor

from ppolab.errors import InvalidSettingError
from ppolab.language.generation import Samples
from ppolab.language.models import LanguageModel

if TYPE_CHECKING:
    from ppolab.language.optimizer import FlatAdamW, Optimizer


class Ranks:
    """A process alone. `ppolab.cluster.data_parallel` has several that do the same together.

    Every rank draws the same chance for the whole batch and does its own share of the rows, so that
    a training on several ranks is that on one, but for rounding.
    """

    rank = 0
    size = 1

    def share(self, rows: int) -> slice:
        """Which of a batch's rows are this rank's: blocks in the order of the ranks."""
        return slice(rows * self.rank // self.size, rows * (self.rank + 1) // self.size)

    def sum(self, numbers: Tensor) -> Tensor:
        """Add up what every rank has, element by element; may write into `numbers`."""
        return numbers

    def largest(self, number: float) -> float:
        """The largest of all ranks' numbers."""
        return number

    def gather(self, rows: Tensor) -> Tensor:
        """Put the rows [own, …] of all ranks one after the other, [all, …].

        Matrices of different widths are filled with 0 on the right.
        """
        return rows

    def adopt(self, optimizer: FlatAdamW, models: Sequence[LanguageModel]) -> Optimizer:
        """An optimizer whose steps follow the sum of all ranks' gradients."""
        return optimizer

    def reading(self, *models: LanguageModel | None) -> AbstractContextManager[None]:
        """While in it, these models can be called without the other ranks."""
        return nullcontext()


def require_divisible(name: str, rows: int, ranks: Ranks) -> None:
    """Refuse a batch of which some rank would get more than another.

    Raises:
        InvalidSettingError: naming the setting that holds the batch's size.
    """
    if rows % ranks.size:
        raise InvalidSettingError(
            name, rows, f"does not divide among {ranks.size} ranks",
            f"Give a multiple of {ranks.size}, or fewer ranks",
        )  # fmt: skip


def gather_samples(ranks: Ranks, own: Samples) -> Samples:
    """The responses of all ranks as one batch."""
    if ranks.size == 1:
        return own
    return Samples(
        ranks.gather(own.prompts), ranks.gather(own.prompt_lengths),
        ranks.gather(own.responses), ranks.gather(own.response_lengths),
        ranks.gather(own.ended), ranks.gather(own.log_probs),
        None if own.values is None else ranks.gather(own.values),
    )  # fmt: skip
