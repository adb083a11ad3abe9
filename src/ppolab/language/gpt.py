"""A small GPT, made to be read and to be quick: every idea of GPT-2, none of its size.

Learned positions, a norm before each half of a block, GELU, and the embedding used a second time
as the output layer (Radford et al. 2019, "Language models are unsupervised multitask learners").
It has no dropout: a policy whose log-probabilities differ from call to call cannot be compared with
the one that wrote the responses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 – the field's own abbreviation
from torch import Tensor, nn

from ppolab.errors import InvalidSettingError
from ppolab.language import kernels
from ppolab.language.hardware import kernels_serve
from ppolab.language.models import LanguageModel
from ppolab.language.tokens import TokenBatch

_USUAL = 64  # rows of products in bfloat16 come in multiples of it


@dataclass(frozen=True)
class GPTConfig:
    """The sizes of a GPT. The defaults are those of the model that comes with the course."""

    vocabulary: int = 2048
    """Tokens that the model knows."""
    context: int = 64
    """Longest sequence in tokens."""
    layers: int = 4
    """Blocks, one after the other."""
    heads: int = 4
    """Attention heads of each block; must divide width."""
    width: int = 128
    """Numbers that stand for a token between the blocks."""

    def __post_init__(self) -> None:
        for name in ("vocabulary", "context", "layers", "heads", "width"):
            if getattr(self, name) < 1:
                raise InvalidSettingError(
                    name, getattr(self, name), "must be at least 1", "Give 1 or more"
                )
        if self.width % self.heads:
            raise InvalidSettingError(
                "heads", self.heads, f"does not divide the width of {self.width}",
                "Choose a divisor of it",
            )  # fmt: skip

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data from which `GPTConfig(**data)` builds the same sizes."""
        return asdict(self)


class Cache:
    """Keys and values of the tokens read so far, in memory set aside once.

    Attributes:
        keys: [layers, rows, heads, context, head], of what was written.
        values: the same shape.
    """

    def __init__(
        self, config: GPTConfig, rows: int, length: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        shape = (config.layers, rows, config.heads, length, config.width // config.heads)
        # Zeros, for attention's weight of 0 on an unwritten cell would keep a NaN that lay there.
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros(shape, dtype=dtype, device=device)

    def keep(self, rows: Tensor) -> None:
        """Forget all rows but these [kept]."""
        self.keys = self.keys[:, rows]
        self.values = self.values[:, rows]


class Block(nn.Module):
    """Attention over what came before, then a network on each token by itself."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)  # queries, keys and values in one product
        self.attention_output = nn.Linear(width, width)
        self.network_norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)

    def forward(
        self, x: Tensor, batch: TokenBatch, cache: Cache | None, layer: int,
        wanted: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Map [tokens, width] to [tokens, width]; leave keys and values in the cache, if any.

        `x` may have more rows than the batch has tokens: then the last are filling. Where only some
        tokens are wanted, [wanted], there are results for these alone, and filling.
        """
        if kernels_serve(x, self.qkv.weight, x.shape[1] // self.heads):
            return kernels.read(self, x, batch, cache, layer, wanted)
        rows, heads = len(batch), self.heads
        qkv = self.qkv(self.attention_norm(x))[: len(batch.tokens)]
        qkv = batch.spread(qkv)  # [rows, width of the batch, 3·width]
        q, k, v = qkv.view(rows, batch.width, 3, heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        if cache is not None:
            cache.keys[layer, :, :, : batch.width] = k
            cache.values[layer, :, :, : batch.width] = v
        mixed = causal_attention(q, k, v)  # [rows, heads, width of the batch, head]
        mixed = batch.gather(mixed.transpose(1, 2).flatten(2))
        if wanted is not None:
            x, mixed = filled(x[wanted], usual_count(x, len(wanted))), mixed[wanted]
        mixed = filled(mixed, len(x))
        return self._think(x + self.attention_output(mixed))

    def extend(self, x: Tensor, places: Tensor | int, cache: Cache, layer: int) -> Tensor:
        """Read one more token in each row.

        Args:
            x: [rows, width].
            places: [rows], the position of the token; a number where it is the same in all rows.
            cache: holds keys and values of everything before.
            layer: which block this is.

        Returns:
            [rows, width].
        """
        if kernels_serve(x, self.qkv.weight, x.shape[1] // self.heads):
            return kernels.extend(self, x, places, cache, layer)
        rows = len(x)
        q, k, v = self.qkv(self.attention_norm(x)).view(rows, 3, self.heads, -1).unbind(1)
        all_keys, all_values = cache.keys[layer], cache.values[layer]
        if isinstance(places, int):
            length = places + 1
            all_keys[:, :, places], all_values[:, :, places] = k, v
        else:
            length = int(places.max()) + 1
            row = torch.arange(rows, device=x.device)
            all_keys[row, :, places], all_values[row, :, places] = k, v
        # As one batch of rows × heads, which is read in place; four axes would be copied first.
        keys = all_keys.flatten(0, 1)[:, :length]
        values = all_values.flatten(0, 1)[:, :length]
        scores = torch.bmm(q.reshape(-1, 1, q.shape[-1]), keys.transpose(1, 2))
        scores = scores.mul_(q.shape[-1] ** -0.5)  # [rows · heads, 1, length]
        if not isinstance(places, int):
            # Rows with shorter prompts must not look at cells that nobody has written.
            unwritten = torch.arange(length, device=x.device) > places.unsqueeze(1)
            unwritten = unwritten.repeat_interleave(self.heads, 0).unsqueeze(1)
            scores = scores.masked_fill_(unwritten, -math.inf)
        mixed = torch.bmm(scores.softmax(-1), values).view(rows, -1)
        return self._think(x + self.attention_output(mixed))

    def _think(self, x: Tensor) -> Tensor:
        inner = F.gelu(self.expand(self.network_norm(x)), approximate="tanh")
        contracted: Tensor = self.contract(inner)
        return x + contracted


class GPT(LanguageModel):
    """A decoder-only transformer.

    It returns hidden states rather than logits: at most positions nobody asks for the logits, and
    with a small model the vocabulary is the most expensive layer. `log_probs` and `logits` turn
    the hidden states that matter into words.

    Example:
        >>> model = GPT(GPTConfig(), seed=1)
        >>> batch = TokenBatch.from_sequences([[5, 6, 7], [8, 9]])
        >>> hidden = model(batch)                                # [5, width]
        >>> log_probs = model.log_probs(hidden[:2], batch.tokens[1:3])  # of 6 after 5, of 7 after 6
    """

    def __init__(self, config: GPTConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Parameter(torch.empty(config.vocabulary, config.width))
        self.positions = nn.Parameter(torch.empty(config.context, config.width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.context_length = config.context
        self.hidden_size = config.width
        self.vocabulary = config.vocabulary
        self._initialize(seed)

    def _initialize(self, seed: int) -> None:
        """GPT-2's own: spread 0.02, less where layer upon layer adds to the residual stream."""
        generator = torch.Generator().manual_seed(seed)
        residual = ("attention_output.weight", "contract.weight")
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                spread = 0.02
                if name.endswith(residual):
                    spread /= math.sqrt(2 * self.config.layers)
                nn.init.normal_(parameter, 0.0, spread, generator=generator)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(
        self, batch: TokenBatch, cache: Cache | None = None, wanted: Tensor | None = None
    ) -> Tensor:
        """Hidden states [tokens, width] of every token; what is read also goes into the cache.

        Args:
            batch: what to read.
            cache: where to leave keys and values.
            wanted: [wanted] int64, the tokens whose states are asked for; None for all. In the last
                block, which no other follows, only these go beyond attention.

        Raises:
            InvalidSettingError: a row is longer than the context.
        """
        if batch.width > self.config.context:
            raise InvalidSettingError(
                "sequence", f"{batch.width} tokens",
                f"is longer than the model's context of {self.config.context}",
                "Shorten prompt or response",
            )  # fmt: skip
        x = F.embedding(batch.tokens, self.embedding) + F.embedding(batch.positions, self.positions)
        x = filled(x, usual_count(x, len(x)))
        for layer, block in enumerate(self.blocks):
            last = layer == len(self.blocks) - 1
            x = block(x, batch, cache, layer, wanted if last else None)
        hidden: Tensor = self.norm(x)
        return hidden[: len(batch.tokens if wanted is None else wanted)]

    def at(self, batch: TokenBatch, wanted: Tensor) -> Tensor:
        """Hidden states [wanted, width] of some tokens only, [wanted] int64."""
        states: Tensor = self(batch, wanted=wanted)
        return states

    def extend(self, tokens: Tensor, places: Tensor | int, cache: Cache) -> Tensor:
        """Hidden states [rows, width] of one more token in each row.

        Args:
            tokens: [rows], the token to read.
            places: [rows], its position in the row; a number where all rows have the same.
            cache: what `forward` and earlier calls have left.
        """
        position = (
            self.positions[places]
            if isinstance(places, int)
            else F.embedding(places, self.positions)
        )
        x = F.embedding(tokens, self.embedding) + position
        for layer, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            x = block.extend(x, places, cache, layer)
        hidden: Tensor = self.norm(x)
        return hidden

    def writer(self, prompts: TokenBatch, extra: int) -> GPTWriter:
        """Read the prompts and get ready for `extra` more tokens in each row."""
        return GPTWriter(self, prompts, extra)

    def logits(self, hidden: Tensor) -> Tensor:
        """Map hidden states [n, width] to logits [n, vocabulary] float32."""
        return F.linear(hidden, self.embedding).float()

    def log_probs(self, hidden: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
        """Log-probabilities of the tokens that came next.

        Args:
            hidden: [n, width], states before the tokens.
            targets: [n] int64, the tokens.
            temperature: logits are divided by it, as they were when the tokens were drawn.

        Returns:
            [n] float32, nats.
        """
        return token_log_probs(hidden, self.embedding, targets, temperature)


class GPTWriter:
    """Continues prompts through a cache; see `ppolab.language.models.Writer`."""

    def __init__(self, model: GPT, prompts: TokenBatch, extra: int) -> None:
        self._model = model
        weights = model.embedding
        self._cache = Cache(
            model.config, len(prompts), prompts.width + extra, weights.dtype, weights.device
        )
        self.hidden = model(prompts, self._cache, prompts.last)
        even = prompts.cells is None
        self._places: Tensor | int = prompts.width if even else prompts.lengths

    def extend(self, tokens: Tensor) -> Tensor:
        """Read one more token in each row, [rows]; return the states after it, [rows, width]."""
        hidden = self._model.extend(tokens, self._places, self._cache)
        self._places = self._places + 1
        return hidden

    def keep(self, rows: Tensor) -> None:
        """Go on with some rows only, [rows] bool."""
        self._cache.keep(rows)
        if not isinstance(self._places, int):
            self._places = self._places[rows]


def usual_count(x: Tensor, count: int) -> int:
    """How many rows like x's to make of `count`, for products to meet the same sizes again.

    In bfloat16 on a CPU, PyTorch's library (oneDNN) prepares machine code for each size of product
    that it meets and keeps it. Packed batches have a size of their own each: preparing would take
    longer than multiplying, and memory would grow with every update.
    """
    if x.dtype != torch.bfloat16 or x.is_cuda:
        return count
    return -(-count // _USUAL) * _USUAL


def filled(x: Tensor, count: int) -> Tensor:
    """Put rows of zeros after [rows, …] until there are `count`."""
    if len(x) == count:
        return x
    return torch.cat([x, x.new_zeros(count - len(x), *x.shape[1:])])


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Each token's mixture of the values of itself and of all before it.

    On a CPU two plain products are quicker than PyTorch's fused attention, whose backward pass in
    bfloat16 is several times slower than in float32; on a GPU the fused one is.

    Args:
        q: [rows, heads, time, head]; k and v likewise.

    Returns:
        [rows, heads, time, head].
    """
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    rows, heads, time, size = q.shape
    future = torch.full((time, time), -math.inf, dtype=q.dtype).triu(1)
    q, k, v = (tensor.reshape(rows * heads, time, size) for tensor in (q, k, v))
    scores = torch.baddbmm(future, q, k.transpose(1, 2), alpha=size**-0.5)
    return torch.bmm(scores.softmax(-1), v).view(rows, heads, time, size)


def token_log_probs(
    hidden: Tensor, embedding: Tensor, targets: Tensor, temperature: float = 1.0
) -> Tensor:
    r"""Log-probability of each target under softmax(h Eᵀ / T), as one step of the graph.

    Autograd's own way keeps the logits, the log-softmax and the gradient of each, all of size
    [n, vocabulary]. The gradient is known in closed form,

    $$\frac{\partial \log p(y)}{\partial z} = \mathrm{onehot}(y) - \mathrm{softmax}(z),$$

    so one array is enough, and backward overwrites it.

    Args:
        hidden: [n, width].
        embedding: [vocabulary, width].
        targets: [n] int64.
        temperature: T > 0.

    Returns:
        [n] float32, nats.
    """
    if kernels_serve(hidden, embedding, len(embedding)):
        hidden = filled(hidden, usual_count(hidden, len(hidden)))
        return kernels.token_log_probs(hidden, embedding, targets, temperature)
    apply: Callable[..., Tensor] = _TokenLogProbs.apply
    return apply(hidden, embedding, targets, temperature)


class _TokenLogProbs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, embedding: Tensor, targets: Tensor, temperature: float
    ) -> Tensor:
        hidden = filled(hidden, usual_count(hidden, len(hidden)))
        logits = F.linear(hidden, embedding)
        if temperature != 1.0:
            logits /= temperature
        log_softmax = torch.log_softmax(logits, -1, dtype=torch.float32)
        ctx.save_for_backward(hidden, embedding, targets, log_softmax)
        ctx.temperature = temperature
        return log_softmax[: len(targets)].gather(1, targets.unsqueeze(1)).squeeze(1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        hidden, embedding, targets, log_softmax = ctx.saved_tensors
        weight = filled(gradients[0].unsqueeze(1) / ctx.temperature, len(hidden))
        by_logit = log_softmax.exp_().mul_(-weight)  # overwrites what forward saved: once only
        by_logit[: len(targets)].scatter_add_(1, targets.unsqueeze(1), weight[: len(targets)])
        by_logit = by_logit.to(hidden.dtype)
        return (by_logit @ embedding)[: len(targets)], by_logit.t() @ hidden, None, None
