"""From one loss per token to one number, so that it does not depend on how batches are cut.

A batch of responses is cut into micro-batches to fit into memory, and each micro-batch adds to the
gradient. A mean within each micro-batch would weigh a token by the company it happens to keep.
Here every mode takes its denominator from the *whole* batch, so that the sum over micro-batches is
the same however they are cut.

In all functions `losses` and `mask` are [sequences, time], and `mask` is 1 for tokens that count.
"""

from __future__ import annotations

from torch import Tensor


def token_mean(losses: Tensor, mask: Tensor, total_tokens: float) -> Tensor:
    r"""Every token counts the same: long responses weigh more than short ones.

    $$\frac{1}{\sum_{i} |o_i|} \sum_i \sum_t m_{i,t}\, \ell_{i,t}$$

    Args:
        losses: [sequences, time], of this micro-batch.
        mask: [sequences, time].
        total_tokens: number of tokens that count in the whole batch.

    Returns:
        [], this micro-batch's share; the shares of all micro-batches add up to the batch's loss.

    Source: Yu et al. (2025), "DAPO", the token-level policy gradient loss.
    """
    return (losses * mask).sum() / total_tokens


def sequence_mean(losses: Tensor, mask: Tensor, total_sequences: float) -> Tensor:
    r"""Every response counts the same: a token of a long response weighs less.

    $$\frac{1}{G} \sum_i \frac{1}{|o_i|} \sum_t m_{i,t}\, \ell_{i,t}$$

    A response without any token that counts adds nothing.

    Args:
        losses: [sequences, time], of this micro-batch.
        mask: [sequences, time].
        total_sequences: G, number of responses in the whole batch.

    Returns:
        [], this micro-batch's share.

    Source: Shao et al. (2024), "DeepSeekMath", eq. 3 (GRPO).
    """
    lengths = mask.sum(1).clamp(min=1)
    return ((losses * mask).sum(1) / lengths).sum() / total_sequences


def sequence_sum_normalized(
    losses: Tensor, mask: Tensor, total_sequences: float, normalizer: float
) -> Tensor:
    r"""Sum over tokens, divided by a constant: no bias by length, in either direction.

    $$\frac{1}{G\,C} \sum_i \sum_t m_{i,t}\, \ell_{i,t}$$

    Args:
        losses: [sequences, time], of this micro-batch.
        mask: [sequences, time].
        total_sequences: G, number of responses in the whole batch.
        normalizer: C, usually the longest response allowed, tokens.

    Returns:
        [], this micro-batch's share.

    Source: Liu et al. (2025), "Understanding R1-Zero-like training" (Dr. GRPO).
    """
    return (losses * mask).sum() / (total_sequences * normalizer)
