"""Direct preference optimisation: learning from comparisons without a reward model or sampling.

It is not RLHF: nothing is written while it learns, so that the policy is never told what its own
answers are worth, only which of two given ones is the better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from ppolab.algorithms.preferences import dpo_loss
from ppolab.errors import InvalidSettingError, PPOLabError
from ppolab.language.changeable import changeable
from ppolab.language.evaluation import SHOWN_SAMPLES, PolicyEvaluation, evaluate_policy
from ppolab.language.generation import Sampling
from ppolab.language.hardware import dtype_of
from ppolab.language.models import LanguageModel
from ppolab.language.optimizer import FlatAdamW
from ppolab.language.preference_data import PreferencePair
from ppolab.language.rewards import RewardFunction
from ppolab.language.sft import Example, warmup_then_decay
from ppolab.language.stage_trainer import StageTrainer
from ppolab.language.tokenizer import Tokenizer
from ppolab.language.tokens import TokenBatch
from ppolab.recorder import NullRecorder, Recorder

_READ_AT_A_TIME = 128  # pairs, when nothing is learnt


class DPODivergedError(PPOLabError):
    """The loss stopped being finite."""


@dataclass(frozen=True)
class DPOConfig:
    """How a policy learns from comparisons directly."""

    seed: int = 1
    """Seeds the order of the pairs."""
    epochs: int = 1
    """Passes over the pairs."""
    batch_size: int = 32
    """Pairs per gradient step."""
    learning_rate: float = 2e-4
    """Adam's step size after warm-up."""
    beta: float = 0.1
    """Price of leaving the reference: reward units per nat, as kl_coef is PPO's."""
    label_smoothing: float = 0.0
    """Share of the comparisons taken to be wrong."""
    max_gradient_norm: float = 1.0
    """Gradients longer than this are shortened to it."""
    held_out: float = 0.1
    """Share of the pairs kept for measuring accuracy."""
    longest_response: int = 24
    """Tokens of an answer at most, in evaluations."""
    dtype: str = "auto"
    """Arithmetic: auto, float32 or bfloat16."""
    evaluate_every: int = 25
    """Gradient steps between evaluations."""
    evaluation_prompts: int = 128
    """Held-out prompts in an evaluation."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "beta", "max_gradient_norm",
                     "longest_response", "evaluate_every", "evaluation_prompts"):  # fmt: skip
            self._require(name, getattr(self, name) > 0, "must be positive", "Give more than 0")
        self._require("label_smoothing", 0 <= self.label_smoothing < 0.5, "must lie in [0, 0.5)",
                      "Give a share below one half")  # fmt: skip
        self._require("held_out", 0 < self.held_out < 1, "must lie in (0, 1)",
                      "Give a share such as 0.1")  # fmt: skip
        self._require("dtype", self.dtype in ("auto", "float32", "bfloat16"), "is not known",
                      "Known: auto, float32, bfloat16")  # fmt: skip

    def steps(self, pairs: int) -> int:
        """Gradient steps of a training on so many pairs.

        Raises:
            InvalidSettingError: the pairs do not fill one batch.
        """
        kept = pairs - self.measured(pairs)
        if kept < self.batch_size:
            raise InvalidSettingError(
                "pairs", pairs, f"are too few for batches of {self.batch_size}",
                "Compare more answers, or take a smaller batch",
            )  # fmt: skip
        return self.epochs * (kept // self.batch_size)

    def measured(self, pairs: int) -> int:
        """How many of the pairs are held out."""
        return max(1, round(self.held_out * pairs))

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data from which `DPOConfig(**data)` builds the same settings."""
        return asdict(self)

    def _require(self, name: str, holds: bool, problem: str, mend: str) -> None:
        if not holds:
            raise InvalidSettingError(name, getattr(self, name), problem, mend)


class DPOTrainer(StageTrainer):
    """Improves a policy by comparisons.

    One call of `iterate` is one gradient step. Between calls it can be saved and restored, and goes
    on bit for bit. What the reference thinks of the pairs is worked out once, at the beginning.

    Args:
        config: settings.
        policy: what is improved, in place.
        reference: what its implied rewards are measured against; never changed.
        tokenizer: of both.
        pairs: comparisons; a share is held out for measuring.
        held_out_prompts: for evaluations.
        reward: what evaluations show beside the gold score; nothing is learnt from it.
        gold: judges evaluations, if there is a judge.
        recorder: told what happens.
        corpus: held-out texts of what the policy was taught before.
        second: a judge of another kind than the gold one, for evaluations.
    """

    config: DPOConfig

    def __init__(
        self,
        config: DPOConfig,
        policy: LanguageModel,
        reference: LanguageModel,
        tokenizer: Tokenizer,
        pairs: Sequence[PreferencePair],
        held_out_prompts: Sequence[list[int]],
        reward: RewardFunction,
        gold: RewardFunction | None = None,
        recorder: Recorder | None = None,
        corpus: Sequence[Example] = (),
        second: RewardFunction | None = None,
    ) -> None:
        self.config, self.live_settings = config, changeable(config.to_mapping())
        self.policy, self.reference = policy, reference
        self.tokenizer, self.reward, self.gold = tokenizer, reward, gold
        self.recorder: Recorder = recorder if recorder is not None else NullRecorder()
        self._prompts, self._corpus = list(held_out_prompts), list(corpus)
        self._second = second
        self._total = config.steps(len(pairs))
        self.dtype = dtype_of(config.dtype)
        reference.to(self.dtype)
        measured = config.measured(len(pairs))
        self._pairs, self._held_out = list(pairs[:-measured]), list(pairs[-measured:])
        with self.recorder.stage("reference"), torch.no_grad():
            self._known = _read_all(reference, self._pairs)
            self._known_held_out = _read_all(reference, self._held_out)
        self.optimizer = FlatAdamW(
            [policy], config.learning_rate, self.dtype,
            max_gradient_norm=config.max_gradient_norm,
        )  # fmt: skip
        self.generator = torch.Generator().manual_seed(config.seed)
        self._order = torch.randperm(len(self._pairs), generator=self.generator)
        self.iteration = 0

    @property
    def total_steps(self) -> int:
        """Gradient steps of the whole training."""
        return self._total

    def iterate(self) -> dict[str, float]:
        """Take one gradient step; return what was recorded.

        Raises:
            DPODivergedError: the loss stopped being finite.
        """
        if self.iteration == 0:
            self._evaluate()
        rows = self._next_rows()
        config = self.config
        with self.recorder.stage("update"):
            chosen, rejected = pair_log_probs(self.policy, [self._pairs[i] for i in rows.tolist()])
            known_chosen, known_rejected = self._known[:, rows]
            loss = dpo_loss(
                chosen, rejected, known_chosen, known_rejected, config.beta, config.label_smoothing
            ).mean()
            torch.autograd.backward(loss)
            rate = config.learning_rate * warmup_then_decay((self.iteration + 1) / self._total)
            norm = self.optimizer.step(rate)
        self.iteration += 1
        implied_chosen = config.beta * (chosen.detach() - known_chosen)
        implied_rejected = config.beta * (rejected.detach() - known_rejected)
        metrics = {
            "dpo_loss": loss.item(),
            "dpo_margin": float((implied_chosen - implied_rejected).mean()),
            "dpo_accuracy": float((implied_chosen > implied_rejected).float().mean()),
            "dpo_chosen": float(implied_chosen.mean()),
            "dpo_rejected": float(implied_rejected.mean()),
            "gradient_norm": norm.item(),
            "learning_rate": rate,
        }
        self.recorder.metrics(self.step, **metrics)
        if not math.isfinite(metrics["dpo_loss"]):
            raise DPODivergedError(
                "loss", metrics["dpo_loss"], f"is not finite at step {self.step}",
                "Lower the learning rate or beta",
            )  # fmt: skip
        if self.iteration % config.evaluate_every == 0 or self.finished:
            self._evaluate()
        return metrics

    def evaluate(self) -> PolicyEvaluation:
        """Let the policy answer held-out prompts, always with the same draws, and judge it."""
        return evaluate_policy(
            self.policy, self.reference, self.tokenizer,
            self._prompts[: self.config.evaluation_prompts],
            Sampling(self.config.longest_response), self.reward, self.gold, self._corpus,
            second=self._second,
        )  # fmt: skip

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Implied rewards of the pairs held out: mean margin, and share in the raters' order."""
        gained = self.config.beta * (_read_all(self.policy, self._held_out) - self._known_held_out)
        return {
            "dpo_held_out_margin": float((gained[0] - gained[1]).mean()),
            "dpo_held_out_accuracy": float((gained[0] > gained[1]).float().mean()),
        }

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

    def _next_rows(self) -> Tensor:
        """Which pairs come next; each once before any comes again."""
        size = self.config.batch_size
        at = self.iteration % (len(self._pairs) // size)
        if at == 0 and self.iteration > 0:
            self._order = torch.randperm(len(self._pairs), generator=self.generator)
        return self._order[at * size : (at + 1) * size]

    def _evaluate(self) -> None:
        with self.recorder.stage("evaluate"):
            found, held_out = self.evaluate(), self.measure()
        self.recorder.metrics(self.step, **found.metrics(), **held_out)
        self.recorder.sample(self.step, texts=list(found.texts[:SHOWN_SAMPLES]))


def pair_log_probs(
    model: LanguageModel, pairs: Sequence[PreferencePair]
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Log-probabilities of the chosen [pairs] and of the rejected answers [pairs].

    Summed over the answers' tokens, nats; those of the prompts do not count.
    """
    texts = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
    batch = TokenBatch.from_sequences([text[:-1] for text in texts])
    targets = torch.cat([torch.tensor(text[1:]) for text in texts])
    prompts = torch.tensor([pair.prompt for pair in pairs] * 2)
    row = torch.repeat_interleave(torch.arange(len(texts)), batch.lengths)
    answered = (batch.positions >= prompts[row] - 1).nonzero().squeeze(1)
    log_probs = model.log_probs(model.at(batch, answered), targets[answered])
    summed = log_probs.new_zeros(len(texts)).index_add(0, row[answered], log_probs)
    return summed[: len(pairs)], summed[len(pairs) :]


def _read_all(model: LanguageModel, pairs: Sequence[PreferencePair]) -> Tensor:
    """[2, pairs] nats, of chosen and rejected, without gradient."""
    pieces = [
        torch.stack(pair_log_probs(model, pairs[start : start + _READ_AT_A_TIME]))
        for start in range(0, len(pairs), _READ_AT_A_TIME)
    ]
    return torch.cat(pieces, 1)
