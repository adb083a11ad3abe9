"""Log-probabilities of tokens and draws of tokens, as torch and autograd know them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 – the field's own abbreviation
from torch import Tensor

from ppolab.language.kernels import words
from ppolab.language.kernels.calls import flat, share


def token_log_probs(
    hidden: Tensor, embedding: Tensor, targets: Tensor, temperature: float
) -> Tensor:
    """Log-probability [n] of each target under softmax(h Eᵀ / T).

    Args:
        hidden: [n or more, width]; rows beyond the targets fill up a product.
        embedding: [vocabulary, width].
        targets: [n] int64.
        temperature: T > 0.
    """
    apply: Callable[..., Tensor] = _TokenLogProbs.apply
    return apply(hidden, embedding, targets, temperature)


class _TokenLogProbs(torch.autograd.Function):
    """Keeps nothing of the vocabulary's size but the logits, in their own precision."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, embedding: Tensor, targets: Tensor, temperature: float
    ) -> Tensor:
        logits = F.linear(hidden, embedding)
        log_sums = torch.empty(len(logits))
        share(words.log_sums, flat(logits), logits.shape[1], 1.0 / temperature, log_sums.numpy())
        chosen = logits[: len(targets)].gather(1, targets.unsqueeze(1)).squeeze(1).float()
        log_probs = chosen / temperature - log_sums[: len(targets)]
        ctx.save_for_backward(hidden, embedding, targets, logits, log_sums, log_probs)
        ctx.temperature = temperature
        return log_probs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        hidden, embedding, targets, by_logit, log_sums, log_probs = ctx.saved_tensors
        weights = torch.zeros(len(hidden))  # 0 for rows that fill up
        weights[: len(targets)] = gradients[0] / ctx.temperature
        share(  # overwrites the logits: once only
            words.push_down, flat(by_logit), by_logit.shape[1], 1.0 / ctx.temperature,
            log_sums.numpy(), weights.numpy(),
        )  # fmt: skip
        pulled = weights[: len(targets)] * -torch.expm1(log_probs.detach())
        by_logit[: len(targets)].scatter_(
            1, targets.unsqueeze(1), pulled.unsqueeze(1).to(by_logit.dtype)
        )
        return by_logit @ embedding, by_logit.t() @ hidden, None, None


def draw(logits: Tensor, temperature: float, uniforms: Tensor) -> tuple[Tensor, Tensor]:
    """Draw a token for each row of logits [rows, vocabulary] float32.

    Args:
        logits: see there.
        temperature: T > 0.
        uniforms: [rows] in [0, 1), the chance that decides.

    Returns:
        Tokens [rows] and their log-probabilities [rows] in nats.
    """
    tokens, log_probs = torch.empty(len(logits), dtype=torch.int64), torch.empty(len(logits))
    share(
        words.draw_words, flat(logits), logits.shape[1], 1.0 / temperature, flat(uniforms),
        tokens.numpy(), log_probs.numpy(),
    )  # fmt: skip
    return tokens, log_probs
