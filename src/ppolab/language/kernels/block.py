"""A block of the GPT with its backward pass written out: products by torch, the rest in kernels.

What it computes is `ppolab.language.gpt.Block`, which is the version to read. Backward follows the
forward pass line by line from its end. Every array that is as long as the batch is passed over once
forwards and once backwards between the products.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppolab.language.gpt import usual_count
from ppolab.language.kernels import attention, elementwise
from ppolab.language.kernels.calls import flat, float32_sums, share

if TYPE_CHECKING:
    from ppolab.language.gpt import Block, Cache
    from ppolab.language.tokens import TokenBatch

# qkv [tokens, 3 · width] to attention [tokens, width] and the logs of its sums [tokens, heads]
Mixing = Callable[[Tensor], tuple[Tensor, Tensor]]


class Weights(NamedTuple):
    """A block's weights in the order of the arithmetic."""

    attention_gain: Tensor
    attention_bias: Tensor
    qkv: Tensor
    qkv_bias: Tensor
    output: Tensor
    output_bias: Tensor
    network_gain: Tensor
    network_bias: Tensor
    expand: Tensor
    expand_bias: Tensor
    contract: Tensor
    contract_bias: Tensor

    @classmethod
    def of(cls, block: Block) -> Weights:
        """Those of a block."""
        layers = (
            block.attention_norm, block.qkv, block.attention_output, block.network_norm,
            block.expand, block.contract,
        )  # fmt: skip
        return cls(*(tensor for layer in layers for tensor in (layer.weight, layer.bias)))


class Layout(NamedTuple):
    """Which tokens make up a sequence, and constants of the block."""

    starts: NDArray[np.int64]  # [sequences + 1]
    longest: int
    heads: int
    epsilon: float


class Passed(NamedTuple):
    """What the backward pass wants of the forward pass."""

    x: Tensor  # [tokens, width]
    first_stats: Tensor  # [tokens, 2]
    first_normed: Tensor  # [tokens, width]
    qkv: Tensor  # [tokens, 3 · width]
    mixed: Tensor  # [tokens, width]
    log_sums: Tensor  # [tokens, heads]
    kept: Tensor  # [wanted, width], of `mixed`
    wanted: (
        Tensor | None
    )  # [wanted], tokens that go beyond attention; None: all, in all that follows
    middle: Tensor  # [wanted, width], after attention
    second_stats: Tensor  # [wanted, 2]
    second_normed: Tensor  # [wanted, width]
    expanded: Tensor  # [wanted, 4 · width]
    active: Tensor  # [wanted, 4 · width], GELU of it


def forward(
    x: Tensor, epsilon: float, w: Weights, mix: Mixing, wanted: Tensor | None = None
) -> tuple[Tensor, Passed]:
    """Map [tokens, width] to [wanted, width]; also return what was computed on the way."""
    _, first_normed, first_stats = norm(x, None, w.attention_gain, w.attention_bias, epsilon)
    qkv = torch.addmm(w.qkv_bias, first_normed, w.qkv.t())
    mixed, log_sums = mix(qkv)
    kept = pick(mixed, wanted)
    added = torch.addmm(w.output_bias, kept, w.output.t())
    middle, second_normed, second_stats = norm(
        pick(x, wanted), added, w.network_gain, w.network_bias, epsilon
    )
    expanded = torch.addmm(w.expand_bias, second_normed, w.expand.t())
    active = gelu(expanded)
    result = torch.addmm(w.contract_bias, active, w.contract.t()).add_(middle)
    return result, Passed(
        x, first_stats, first_normed, qkv, mixed, log_sums, kept, wanted, middle, second_stats,
        second_normed, expanded, active,
    )  # fmt: skip


def backward(
    gradient: Tensor, layout: Layout, w: Weights, passed: Passed
) -> tuple[Tensor, list[Tensor]]:
    """The gradients of x [tokens, width] and of the weights, from that of the result."""
    dtype, width = gradient.dtype, gradient.shape[1]
    by_x = gradient.clone()  # becomes the gradient at each earlier place of the residual stream
    by_contract = gradient.t() @ passed.active
    by_contract_bias = gradient.sum(0)

    by_expanded = gradient @ w.contract
    sums = float32_sums(by_expanded.shape[1])
    share(
        elementwise.gelu_backward, flat(passed.expanded), flat(by_expanded), by_expanded.shape[1],
        sums.numpy(),
    )  # fmt: skip
    by_expand_bias = sums.sum(0).to(dtype)
    by_expand = by_expanded.t() @ passed.second_normed
    second = _norm_backward(
        passed.middle, passed.second_stats, w.network_gain, by_expanded @ w.expand, by_x
    )

    by_output = by_x.t() @ passed.kept
    by_mixed = put_back(by_x @ w.output, passed.wanted, len(passed.x))
    by_x = put_back(by_x, passed.wanted, len(passed.x))
    by_qkv = _mix_backward(by_mixed, layout, passed)
    by_qkv_weight = by_qkv.t() @ passed.first_normed
    first = _norm_backward(passed.x, passed.first_stats, w.attention_gain, by_qkv @ w.qkv, by_x)
    return by_x, [
        *first[: 2 * width].view(2, width).to(dtype), by_qkv_weight, by_qkv.sum(0), by_output,
        second[2 * width :].to(dtype), *second[: 2 * width].view(2, width).to(dtype), by_expand,
        by_expand_bias, by_contract, by_contract_bias,
    ]  # fmt: skip


def pick(x: Tensor, wanted: Tensor | None) -> Tensor:
    """Some rows of x, and zeros that fill up a product; all rows where none are named."""
    if wanted is None:
        return x
    picked = x.new_zeros(usual_count(x, len(wanted)), x.shape[1])
    torch.index_select(x, 0, wanted, out=picked[: len(wanted)])
    return picked


def put_back(picked: Tensor, wanted: Tensor | None, rows: int) -> Tensor:
    """What `pick` took, at its places among so many rows of zeros."""
    if wanted is None:
        return picked
    return picked.new_zeros(rows, picked.shape[1]).index_copy_(0, wanted, picked[: len(wanted)])


def norm(
    x: Tensor, more: Tensor | None, gain: Tensor, bias: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Layer norm of x + more; returns the sum, the norm, and each row's statistics."""
    stats = torch.empty(len(x), 2)
    normed = torch.empty_like(x)
    summed = x if more is None else torch.empty_like(x)
    share(
        elementwise.norm, flat(x), flat(x)[:0] if more is None else flat(more), flat(gain),
        flat(bias), epsilon, flat(summed), flat(normed), flat(stats),
    )  # fmt: skip
    return summed, normed, stats


def _norm_backward(
    x: Tensor, stats: Tensor, gain: Tensor, gradient: Tensor, by_x: Tensor
) -> Tensor:
    """Add to by_x; return the gradients of gain and bias and by_x's sum over rows, one vector."""
    sums = float32_sums(3 * x.shape[1])
    share(
        elementwise.norm_backward, flat(x), flat(stats), flat(gain), flat(gradient), flat(by_x),
        sums.numpy(),
    )  # fmt: skip
    return sums.sum(0)


def gelu(x: Tensor) -> Tensor:
    """GELU by its tanh form."""
    active = torch.empty_like(x)
    share(elementwise.gelu, flat(x), flat(active))
    return active


def mixing(layout: Layout) -> Mixing:
    """Attention among the tokens of each sequence."""

    def mix(qkv: Tensor) -> tuple[Tensor, Tensor]:
        width = qkv.shape[1] // 3
        mixed = qkv.new_empty(len(qkv), width)
        mixed[layout.starts[-1] :] = 0.0  # rows that fill up the batch
        log_sums = torch.empty(len(qkv), layout.heads)
        share(
            attention.attend, flat(qkv), layout.starts, layout.heads, width, layout.longest,
            flat(mixed), flat(log_sums),
        )  # fmt: skip
        return mixed, log_sums

    return mix


def _mix_backward(gradient: Tensor, layout: Layout, passed: Passed) -> Tensor:
    by_qkv = torch.empty_like(passed.qkv)
    by_qkv[layout.starts[-1] :] = 0.0
    share(
        attention.attend_backward, flat(passed.qkv), layout.starts, layout.heads,
        gradient.shape[1], layout.longest, flat(passed.mixed), flat(passed.log_sums),
        flat(gradient), flat(by_qkv),
    )  # fmt: skip
    return by_qkv


class _BlockStep(torch.autograd.Function):
    """`forward` and `backward` as one step of autograd's graph."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, layout: Layout, wanted: Tensor | None, *weights: Tensor
    ) -> Tensor:
        result, passed = forward(x, layout.epsilon, Weights(*weights), mixing(layout), wanted)
        ctx.layout = layout
        ctx.save_for_backward(*weights, *passed)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        count = len(Weights._fields)
        by_x, by_weights = backward(
            gradients[0].contiguous(), ctx.layout, Weights(*saved[:count]), Passed(*saved[count:])
        )
        return by_x, None, None, *by_weights


def read(
    block: Block, x: Tensor, batch: TokenBatch, cache: Cache | None, layer: int,
    wanted: Tensor | None,
) -> Tensor:  # fmt: skip
    """What `Block.forward` returns, and the cache as it leaves it."""
    layout = Layout(batch.starts.numpy(), batch.width, block.heads, block.attention_norm.eps)
    if torch.is_grad_enabled():
        assert cache is None
        apply: Callable[..., Tensor] = _BlockStep.apply
        return apply(x, layout, wanted, *Weights.of(block))
    result, passed = forward(x, layout.epsilon, Weights.of(block), mixing(layout), wanted)
    if cache is not None:
        qkv = batch.spread(passed.qkv[: len(batch.tokens)])
        parts = qkv.view(len(batch), batch.width, 3, block.heads, -1).permute(2, 0, 3, 1, 4)
        cache.keys[layer, :, :, : batch.width] = parts[1]
        cache.values[layer, :, :, : batch.width] = parts[2]
    return result


def extend(block: Block, x: Tensor, places: Tensor | int, cache: Cache, layer: int) -> Tensor:
    """What `Block.extend` returns, and the cache as it leaves it."""
    keys, values = cache.keys[layer], cache.values[layer]
    last = torch.full((len(x),), places) if isinstance(places, int) else places

    def mix(qkv: Tensor) -> tuple[Tensor, Tensor]:
        mixed = torch.empty_like(x)
        share(
            attention.attend_next, flat(qkv), flat(keys), flat(values), last.numpy(), block.heads,
            x.shape[1], keys.shape[2], flat(mixed),
        )  # fmt: skip
        return mixed, last

    return forward(x, block.attention_norm.eps, Weights.of(block), mix)[0]
