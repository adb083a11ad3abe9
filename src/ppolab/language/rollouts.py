"""Who writes the responses that a policy learns from: by default the policy itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from ppolab.language.generation import Samples, Sampling, generate
from ppolab.language.models import LanguageModel
from ppolab.language.ranks import Ranks
from ppolab.language.tokens import TokenBatch


class Rollouts(Protocol):
    """Writes this rank's share of a batch of responses."""

    def __call__(
        self,
        policy: LanguageModel,
        prompts: Sequence[list[int]],
        sampling: Sampling,
        end: int,
        generator: torch.Generator,
        value_head: Callable[[Tensor], Tensor] | None,
        ranks: Ranks,
    ) -> Samples:
        """Write a response to each prompt of this rank's share.

        Args:
            policy: whose responses they are.
            prompts: of the whole batch.
            sampling: how tokens are drawn.
            end: id of the end-of-sequence token.
            generator: of the draws; the same on all ranks, before and after.
            value_head: as `generate` takes it; where it is not asked, `values` stay None.
            ranks: whose share is written.
        """
        ...


def write_with_policy(
    policy: LanguageModel,
    prompts: Sequence[list[int]],
    sampling: Sampling,
    end: int,
    generator: torch.Generator,
    value_head: Callable[[Tensor], Tensor] | None,
    ranks: Ranks,
) -> Samples:
    """Let the policy write by itself; see `Rollouts`."""
    share = ranks.share(len(prompts))
    batch = TokenBatch.from_sequences(prompts[share])
    with ranks.reading(policy):
        samples = generate(
            policy, batch, sampling, end, generator, value_head, (share.start, len(prompts))
        )
    draws = samples.responses.shape[1]
    for _ in range(int(ranks.largest(draws)) - draws):  # others' responses were longer
        torch.rand(len(prompts), generator=generator)
    return samples
