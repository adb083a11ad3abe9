"""Supervised fine-tuning: raising the probability of the texts one would like to read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ppolab.errors import InvalidSettingError
from ppolab.language.models import LanguageModel
from ppolab.language.tokens import TokenBatch


@dataclass(frozen=True)
class Example:
    """A text to learn, of which only a part may count."""

    tokens: list[int]  # prompt and response, the end-of-sequence token included
    prompt: int = 1  # tokens at the beginning that are given, not learnt; at least 1

    def __post_init__(self) -> None:
        if not 1 <= self.prompt < len(self.tokens):
            raise InvalidSettingError(
                "prompt", self.prompt, f"leaves nothing to learn of {len(self.tokens)} tokens",
                "Give from 1 to one fewer than there are tokens",
            )  # fmt: skip


def next_token_loss(
    model: LanguageModel, examples: Sequence[Example], total_tokens: float | None = None
) -> Tensor:
    r"""Mean negative log-likelihood of the responses' tokens.

    $$-\frac{1}{\sum_i |y_i|} \sum_i \sum_t \log \pi(y_{i,t} \mid x_i, y_{i,<t})$$

    Tokens of the prompts are read and not learnt. The end-of-sequence token is learnt like any
    other: a model that has never seen it never stops.

    Args:
        model: any language model.
        examples: a batch, or a part of one.
        total_tokens: response tokens of the whole batch, if this is a part of it; the parts'
            losses then add up to the batch's, however it was cut.

    Returns:
        [], nats per token.
    """
    batch = TokenBatch.from_sequences([example.tokens[:-1] for example in examples])
    targets = torch.cat([torch.tensor(example.tokens[1:]) for example in examples])
    prompts = torch.tensor([example.prompt for example in examples])
    learnt = batch.positions >= prompts.repeat_interleave(batch.lengths) - 1
    chosen = learnt.nonzero().squeeze(1)
    log_probs = model.log_probs(model.at(batch, chosen), targets[chosen])
    return -log_probs.sum() / (total_tokens or len(chosen))


def response_tokens(examples: Sequence[Example]) -> int:
    """How many tokens count in `next_token_loss`."""
    return sum(len(example.tokens) - example.prompt for example in examples)


@torch.no_grad()
def validation_loss(
    model: LanguageModel, examples: Sequence[Example], batch_size: int = 64
) -> float:
    """The loss on examples that were not trained on, nats per token; its exp is the perplexity."""
    total = response_tokens(examples)
    return sum(
        float(next_token_loss(model, examples[start : start + batch_size], total))
        for start in range(0, len(examples), batch_size)
    )


def windows(
    tokens: Tensor, width: int, batch_size: int, generator: torch.Generator
) -> Iterator[list[Example]]:
    """Endless batches of pieces of a long text, each begun anywhere; for training a base model.

    Args:
        tokens: [tokens], the text.
        width: tokens of a piece.
        batch_size: pieces in a batch.
        generator: of the places.
    """
    while True:
        starts = torch.randint(0, len(tokens) - width, (batch_size,), generator=generator)
        yield [Example(tokens[s : s + width].tolist()) for s in starts.tolist()]


def epochs_of(
    examples: Sequence[Example], batch_size: int, generator: torch.Generator
) -> Iterator[list[Example]]:
    """Endless batches in which every example comes once before any comes again."""
    if batch_size > len(examples):
        raise InvalidSettingError(
            "batch_size", batch_size, f"is more than the {len(examples)} examples there are",
            "Give fewer, or more data",
        )  # fmt: skip
    while True:
        order = torch.randperm(len(examples), generator=generator).tolist()
        for start in range(0, len(order) - batch_size + 1, batch_size):
            yield [examples[i] for i in order[start : start + batch_size]]


def warmup_then_decay(progress: float, warmup: float = 0.02, final: float = 0.05) -> float:
    """Share of the full learning rate at `progress` from 0 to 1: up in a line, down in a cosine."""
    if progress < warmup:
        return progress / warmup
    along = (progress - warmup) / (1 - warmup)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(along, 1.0)))
