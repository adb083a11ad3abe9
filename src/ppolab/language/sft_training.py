"""The stage of supervised fine-tuning: from a base model to one that does the task."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from ppolab.errors import InvalidSettingError, PPOLabError
from ppolab.language.changeable import changeable
from ppolab.language.hardware import dtype_of
from ppolab.language.models import LanguageModel
from ppolab.language.optimizer import FlatAdamW, Optimizer
from ppolab.language.ranks import Ranks, require_divisible
from ppolab.language.sft import (
    Example,
    epochs_of,
    next_token_loss,
    response_tokens,
    validation_loss,
    warmup_then_decay,
)
from ppolab.language.stage_trainer import StageTrainer
from ppolab.recorder import NullRecorder, Recorder


class SFTDivergedError(PPOLabError):
    """The loss stopped being finite."""


@dataclass(frozen=True)
class SFTConfig:
    """How a base model is taught a task by examples."""

    seed: int = 1
    """Seeds the order of the examples."""
    updates: int = 400
    """Gradient steps."""
    batch_size: int = 32
    """Examples per gradient step."""
    micro_batch_size: int | None = None
    """Examples that go through the model at once; None takes the whole batch."""
    learning_rate: float = 1e-3
    """AdamW's step size after warm-up."""
    weight_decay: float = 0.01
    """AdamW's, of matrices."""
    evaluate_every: int = 50
    """Gradient steps between measurements on held-out examples."""
    dtype: str = "auto"
    """Arithmetic: auto, float32 or bfloat16."""

    def __post_init__(self) -> None:
        for name in ("updates", "batch_size", "learning_rate", "evaluate_every"):
            self._require(name, getattr(self, name) > 0, "must be positive", "Give more than 0")
        self._require("weight_decay", self.weight_decay >= 0, "must not be negative",
                      "Give 0 or more")  # fmt: skip
        self._require("dtype", self.dtype in ("auto", "float32", "bfloat16"), "is not known",
                      "Known: auto, float32, bfloat16")  # fmt: skip

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data from which `SFTConfig(**data)` builds the same settings."""
        return asdict(self)

    def _require(self, name: str, holds: bool, problem: str, mend: str) -> None:
        if not holds:
            raise InvalidSettingError(name, getattr(self, name), problem, mend)


class SFTTrainer(StageTrainer):
    """Fine-tunes a model on examples.

    One call of `iterate` is one gradient step. Between calls it can be saved and restored.

    Args:
        config: settings.
        model: what is trained, in place.
        examples: what to learn.
        held_out: examples for measuring, never learnt from.
        recorder: told what happens.
        write: what the model answers held-out prompts, as texts for people to read.
    """

    config: SFTConfig

    def __init__(
        self,
        config: SFTConfig,
        model: LanguageModel,
        examples: Sequence[Example],
        held_out: Sequence[Example],
        recorder: Recorder | None = None,
        write: Callable[[LanguageModel], list[str]] | None = None,
    ) -> None:
        self.config, self.model = config, model
        self.live_settings = changeable(config.to_mapping())
        self.recorder: Recorder = recorder if recorder is not None else NullRecorder()
        self._examples, self._held_out = list(examples), list(held_out)
        self._write = write
        self.dtype = dtype_of(config.dtype)
        self.ranks = Ranks()
        self.optimizer: Optimizer = FlatAdamW(
            [model], config.learning_rate, self.dtype, (0.9, 0.98),
            weight_decay=config.weight_decay,
        )  # fmt: skip
        self._start_over(0)

    @property
    def total_steps(self) -> int:
        """Gradient steps of the whole training."""
        return self.config.updates

    def iterate(self) -> dict[str, float]:
        """Take one gradient step; return what was recorded.

        Raises:
            SFTDivergedError: the loss stopped being finite.
        """
        if self.iteration == 0 and self._held_out:
            self.recorder.metrics(0, **self._measure())
        batch = next(self._batches)
        tokens = response_tokens(batch)
        batch = batch[self.ranks.share(len(batch))]
        size = self.config.micro_batch_size or len(batch)
        loss = 0.0
        with self.recorder.stage("update"):
            for start in range(0, len(batch), size):
                piece = next_token_loss(self.model, batch[start : start + size], tokens)
                torch.autograd.backward(piece)
                loss += piece.item()
            loss = self.ranks.sum(torch.tensor(loss, dtype=torch.float64)).item()
            rate = self.config.learning_rate * warmup_then_decay(
                (self.iteration + 1) / self.config.updates
            )
            norm = self.optimizer.step(rate)
        self.iteration += 1
        metrics = {"sft_loss": loss, "gradient_norm": norm.item(), "learning_rate": rate}
        if self.iteration % self.config.evaluate_every == 0 or self.finished:
            metrics |= self._measure()
        self.recorder.metrics(self.step, **metrics)
        if not math.isfinite(loss):
            raise SFTDivergedError(
                "loss", loss, f"is not finite at step {self.step}", "Lower the learning rate"
            )
        return metrics

    def _measure(self) -> dict[str, float]:
        """The held-out loss, its perplexity, and texts for people to read."""
        held_out = self.validate()
        if self._write is not None:
            with self.ranks.reading(self.model):
                self.recorder.sample(self.step, texts=self._write(self.model))
        return {"sft_validation_loss": held_out, "perplexity": math.exp(held_out)}

    def validate(self) -> float:
        """The loss on the examples held out, nats per token."""
        with self.ranks.reading(self.model):
            return validation_loss(self.model, self._held_out)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything needed to go on: tensors, and plain data that JSON can hold."""
        tensors = self.optimizer.state()
        return tensors, {"iteration": self.iteration, "live_settings": self.settings_now()}

    def restore(self, tensors: Mapping[str, Tensor], extra: Mapping[str, Any]) -> bool:
        """Go back to a state that `state` returned; always True, for such a state is whole."""
        self.optimizer.restore(tensors)
        self._start_over(extra["iteration"])
        self.set_again(extra)
        return True

    def join(self, ranks: Ranks) -> None:
        """Share the examples of each batch with other ranks."""
        require_divisible("batch_size", self.config.batch_size, ranks)
        assert isinstance(self.optimizer, FlatAdamW)
        self.ranks, self.optimizer = ranks, ranks.adopt(self.optimizer, [self.model])

    def _start_over(self, iteration: int) -> None:
        """Deal the examples out from the seed, up to an iteration."""
        generator = torch.Generator().manual_seed(self.config.seed)
        self._batches = epochs_of(self._examples, self.config.batch_size, generator)
        for _ in range(iteration):
            next(self._batches)
        self.iteration = iteration
