"""The GPT's arithmetic on a CPU in compiled kernels, but for the matrix products.

In PyTorch's own operations a small model spends more time between the products than in them: GELU
and softmax compute one number at a time, arrays are copied into the order that the next operation
likes, and each call costs some microseconds whatever it does. What is computed is in
`ppolab.language.gpt`; `ppolab.language.hardware.kernels_serve` says when it is computed here.

The order to read in: `block` (one block forwards and backwards), `attention`, `elementwise`, then
`log_probs` and `words` for the vocabulary; `ppolab.machine_code.lanes` is what all are made of.

The functions below import the rest when they are called, for compilers are slow to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from ppolab.language.gpt import Block, Cache
    from ppolab.language.tokens import TokenBatch


def read(
    block: Block, x: Tensor, batch: TokenBatch, cache: Cache | None, layer: int,
    wanted: Tensor | None,
) -> Tensor:  # fmt: skip
    """What `Block.forward` returns, and the cache as it leaves it."""
    from ppolab.language.kernels.block import read

    return read(block, x, batch, cache, layer, wanted)


def extend(block: Block, x: Tensor, places: Tensor | int, cache: Cache, layer: int) -> Tensor:
    """What `Block.extend` returns, and the cache as it leaves it."""
    from ppolab.language.kernels.block import extend

    return extend(block, x, places, cache, layer)


def token_log_probs(
    hidden: Tensor, embedding: Tensor, targets: Tensor, temperature: float
) -> Tensor:
    """What `ppolab.language.gpt.token_log_probs` returns."""
    from ppolab.language.kernels.log_probs import token_log_probs

    return token_log_probs(hidden, embedding, targets, temperature)


def draw(logits: Tensor, temperature: float, uniforms: Tensor) -> tuple[Tensor, Tensor]:
    """What `ppolab.language.generation.draw` returns where every token may be drawn."""
    from ppolab.language.kernels.log_probs import draw

    return draw(logits, temperature, uniforms)
