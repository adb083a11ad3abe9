"""Any causal language model of `transformers` behind our interface."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 – the field's own abbreviation
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ppolab.errors import InvalidSettingError, UnavailableError
from ppolab.language.models import LanguageModel, Writer
from ppolab.language.tokens import TokenBatch

_LOGITS_AT_ONCE = 2**24  # numbers: 64 MB in float32, whatever the size of the vocabulary
_UNBOUNDED = 2**20  # context of a model that names none
_PROBE_TOLERANCE = 1e-2  # of logits, relative; half precision rounds to 4e-3


class HuggingFaceModel(LanguageModel):
    """Wraps a model that `AutoModelForCausalLM` makes, with or without a LoRA adapter.

    Sequences are padded inside and only real tokens come out. Reading pads on the right, where no
    token looks, and so needs no mask; writing pads on the left, so that the cells of the cache are
    as far apart as the tokens, which sliding windows count on. Dropout is off: log-probabilities
    that change from call to call cannot be compared with those of the rollout.

    Args:
        model: the causal model, or peft's wrapper of one; trained in place.
        gradient_checkpointing: compute states again in the backward pass instead of keeping them.

    Raises:
        UnavailableError: the model makes logits in a way that this class does not know. It is tried
            on a few tokens, rather than trusted.
    """

    def __init__(self, model: Any, gradient_checkpointing: bool = False) -> None:
        super().__init__()
        self.wrapped = model
        self._checkpointing = gradient_checkpointing
        _switch_dropout_off(model)
        config = self.causal.config.get_text_config()
        self._head = self.causal.get_output_embeddings()
        self.vocabulary, self.hidden_size = self._head.weight.shape
        self.context_length = getattr(config, "max_position_embeddings", None) or _UNBOUNDED
        self._cap: float | None = getattr(config, "final_logit_softcapping", None)
        # Cohere multiplies by one number, Granite divides by another.
        self._scale = float(getattr(config, "logit_scale", None) or 1.0)
        self._scale /= float(getattr(config, "logits_scaling", None) or 1.0)
        self._takes_positions = "position_ids" in _parameters(self.causal.base_model)
        if gradient_checkpointing:
            self.causal.activation_checkpointing_enable()
        self._set_mode(False)
        self._probe()

    @property
    def causal(self) -> Any:
        """The model without peft's wrapper; its layers hold the adapter, if there is one."""
        return self.wrapped.get_base_model() if self.has_adapter else self.wrapped

    @property
    def has_adapter(self) -> bool:
        """Whether only an adapter is trained."""
        return hasattr(self.wrapped, "peft_config")

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        device: torch.device = self._head.weight.device
        return device

    def forward(self, batch: TokenBatch) -> Tensor:
        """Hidden states [tokens, width] of every real token.

        Raises:
            InvalidSettingError: a row is longer than the context.
        """
        if batch.width > self.context_length:
            raise InvalidSettingError(
                "sequence", f"{batch.width} tokens",
                f"is longer than the model's context of {self.context_length}",
                "Shorten prompt or response",
            )  # fmt: skip
        batch = batch.to(self.device)
        self._set_mode(self._checkpointing and torch.is_grad_enabled())
        output = self.causal.base_model(input_ids=batch.spread(batch.tokens), use_cache=False)
        return batch.gather(output.last_hidden_state)

    def logits(self, hidden: Tensor) -> Tensor:
        """Map hidden states [n, width] to logits [n, vocabulary] float32."""
        logits: Tensor = self._head(hidden).float()
        if self._scale != 1.0:
            logits = logits * self._scale
        if self._cap is not None:
            logits = self._cap * torch.tanh(logits / self._cap)
        return logits

    def log_probs(self, hidden: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
        """Log-probabilities [n] in nats of targets [n] after hidden states [n, width].

        Logits exist for a part of the tokens at a time, and are made again for the backward pass:
        with 150,000 words, those of a whole batch would need more memory than the model.
        """
        targets = targets.to(hidden.device)
        size = max(1, _LOGITS_AT_ONCE // self.vocabulary)
        if len(hidden) <= size:
            return self._chunk(hidden, targets, temperature)
        again = torch.is_grad_enabled()
        pieces = zip(torch.split(hidden, size), torch.split(targets, size), strict=True)
        return torch.cat([
            checkpoint(self._chunk, h, t, temperature, use_reentrant=False)
            if again else self._chunk(h, t, temperature)
            for h, t in pieces
        ])  # fmt: skip

    def writer(self, prompts: TokenBatch, extra: int) -> HuggingFaceWriter:
        """Read the prompts and get ready for more tokens in each row; the cache grows by itself."""
        self._set_mode(False)
        return HuggingFaceWriter(self, prompts.to(self.device))

    @contextmanager
    def adapter_disabled(self) -> Iterator[None]:
        """Be the model from before the adapter for a while."""
        with self.wrapped.disable_adapter():
            yield

    def train(self, mode: bool = True) -> HuggingFaceModel:
        """Does nothing: there is no dropout here to be switched."""
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> HuggingFaceModel:
        """Convert the weights but not the tables of rotary frequencies, which need float32."""
        tables = [
            (module, name, getattr(module, name))
            for module in self.modules()
            for name in module._non_persistent_buffers_set
            if isinstance(getattr(module, name), Tensor)
        ]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for module, name, table in tables:
            setattr(module, name, table.to(self.device))
        return self

    def _chunk(self, hidden: Tensor, targets: Tensor, temperature: float) -> Tensor:
        logits = self.logits(hidden)
        if temperature != 1.0:
            logits = logits / temperature
        return -F.cross_entropy(logits, targets, reduction="none")

    def _set_mode(self, training: bool) -> None:
        """Checkpoints are only taken in training mode; the cache only works outside it."""
        if self.causal.training != training or self.causal.base_model.training != training:
            self.causal.train(training)

    @torch.no_grad()
    def _probe(self) -> None:
        """Compare with the model's own forward pass, so that no unknown head goes unnoticed."""
        tokens = torch.arange(1, 5, device=self.device) % self.vocabulary
        ours = self.logits(self(TokenBatch.from_padded(tokens.unsqueeze(0))))
        theirs = self.causal(input_ids=tokens.unsqueeze(0), use_cache=False).logits[0].float()
        if not torch.allclose(ours, theirs, _PROBE_TOLERANCE, _PROBE_TOLERANCE):
            raise UnavailableError(
                "model", self.causal.config.model_type,
                "makes its logits in a way that is not known here",
                "Choose a model of another kind, such as Llama, Qwen, Gemma or GPT-2",
            )  # fmt: skip


class HuggingFaceWriter:
    """Continues prompts through the model's cache; see `ppolab.language.models.Writer`."""

    def __init__(self, model: HuggingFaceModel, prompts: TokenBatch) -> None:
        from transformers import DynamicCache

        self._model = model
        self._cache = DynamicCache(config=model.causal.config)
        places = torch.arange(prompts.width, device=model.device)
        shift = (prompts.width - prompts.lengths).unsqueeze(1)  # [rows, 1], cells of padding
        padded = prompts.spread(prompts.tokens)
        self._mask = (places >= shift).long()  # [rows, cells of the cache]
        self._places = prompts.lengths  # [rows], position of the next token
        left = padded.gather(1, (places - shift).clamp(min=0))
        self.hidden = self._read(left, (places - shift).clamp(min=0))

    def extend(self, tokens: Tensor) -> Tensor:
        """Read one more token in each row, [rows]; return the states after it, [rows, width]."""
        self._mask = F.pad(self._mask, (0, 1), value=1)
        states = self._read(tokens.unsqueeze(1), self._places.unsqueeze(1))
        self._places = self._places + 1
        return states

    def keep(self, rows: Tensor) -> None:
        """Go on with some rows only, [rows] bool."""
        chosen = rows.nonzero().squeeze(1)
        self._cache.batch_select_indices(chosen)
        self._mask, self._places = self._mask[chosen], self._places[chosen]

    def _read(self, tokens: Tensor, places: Tensor) -> Tensor:
        positions = {"position_ids": places} if self._model._takes_positions else {}
        output = self._model.causal.base_model(
            input_ids=tokens, attention_mask=self._mask, past_key_values=self._cache,
            use_cache=True, **positions,
        )  # fmt: skip
        states: Tensor = output.last_hidden_state[:, -1]
        return states


class AdapterOff(LanguageModel):
    """What a model with an adapter was before it learnt: a reference that takes no memory.

    It is for reading only, without gradients.
    """

    def __init__(self, model: HuggingFaceModel) -> None:
        super().__init__()
        if not model.has_adapter:
            raise InvalidSettingError(
                "reference", type(model.causal).__name__, "has no adapter to be switched off",
                "Set lora_rank, or give a copy of the model",
            )  # fmt: skip
        self.model = model
        self.context_length, self.hidden_size = model.context_length, model.hidden_size
        self.vocabulary = model.vocabulary

    def forward(self, batch: TokenBatch) -> Tensor:
        """Hidden states [tokens, width] of every token."""
        with torch.no_grad(), self.model.adapter_disabled():
            hidden: Tensor = self.model(batch)
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """Map hidden states [n, width] to logits [n, vocabulary] float32."""
        with torch.no_grad(), self.model.adapter_disabled():
            return self.model.logits(hidden)

    def log_probs(self, hidden: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
        """Log-probabilities [n] in nats of targets [n] after hidden states [n, width]."""
        with torch.no_grad(), self.model.adapter_disabled():
            return self.model.log_probs(hidden, targets, temperature)

    def writer(self, prompts: TokenBatch, extra: int) -> Writer:
        """Read the prompts and get ready for `extra` more tokens in each row."""
        with torch.no_grad(), self.model.adapter_disabled():
            return _AdapterOffWriter(self.model, self.model.writer(prompts, extra))


class _AdapterOffWriter:
    """Writes with the adapter switched off at each step, for it may learn in between."""

    def __init__(self, model: HuggingFaceModel, writer: HuggingFaceWriter) -> None:
        self._model, self._writer = model, writer
        self.hidden = writer.hidden
        self.keep = writer.keep

    def extend(self, tokens: Tensor) -> Tensor:
        with torch.no_grad(), self._model.adapter_disabled():
            return self._writer.extend(tokens)


def _switch_dropout_off(model: nn.Module) -> None:
    """Also in training mode, which gradient checkpoints need."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name, value in vars(module).items():
            if "drop" in name and isinstance(value, float):
                setattr(module, name, 0.0)


def _parameters(module: nn.Module) -> set[str]:
    return set(inspect.signature(module.forward).parameters)
