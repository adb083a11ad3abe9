"""Writing responses: sampling token by token, keeping what PPO will ask for afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ppolab.errors import InvalidSettingError
from ppolab.language import kernels
from ppolab.language.hardware import kernels_serve
from ppolab.language.models import LanguageModel
from ppolab.language.tokens import TokenBatch


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn."""

    longest: int = 24
    """Tokens of a response at most, its end-of-sequence token included."""
    temperature: float = 1.0
    """Logits are divided by it; 0 always takes the likeliest token."""
    top_k: int | None = None
    """Draw among the k likeliest tokens only; None among all."""
    top_p: float | None = None
    """Draw among the likeliest tokens that together have this probability; None among all."""

    def __post_init__(self) -> None:
        _require("longest", self.longest, self.longest >= 1, "must be at least 1", "Give 1 or more")
        _require("temperature", self.temperature, 0 <= self.temperature < math.inf,
                 "must not be negative", "Give 0 or a positive number")  # fmt: skip
        _require("top_k", self.top_k, self.top_k is None or self.top_k >= 1,
                 "must be at least 1", "Give 1 or more, or leave it out")  # fmt: skip
        _require("top_p", self.top_p, self.top_p is None or 0 < self.top_p <= 1,
                 "must lie in (0, 1]", "Give more than 0, up to 1, or leave it out")  # fmt: skip

    @property
    def whole(self) -> bool:
        """Whether every token may be drawn, as PPO needs it of the policy it improves."""
        return self.top_k is None and self.top_p is None and self.temperature > 0


@dataclass(frozen=True)
class Samples:
    """Prompts and the responses written to them."""

    prompts: Tensor  # [rows, longest prompt] int64, padded on the right
    prompt_lengths: Tensor  # [rows]
    responses: Tensor  # [rows, longest response] int64, padded on the right
    response_lengths: Tensor  # [rows], the end-of-sequence token included
    ended: Tensor  # [rows] bool, whether there is an end-of-sequence token
    log_probs: Tensor  # [rows, longest response] nats, under the policy that wrote them; 0 outside
    values: Tensor | None = None  # [rows, longest response], if a critic read along; 0 outside

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.prompts)

    @cached_property
    def mask(self) -> Tensor:
        """[rows, longest response] bool, True for tokens of the responses."""
        places = torch.arange(self.responses.shape[1], device=self.responses.device)
        return places < self.response_lengths.unsqueeze(1)

    @cached_property
    def whole(self) -> TokenBatch:
        """Every token of prompt and response."""
        return TokenBatch.from_padded(*self._joined())

    @cached_property
    def context(self) -> TokenBatch:
        """Every token but each row's last, which no token of the response comes after."""
        padded, lengths = self._joined()
        return TokenBatch.from_padded(padded, lengths - 1)

    @cached_property
    def predictors(self) -> Tensor:
        """[response tokens], where in `context` the token before each response token is."""
        batch = self.context
        row = torch.repeat_interleave(
            torch.arange(len(self), device=self.prompts.device), batch.lengths
        )
        return (batch.positions >= self.prompt_lengths[row] - 1).nonzero().squeeze(1)

    @property
    def targets(self) -> Tensor:
        """[response tokens], all responses one after the other."""
        return self.responses[self.mask]

    def pad(self, flat: Tensor) -> Tensor:
        """Lay [response tokens] out as [rows, longest response], 0 outside."""
        padded = flat.new_zeros(self.responses.shape)
        padded[self.mask] = flat
        return padded

    def rows(self, chosen: Tensor) -> Samples:
        """Some of the rows, with no more padding than they need."""
        prompts, responses = self.prompt_lengths[chosen], self.response_lengths[chosen]
        p, r = int(prompts.max()), int(responses.max())
        return Samples(
            self.prompts[chosen, :p], prompts, self.responses[chosen, :r], responses,
            self.ended[chosen], self.log_probs[chosen, :r],
            None if self.values is None else self.values[chosen, :r],
        )  # fmt: skip

    def token_lists(self) -> list[list[int]]:
        """Prompt and response of each row as one list of token ids, without padding."""
        batch = self.whole
        return [row.tolist() for row in torch.split(batch.tokens, batch.lengths.tolist())]

    def _joined(self) -> tuple[Tensor, Tensor]:
        """Prompts and responses side by side without a gap between them, and their lengths."""
        lengths = self.prompt_lengths + self.response_lengths
        p = self.prompts.shape[1]
        if bool((self.prompt_lengths == p).all()):
            return torch.cat([self.prompts, self.responses], 1), lengths
        joined = self.prompts.new_zeros(len(self), p + self.responses.shape[1])
        joined[:, :p] = self.prompts
        places = self.prompt_lengths.unsqueeze(1) + torch.arange(
            self.responses.shape[1], device=joined.device
        )
        return joined.scatter_(1, places, self.responses), lengths


@torch.no_grad()
def generate(
    model: LanguageModel,
    prompts: TokenBatch,
    sampling: Sampling,
    end: int,
    generator: torch.Generator,
    value_head: Callable[[Tensor], Tensor] | None = None,
    part: tuple[int, int] | None = None,
) -> Samples:
    """Write a response to each prompt.

    A response ends with the end-of-sequence token or at the longest length. Rows that ended are
    dropped from the arithmetic once they are half of it.

    Args:
        model: who writes.
        prompts: what it answers.
        sampling: how tokens are drawn.
        end: id of the end-of-sequence token.
        generator: of the draws; the same one gives the same responses.
        value_head: hidden states [rows, width] to values [rows], for a critic on the same trunk.
        part: (first row, all rows) of the batch that these prompts are a part of. Chance is drawn
            for all of it, so that responses do not depend on how a batch is cut.

    Raises:
        InvalidSettingError: prompt and response together are longer than the model's context.
    """
    prompts = prompts.to(model.device)
    rows, device = len(prompts), prompts.tokens.device
    first, whole = part or (0, rows)
    longest = prompts.width + sampling.longest
    _require("longest", sampling.longest, longest <= model.context_length,
             f"makes {longest} tokens with a prompt of {prompts.width}, and the model's context "
             f"holds {model.context_length}", "Shorten prompt or response")  # fmt: skip
    responses = torch.zeros(rows, sampling.longest, dtype=torch.long, device=device)
    log_probs = torch.zeros(rows, sampling.longest, device=device)
    values = torch.zeros_like(log_probs) if value_head is not None else None
    lengths = torch.full((rows,), sampling.longest, device=device)

    writer = model.writer(prompts, sampling.longest)
    hidden = writer.hidden
    active = torch.arange(rows, device=device)  # rows still written
    going = torch.ones(rows, dtype=torch.bool, device=device)  # of the active ones
    for t in range(sampling.longest):
        logits = model.logits(hidden)
        uniforms = torch.rand(whole, generator=generator)[first : first + rows]
        uniforms = uniforms.to(device)[active]
        tokens, chosen_log_probs = draw(logits, sampling, uniforms)
        written = active[going]
        responses[written, t] = tokens[going]
        log_probs[written, t] = chosen_log_probs[going]
        if values is not None and value_head is not None:
            values[written, t] = value_head(hidden)[going].float()
        ended_now = going & (tokens == end)
        lengths[active[ended_now]] = t + 1
        going = going & ~ended_now
        left = int(going.sum())
        if left == 0 or t + 1 == sampling.longest:
            break
        if left <= len(active) // 2:
            kept = _halved(going, left)
            writer.keep(kept)
            active, tokens, going = active[kept], tokens[kept], going[kept]
        hidden = writer.extend(tokens)

    r = int(lengths.max())
    padded = prompts.spread(prompts.tokens)
    ended = responses.gather(1, (lengths - 1).unsqueeze(1)).squeeze(1) == end
    return Samples(
        padded, prompts.lengths, responses[:, :r], lengths, ended, log_probs[:, :r],
        None if values is None else values[:, :r],
    )  # fmt: skip


def _halved(going: Tensor, left: int) -> Tensor:
    """Rows to go on with, [rows] bool: all that are still written, and ended ones up to a half,
    a quarter and so on of all, so that few sizes of products are met; see `gpt.usual_count`.
    """
    size = len(going)
    while size // 2 >= left:
        size //= 2
    kept = going.clone()
    kept[(~going).nonzero()[: size - left, 0]] = True
    return kept


def draw(logits: Tensor, sampling: Sampling, uniforms: Tensor) -> tuple[Tensor, Tensor]:
    """Draw one token for each row by inverting the cumulative distribution.

    That takes one pass over the logits where `torch.multinomial` takes several, and the same
    uniforms always choose the same tokens.

    Args:
        logits: [rows, vocabulary] float32; may be overwritten.
        sampling: how to draw.
        uniforms: [rows] in [0, 1), the chance that decides.

    Returns:
        Tokens [rows] and their log-probabilities [rows] in nats under softmax(logits / T), the
        distribution that training sees; at temperature 0 under softmax(logits).
    """
    if sampling.whole and kernels_serve(logits, logits, logits.shape[1]):
        return kernels.draw(logits, sampling.temperature, uniforms)
    if sampling.temperature not in (0.0, 1.0):
        logits = logits.div_(sampling.temperature)
    logits = logits.sub_(logits.amax(1, keepdim=True))
    weights = logits.exp()
    total = weights.sum(1)
    if sampling.temperature == 0:
        tokens = logits.argmax(1)
    else:
        allowed = weights if sampling.whole else _restricted(weights, sampling)
        cumulative = allowed.cumsum(1)
        thresholds = (uniforms * cumulative[:, -1]).unsqueeze(1)
        tokens = torch.searchsorted(cumulative, thresholds, right=True).squeeze(1)
        tokens = tokens.clamp_(max=logits.shape[1] - 1)
    chosen = logits.gather(1, tokens.unsqueeze(1)).squeeze(1) - total.log()
    return tokens, chosen


def _restricted(weights: Tensor, sampling: Sampling) -> Tensor:
    """Weights with 0 for tokens outside the top k or the nucleus (Holtzman et al. 2020)."""
    ordered, order = weights.sort(1, descending=True)
    if sampling.top_k is not None:
        ordered[:, sampling.top_k :] = 0
    if sampling.top_p is not None:
        before = ordered.cumsum(1) - ordered  # the first token is always in
        ordered[before >= sampling.top_p * ordered.sum(1, keepdim=True)] = 0
    return torch.zeros_like(weights).scatter_(1, order, ordered)


def _require(name: str, value: object, holds: bool, problem: str, mend: str) -> None:
    if not holds:
        raise InvalidSettingError(name, value, problem, mend)
