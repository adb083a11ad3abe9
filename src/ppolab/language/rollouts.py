"""Who writes the responses that a policy learns from: by default the policy itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ppolab.language.generation import Samples, Sampling, generate
from ppolab.language.models import LanguageModel
from ppolab.language.ranks import Ranks
from ppolab.language.tokens import TokenBatch


class Rollouts:
    """Lets the policy write by itself. `ppolab.language.huggingface.vllm` has vLLM do it.

    Attributes:
        measured: numbers about the last batch that are recorded with the policy's own.
    """

    measured: Mapping[str, float] = {}

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

    def close(self) -> None:
        """Release what is held; nothing here."""
