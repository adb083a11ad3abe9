"""What SFT, reward models and PPO need of a language model, ours or another's."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from ppolab.language.tokens import TokenBatch


class Writer(Protocol):
    """Prompts in the course of being continued, one token in each row at a time."""

    hidden: Tensor  # [rows, width], states after the last token of each prompt

    def extend(self, tokens: Tensor) -> Tensor:
        """Read one more token in each row, [rows]; return the states after it, [rows, width]."""
        ...

    def keep(self, rows: Tensor) -> None:
        """Go on with some rows only, [rows] bool."""
        ...


class LanguageModel(nn.Module):
    """A model of text that can be trained and can write.

    Called with a `TokenBatch` it returns hidden states [tokens, width] of every token.
    """

    context_length: int  # longest sequence in tokens
    hidden_size: int
    vocabulary: int

    @property
    def device(self) -> torch.device:
        """Where it computes; what it is given may be elsewhere."""
        return next(self.parameters()).device

    def at(self, batch: TokenBatch, wanted: Tensor) -> Tensor:
        """Hidden states [wanted, width] of some tokens only, [wanted] int64.

        A model may leave out what nobody else's state depends on.
        """
        states: Tensor = self(batch)[wanted]
        return states

    def logits(self, hidden: Tensor) -> Tensor:
        """Map hidden states [n, width] to logits [n, vocabulary] float32."""
        raise NotImplementedError

    def log_probs(self, hidden: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
        """Log-probabilities [n] in nats of targets [n] after hidden states [n, width]."""
        raise NotImplementedError

    def writer(self, prompts: TokenBatch, extra: int) -> Writer:
        """Read the prompts and get ready for `extra` more tokens in each row."""
        raise NotImplementedError
