"""Training a reward model on comparisons, and asking how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ppolab.algorithms.preferences import contrastive_loss
from ppolab.errors import InvalidSettingError, PPOLabError
from ppolab.language.changeable import changeable
from ppolab.language.hardware import dtype_of
from ppolab.language.optimizer import FlatAdamW, Optimizer
from ppolab.language.preference_data import Comparison, PreferencePair, pairs_of
from ppolab.language.ranks import Ranks, require_divisible
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_evaluation import RewardEvaluation, evaluate_reward_model
from ppolab.language.reward_faults import FaultyLoss, fault_named
from ppolab.language.reward_heads import drop_units
from ppolab.language.reward_losses import make_loss
from ppolab.language.reward_model import RewardModel
from ppolab.language.sft import warmup_then_decay
from ppolab.language.stage_trainer import StageTrainer
from ppolab.language.tokens import TokenBatch
from ppolab.recorder import NullRecorder, Recorder

_SHARE = 0.5  # of the comparisons that each of several heads learns from


class RewardTrainingDivergedError(PPOLabError):
    """The loss stopped being finite."""


class RewardTrainer(StageTrainer):
    """Trains a reward model on comparisons of answers, by the loss that its settings name.

    One call of `iterate` is one gradient step. Between calls it can be saved and restored.

    Args:
        config: settings.
        model: what is trained, in place.
        comparisons: pairs, or rankings of equally many answers; a share is held out for measuring.
        recorder: told what happens.
    """

    config: RewardConfig

    def __init__(
        self,
        config: RewardConfig,
        model: RewardModel,
        comparisons: Sequence[Comparison],
        recorder: Recorder | None = None,
    ) -> None:
        planned_steps(config, len(comparisons))
        held_out = held_out_pairs(config, len(comparisons))
        self.config, self.model = config, model
        self.live_settings = changeable(config.to_mapping())
        self.recorder: Recorder = recorder if recorder is not None else NullRecorder()
        self.fault = fault_named(config.fault)
        if self.fault.swaps:
            comparisons = [comparison.swapped() for comparison in comparisons]
        self._train = list(comparisons[:-held_out])
        self.held_out: list[PreferencePair] = pairs_of(comparisons[-held_out:])
        self.loss = _faulty(self.fault.loss) or make_loss(config.loss, config.label_smoothing)
        self.dtype = dtype_of(config.dtype)
        self.ranks = Ranks()
        self.optimizer: Optimizer = FlatAdamW(
            [model, self.loss], config.learning_rate, self.dtype, (0.9, 0.98),
            weight_decay=config.weight_decay,
        )  # fmt: skip
        self.generator = torch.Generator().manual_seed(config.seed)
        self._steps_per_epoch = len(self._train) // config.batch_size
        self._order = torch.randperm(len(self._train), generator=self.generator)
        self.iteration = 0

    @property
    def total_steps(self) -> int:
        """Gradient steps of the whole training."""
        return self.config.epochs * self._steps_per_epoch

    def iterate(self) -> dict[str, float]:
        """Take one gradient step; return what was recorded.

        Raises:
            RewardTrainingDivergedError: the loss stopped being finite.
        """
        if self.iteration == 0:
            self.recorder.metrics(0, **self.evaluate().metrics())
        metrics = self.learn()
        if self.iteration % self.config.evaluate_every == 0 or self.finished:
            metrics |= self.evaluate().metrics()
        self.recorder.metrics(self.step, **metrics)
        require_finite(metrics["rm_train_loss"], self.step)
        return metrics

    def learn(self) -> dict[str, float]:
        """Take one gradient step; return its numbers, of which nothing is recorded yet."""
        at = self.iteration % self._steps_per_epoch
        if at == 0 and self.iteration > 0:
            self._order = torch.randperm(len(self._train), generator=self.generator)
        size = self.config.batch_size
        batch = [self._train[i] for i in self._order[at * size : (at + 1) * size].tolist()]
        with self.recorder.stage("update"):
            loss, ranked = self._loss_of(batch)
            torch.autograd.backward(loss)
            right = (ranked[..., :-1] > ranked[..., 1:]).float().mean() * self._share_of(batch)
            told = self.ranks.sum(torch.stack([loss.detach(), right]))
            rate = self.config.learning_rate * warmup_then_decay(
                (self.iteration + 1) / self.total_steps
            )
            rate = rate if self.fault.learns else 0.0
            norm = self.optimizer.step(rate)
        self.iteration += 1
        return {
            "rm_train_loss": told[0].item(),
            "rm_train_accuracy": told[1].item(),
            "gradient_norm": norm.item(),
            "learning_rate": rate,
        }

    def _loss_of(self, batch: Sequence[Comparison]) -> tuple[Tensor, Tensor]:
        """This rank's part of the mean loss [] over comparisons, and the worths of its share.

        Worths are [heads, comparisons, answers].
        """
        whole, share = len(batch), self.ranks.share(len(batch))
        part, batch = self._share_of(batch), batch[share]
        answers = len(batch[0].answers)
        texts = [comparison.answers[place] for place in range(answers) for comparison in batch]
        scores, seen = self.model.read(TokenBatch.from_sequences(texts), self.generator)
        ranked = scores.view(len(scores), answers, len(batch)).transpose(1, 2)
        margins = torch.tensor([comparison.margin for comparison in batch])
        ties = torch.tensor([comparison.tie for comparison in batch])
        losses = torch.stack([self.loss(worths, margins, ties) for worths in ranked])
        if len(losses) > 1:
            # Heads that learn from the same would soon agree about everything (Osband et al. 2016).
            chance = torch.rand((len(losses), whole), generator=self.generator)
            losses = losses * (chance[:, share] < _SHARE) / _SHARE
        loss = losses.mean() * part
        if self.config.contrastive > 0:
            views = [drop_units(seen, self.config.dropout, self.generator) for _ in range(2)]
            apart = contrastive_loss(views[0].float(), views[1].float()).mean()
            loss = loss + self.config.contrastive * apart
        return loss, ranked.detach()

    def _share_of(self, batch: Sequence[Comparison]) -> float:
        """How much of a batch this rank learns from; 1 where it is alone."""
        share = self.ranks.share(len(batch))
        return len(batch[share]) / len(batch)

    def evaluate(self) -> RewardEvaluation:
        """Measure the model on the pairs held out."""
        with self.ranks.reading(self.model.trunk):
            return evaluate_reward_model(self.model, self.held_out)

    def join(self, ranks: Ranks) -> None:
        """Share the comparisons of each batch with other ranks.

        Raises:
            InvalidSettingError: the batch does not divide, or the loss looks at all of it at once.
        """
        require_divisible("batch_size", self.config.batch_size, ranks)
        if ranks.size > 1 and (self.config.contrastive > 0 or self.model.shape.masks):
            raise InvalidSettingError(
                "ranks", ranks.size, "cannot share dropout masks or a contrastive term",
                "Use one rank, or a reward model without them",
            )  # fmt: skip
        assert isinstance(self.optimizer, FlatAdamW)
        self.ranks, self.optimizer = ranks, ranks.adopt(self.optimizer, [self.model.trunk])

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything needed to go on: tensors, and plain data that JSON can hold."""
        tensors = self.optimizer.state()
        tensors |= {"generator": self.generator.get_state(), "order": self._order}
        return tensors, {"iteration": self.iteration, "live_settings": self.settings_now()}

    def restore(self, tensors: Mapping[str, Tensor], extra: Mapping[str, Any]) -> bool:
        """Go back to a state that `state` returned; always True, for such a state is whole."""
        self.optimizer.restore(tensors)
        self.generator.set_state(tensors["generator"])
        self._order = tensors["order"].clone()
        self.iteration = extra["iteration"]
        self.set_again(extra)
        return True


def planned_steps(config: RewardConfig, pairs: int) -> int:
    """Gradient steps that a training on so many pairs takes.

    Raises:
        InvalidSettingError: the pairs do not fill one batch.
    """
    kept = pairs - held_out_pairs(config, pairs)
    if kept < config.batch_size:
        raise InvalidSettingError(
            "pairs", pairs, f"are too few for batches of {config.batch_size}",
            f"Give {pairs - kept + config.batch_size} or more, or a smaller batch",
        )  # fmt: skip
    return config.epochs * (kept // config.batch_size)


def held_out_pairs(config: RewardConfig, pairs: int) -> int:
    """How many of the pairs, at their end, are kept for measuring."""
    return max(1, round(config.held_out * pairs))


def require_finite(loss: float, step: int) -> None:
    """Stop a training whose loss is no number.

    Raises:
        RewardTrainingDivergedError: naming the step.
    """
    if not math.isfinite(loss):
        raise RewardTrainingDivergedError(
            "loss", loss, f"is not finite at step {step}", "Lower the learning rate"
        )


class _FaultyPairs(nn.Module):
    """A loss that is wrong on purpose, called as the right ones are."""

    def __init__(self, loss: FaultyLoss) -> None:
        super().__init__()
        self._loss = loss

    def forward(self, ranked: Tensor, margins: Tensor, ties: Tensor) -> Tensor:
        return self._loss(ranked[:, 0], ranked[:, 1])


def _faulty(loss: FaultyLoss | None) -> nn.Module | None:
    return None if loss is None else _FaultyPairs(loss)
