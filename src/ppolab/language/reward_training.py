"""Training a reward model on comparisons, and asking how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from ppolab.algorithms.calibration import expected_calibration_error
from ppolab.algorithms.preferences import bradley_terry_loss, preference_probability
from ppolab.errors import InvalidSettingError, PPOLabError, UnknownNameError
from ppolab.language.hardware import dtype_of
from ppolab.language.optimizer import FlatAdamW
from ppolab.language.preference_data import PreferencePair
from ppolab.language.reward_model import RewardModel
from ppolab.language.sft import warmup_then_decay
from ppolab.language.tokens import TokenBatch
from ppolab.recorder import NullRecorder, Recorder

PreferenceLoss = Callable[[Tensor, Tensor, Tensor], Tensor]  # chosen, rejected, margins → [pairs]
_EVALUATION_BATCH = 128  # pairs read at a time when nothing is learnt


class RewardTrainingDivergedError(PPOLabError):
    """The loss stopped being finite."""


@dataclass(frozen=True)
class RewardConfig:
    """How a reward model is trained. One epoch: a second learns the raters' errors by heart."""

    seed: int = 1
    """Seeds the head and the order of the pairs."""
    epochs: int = 1
    """Passes over the pairs."""
    batch_size: int = 32
    """Pairs per gradient step."""
    learning_rate: float = 5e-4
    """AdamW's step size after warm-up."""
    weight_decay: float = 0.0
    """AdamW's, of matrices."""
    label_smoothing: float = 0.0
    """Share of the comparisons taken to be wrong."""
    held_out: float = 0.1
    """Share of the pairs kept for measuring accuracy."""
    evaluate_every: int = 50
    """Gradient steps between measurements."""
    dtype: str = "auto"
    """Arithmetic: auto, float32 or bfloat16."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "evaluate_every"):
            self._require(name, getattr(self, name) > 0, "must be positive", "Give more than 0")
        self._require("held_out", 0 < self.held_out < 1, "must lie in (0, 1)",
                      "Give a share such as 0.1")  # fmt: skip
        self._require("label_smoothing", 0 <= self.label_smoothing < 0.5, "must lie in [0, 0.5)",
                      "Give a share below one half")  # fmt: skip
        self._require("dtype", self.dtype in ("auto", "float32", "bfloat16"), "is not known",
                      "Known: auto, float32, bfloat16")  # fmt: skip

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data from which `RewardConfig(**data)` builds the same settings."""
        return asdict(self)

    def _require(self, name: str, holds: bool, problem: str, mend: str) -> None:
        if not holds:
            raise InvalidSettingError(name, getattr(self, name), problem, mend)


@dataclass(frozen=True)
class RewardEvaluation:
    """How well a reward model tells held-out pairs apart."""

    accuracy: float  # share of pairs scored in the raters' order
    gold_accuracy: float  # share scored in the order of the gold scores, whatever raters said
    clear_accuracy: float  # accuracy where gold scores differ by more than one half
    loss: float  # Bradley–Terry, nats; ln 2 ≈ 0.693 knows nothing
    margin: float  # mean difference of scores, chosen less rejected
    spread: float  # standard deviation of all scores; 0 for a dead model
    calibration_error: float  # between claimed and true shares of right order

    def metrics(self) -> dict[str, float]:
        """The numbers under the names that a run records them by."""
        return {f"rm_{name}": value for name, value in asdict(self).items()}


class RewardTrainer:
    """Trains a reward model by the Bradley–Terry loss.

    One call of `iterate` is one gradient step. Between calls it can be saved and restored.

    Args:
        config: settings.
        model: what is trained, in place.
        pairs: comparisons; a share is held out for measuring.
        recorder: told what happens.
        loss: of each pair; Bradley–Terry by default.
    """

    def __init__(
        self,
        config: RewardConfig,
        model: RewardModel,
        pairs: Sequence[PreferencePair],
        recorder: Recorder | None = None,
        loss: PreferenceLoss | None = None,
    ) -> None:
        planned_steps(config, len(pairs))
        held_out = _held_out(config, len(pairs))
        self.config, self.model = config, model
        self.recorder: Recorder = recorder if recorder is not None else NullRecorder()
        self._train, self._held_out = list(pairs[:-held_out]), list(pairs[-held_out:])
        self._loss = loss or (
            lambda chosen, rejected, margins: bradley_terry_loss(
                chosen, rejected, margins, config.label_smoothing
            )
        )
        self.dtype = dtype_of(config.dtype)
        self.optimizer = FlatAdamW(
            [model], config.learning_rate, self.dtype, (0.9, 0.98),
            weight_decay=config.weight_decay,
        )  # fmt: skip
        self.generator = torch.Generator().manual_seed(config.seed)
        self._steps_per_epoch = len(self._train) // config.batch_size
        self._order = torch.randperm(len(self._train), generator=self.generator)
        self.iteration = 0

    @property
    def step(self) -> int:
        """Gradient steps taken so far."""
        return self.iteration

    @property
    def total_steps(self) -> int:
        """Gradient steps of the whole training."""
        return self.config.epochs * self._steps_per_epoch

    @property
    def finished(self) -> bool:
        """Whether all steps are taken."""
        return self.iteration >= self.total_steps

    def iterate(self) -> dict[str, float]:
        """Take one gradient step; return what was recorded.

        Raises:
            RewardTrainingDivergedError: the loss stopped being finite.
        """
        at = self.iteration % self._steps_per_epoch
        if at == 0 and self.iteration > 0:
            self._order = torch.randperm(len(self._train), generator=self.generator)
        size = self.config.batch_size
        batch = [self._train[i] for i in self._order[at * size : (at + 1) * size].tolist()]
        with self.recorder.stage("update"):
            chosen, rejected = score_pairs(self.model, batch)
            margins = torch.tensor([pair.margin for pair in batch])
            loss = self._loss(chosen, rejected, margins).mean()
            torch.autograd.backward(loss)
            rate = self.config.learning_rate * warmup_then_decay(
                (self.iteration + 1) / self.total_steps
            )
            norm = self.optimizer.step(rate)
        self.iteration += 1
        metrics = {
            "rm_train_loss": loss.item(),
            "rm_train_accuracy": (chosen > rejected).float().mean().item(),
            "gradient_norm": norm.item(),
            "learning_rate": rate,
        }
        if self.iteration % self.config.evaluate_every == 0 or self.finished:
            metrics |= self.evaluate().metrics()
        self.recorder.metrics(self.step, **metrics)
        if not math.isfinite(metrics["rm_train_loss"]):
            raise RewardTrainingDivergedError(
                "loss", metrics["rm_train_loss"], f"is not finite at step {self.step}",
                "Lower the learning rate",
            )  # fmt: skip
        return metrics

    def evaluate(self) -> RewardEvaluation:
        """Measure the model on the pairs held out."""
        return evaluate_reward_model(self.model, self._held_out)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything needed to go on: tensors, and plain data that JSON can hold."""
        tensors = {f"optimizer.{k}": v for k, v in self.optimizer.state().items()}
        tensors |= {"generator": self.generator.get_state(), "order": self._order}
        return tensors, {"iteration": self.iteration}

    def restore(self, tensors: Mapping[str, Tensor], extra: Mapping[str, Any]) -> bool:
        """Go back to a state that `state` returned; always True, for such a state is whole."""
        prefix = "optimizer."
        self.optimizer.restore(
            {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        )
        self.generator.set_state(tensors["generator"])
        self._order = tensors["order"].clone()
        self.iteration = extra["iteration"]
        return True

    def change(self, name: str, value: float) -> float:
        """Change a live setting; there is none."""
        raise UnknownNameError("setting", name, [])

    def close(self) -> None:
        """Nothing is held."""


def planned_steps(config: RewardConfig, pairs: int) -> int:
    """Gradient steps that a training on so many pairs takes.

    Raises:
        InvalidSettingError: the pairs do not fill one batch.
    """
    kept = pairs - _held_out(config, pairs)
    if kept < config.batch_size:
        raise InvalidSettingError(
            "pairs", pairs, f"are too few for batches of {config.batch_size}",
            f"Give {pairs - kept + config.batch_size} or more, or a smaller batch",
        )  # fmt: skip
    return config.epochs * (kept // config.batch_size)


def _held_out(config: RewardConfig, pairs: int) -> int:
    return max(1, round(config.held_out * pairs))


def score_pairs(model: RewardModel, pairs: Sequence[PreferencePair]) -> tuple[Tensor, Tensor]:
    """Scores of the chosen [pairs] and of the rejected answers [pairs], read in one batch."""
    texts = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
    scores = model(TokenBatch.from_sequences(texts))
    return scores[: len(pairs)], scores[len(pairs) :]


@torch.no_grad()
def evaluate_reward_model(model: RewardModel, pairs: Sequence[PreferencePair]) -> RewardEvaluation:
    """Measure a model on pairs that it was not trained on."""
    batches = [
        score_pairs(model, pairs[start : start + _EVALUATION_BATCH])
        for start in range(0, len(pairs), _EVALUATION_BATCH)
    ]
    chosen = torch.cat([batch[0] for batch in batches])
    rejected = torch.cat([batch[1] for batch in batches])
    gold = torch.tensor([pair.gold_margin for pair in pairs])
    right = (chosen > rejected).float()  # a tie is no answer, and counts as wrong
    clear = gold.abs() > 0.5
    in_gold_order = torch.where(gold > 0, chosen > rejected, rejected > chosen).float()
    return RewardEvaluation(
        accuracy=float(right.mean()),
        gold_accuracy=float(in_gold_order[gold != 0].mean()),
        clear_accuracy=float(right[clear].mean()),
        loss=float(bradley_terry_loss(chosen, rejected).mean()),
        margin=float((chosen - rejected).mean()),
        spread=float(torch.cat([chosen, rejected]).std()),
        calibration_error=expected_calibration_error(
            preference_probability(chosen, rejected), torch.ones_like(right)
        ),
    )
