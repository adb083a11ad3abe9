"""The RLHF trainer: write, score, learn, again."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ppolab.algorithms.diagnostics import correlation, explained_variance
from ppolab.algorithms.kl import AdaptiveKL, FixedKL
from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.errors import InvalidSettingError, PPOLabError
from ppolab.language.changeable import changeable
from ppolab.language.config import RLHFConfig
from ppolab.language.evaluation import (
    SHOWN_SAMPLES,
    PolicyEvaluation,
    evaluate_policy,
    response_log_probs,
)
from ppolab.language.experience import Experience, RewardPlacement, make_experience
from ppolab.language.generation import Samples, Sampling
from ppolab.language.hardware import dtype_of
from ppolab.language.models import LanguageModel
from ppolab.language.optimizer import FlatAdamW
from ppolab.language.ranks import Ranks, gather_samples, require_divisible
from ppolab.language.rewards import RewardFunction, texts_of
from ppolab.language.rollouts import Rollouts
from ppolab.language.sft import Example
from ppolab.language.stage_trainer import StageTrainer
from ppolab.language.tokenizer import Tokenizer
from ppolab.language.update import Learner, PolicyLossFunction, UpdateReport, update
from ppolab.recorder import NullRecorder, Recorder


class RLHFDivergedError(PPOLabError):
    """A number that training depends on stopped being finite."""


class RLHFTrainer(StageTrainer):
    """Improves a language model by the rewards of what it writes.

    One call of `iterate` writes a batch of responses, scores them, and takes the gradient steps.
    Between calls the trainer can be saved and restored, and goes on bit for bit.

    Args:
        config: settings.
        policy: what is improved, in place.
        reference: what the policy is held near to; never changed.
        tokenizer: of both.
        reward: scores whole responses.
        prompts: to draw from, each a list of token ids.
        held_out_prompts: for evaluations.
        critic: the trunk of a critic of its own; needed by PPO unless the trunk is shared.
        value_head: [n, width] to [n, 1]; by default a linear one that starts at zero.
        recorder: told what happens.
        gold: judges evaluations besides the reward, if there is a truer judge than it.
        policy_loss: the loss of each token.
        corpus: held-out texts of what the policy was taught before, to see what it forgets.
        place_rewards: which token is paid what; see `experience.per_token_rewards`.
        rollouts: who writes the responses, by default the policy.
        verifiable: the gold judge says right or wrong; see `evaluate_policy`.
        second: a judge of another kind, for evaluations.
    """

    config: RLHFConfig

    def __init__(
        self,
        config: RLHFConfig,
        policy: LanguageModel,
        reference: LanguageModel,
        tokenizer: Tokenizer,
        reward: RewardFunction,
        prompts: Sequence[list[int]],
        held_out_prompts: Sequence[list[int]] = (),
        critic: LanguageModel | None = None,
        value_head: nn.Module | None = None,
        recorder: Recorder | None = None,
        gold: RewardFunction | None = None,
        policy_loss: PolicyLossFunction = clipped_policy_loss,
        corpus: Sequence[Example] = (),
        place_rewards: RewardPlacement | None = None,
        rollouts: Rollouts | None = None,
        verifiable: bool = False,
        second: RewardFunction | None = None,
    ) -> None:
        self.config, self.live_settings = config, changeable(config.to_mapping())
        self.policy, self.reference = policy, reference
        self.tokenizer, self.reward, self.gold = tokenizer, reward, gold
        self.recorder: Recorder = recorder if recorder is not None else NullRecorder()
        self._prompts, self._held_out = _checked(prompts), list(held_out_prompts)
        self._policy_loss, self._place_rewards = policy_loss, place_rewards
        self._corpus, self._verifiable = list(corpus), verifiable
        self._second = second
        self._rollouts = rollouts or Rollouts()
        self.ranks = Ranks()
        self._sampling = Sampling(config.longest_response, config.temperature)
        self.dtype = dtype_of(config.dtype)
        reference.to(self.dtype)
        self.learner = _learner(config, policy, critic, value_head, self.dtype)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.kl_controller: AdaptiveKL | FixedKL = (
            AdaptiveKL(config.kl_coef, config.kl_target, config.kl_horizon)
            if config.kl_controller == "adaptive" and config.kl_coef > 0
            else FixedKL(config.kl_coef)
        )
        self.iteration = 0

    @property
    def total_steps(self) -> int:
        """Updates of the whole stage."""
        return self.config.updates

    def iterate(self) -> dict[str, float]:
        """Write, score and learn once; return what was recorded.

        Raises:
            RLHFDivergedError: a loss or gradient stopped being finite.
            RewardFailedError: the reward function failed on a sample.
        """
        if self.iteration == 0:
            self._evaluate_if_due()
        started = time.perf_counter()
        with self.recorder.stage("generate"):
            samples = self._write(self._draw_prompts())
        experience, raw_scores = self._judge(samples)
        with self.recorder.stage("update"):
            report = update(
                self.learner, experience, self.config, self._learning_rate(),
                self.kl_controller.coefficient, self.generator, self._policy_loss, self.ranks,
            )  # fmt: skip
        self.iteration += 1
        metrics = {**self._metrics(experience, raw_scores, report), **self._rollouts.measured}
        observed = metrics["kl"]
        responses = len(experience.samples)
        self.kl_controller = self.kl_controller.updated(observed, responses)
        metrics["responses_per_second"] = responses / (time.perf_counter() - started)
        self.recorder.metrics(self.step, **metrics)
        self._require_finite(metrics)
        self._evaluate_if_due()
        return metrics

    def close(self) -> None:
        """Release what wrote the responses."""
        self._rollouts.close()

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything needed to go on: tensors, and plain data that JSON can hold."""
        tensors = self.learner.optimizer.state()
        tensors["generator"] = self.generator.get_state()
        return tensors, {
            "iteration": self.iteration,
            "kl_coef": self.kl_controller.coefficient,
            "live_settings": self.settings_now(),
        }

    def restore(self, tensors: Mapping[str, Tensor], extra: Mapping[str, Any]) -> bool:
        """Go back to a state that `state` returned; always True, for such a state is whole."""
        self.learner.optimizer.restore(tensors)
        self.generator.set_state(tensors["generator"])
        self.iteration = extra["iteration"]
        self.set_again(extra)
        self._steer(extra["kl_coef"])
        return True

    def change(self, name: str, value: float) -> float:
        """Change a live setting; the KL controller follows it."""
        before = super().change(name, value)
        self._steer(value if name == "kl_coef" else self.kl_controller.coefficient)
        return before

    def _steer(self, coefficient: float) -> None:
        """Have the KL controller go on from a coefficient, towards the target that is set."""
        controller = replace(self.kl_controller, coefficient=coefficient)
        if isinstance(controller, AdaptiveKL):
            controller = replace(controller, target=self.config.kl_target)
        self.kl_controller = controller

    def join(self, ranks: Ranks) -> None:
        """Share the responses of each batch, and of each minibatch, with other ranks."""
        require_divisible("minibatch_size", self.config.minibatch_size, ranks)
        assert isinstance(self.learner.optimizer, FlatAdamW)
        trunks = (
            [self.policy] if self.learner.critic is None else [self.policy, self.learner.critic]
        )
        optimizer = ranks.adopt(self.learner.optimizer, trunks)
        self.ranks, self.learner = ranks, replace(self.learner, optimizer=optimizer)

    def _draw_prompts(self) -> list[list[int]]:
        count = self.config.batch_size // self.config.responses_per_prompt
        chosen = torch.randint(len(self._prompts), (count,), generator=self.generator).tolist()
        repeats = range(self.config.responses_per_prompt)
        return [self._prompts[i] for i in chosen for _ in repeats]

    def _write(self, prompts: list[list[int]]) -> Samples:
        """This rank's share of the responses."""
        head = self.learner.values if self.config.shared_trunk else None
        return self._rollouts(
            self.policy, prompts, self._sampling, self.tokenizer.end, self.generator, head,
            self.ranks,
        )  # fmt: skip

    @torch.no_grad()
    def _judge(self, samples: Samples) -> tuple[Experience, Tensor]:
        """Everything about the responses that the update needs, and the scores as they came.

        Each rank reads its share; all then know the whole batch, so that whitening and comparisons
        within groups do not depend on how it was shared.
        """
        ranks = self.ranks
        trunk = self.policy if self.learner.critic is None else self.learner.critic
        with self.recorder.stage("reference"), ranks.reading(self.policy, self.reference):
            reference = response_log_probs(self.reference, samples, self.config.temperature)
        values = samples.values
        if self.config.has_critic and values is None:
            with self.recorder.stage("values"), ranks.reading(trunk):
                states = trunk.at(samples.context, samples.predictors)
                values = samples.pad(self.learner.values(states))
        with self.recorder.stage("reward"):
            scores = self.reward(samples, texts_of(samples, self.tokenizer)).float()
            scores = scores.to(samples.responses.device)
        samples, scores = gather_samples(ranks, samples), ranks.gather(scores)
        reference = ranks.gather(reference)
        values = None if values is None else ranks.gather(values)
        experience = make_experience(
            self.config, samples, reference, scores, values, self.kl_controller.coefficient,
            self._place_rewards,
        )  # fmt: skip
        return experience, scores

    def _learning_rate(self) -> float:
        """Up in a straight line, then down in another."""
        config, done = self.config, self.iteration
        rise = min(1.0, (done + 1) / max(config.warmup_updates, 1))
        fall = 1.0 - (1.0 - config.final_learning_rate) * done / config.updates
        return config.learning_rate * rise * fall

    def _metrics(
        self, experience: Experience, raw_scores: Tensor, report: UpdateReport
    ) -> dict[str, float]:
        samples = experience.samples
        explained = math.nan
        if experience.returns is not None and experience.values is not None:
            mask = samples.mask
            explained = explained_variance(experience.values[mask], experience.returns[mask])
        return {
            "reward": float(raw_scores.mean()),
            "misplaced_reward": experience.misplaced_reward,
            "reward_std": float(raw_scores.std()) if len(raw_scores) > 1 else 0.0,
            "kl": float(experience.kl.mean()),
            "kl_coef": self.kl_controller.coefficient,
            **self._aim(),
            "response_length": float(samples.response_lengths.float().mean()),
            "length_correlation": correlation(raw_scores, samples.response_lengths),
            "ended": float(samples.ended.float().mean()),
            # Each token's surprise is a sample of the entropy.
            "entropy": -float(samples.log_probs[samples.mask].mean()),
            "policy_loss": report.policy_loss,
            "value_loss": report.value_loss,
            "explained_variance": explained,
            "approx_kl": report.approx_kl,
            "first_minibatch_kl": report.first_kl,
            "clip_fraction": report.clip_fraction,
            "ratio_max": report.ratio_max,
            "gradient_norm": report.gradient_norm,
            "epochs": float(report.epochs),
            "learning_rate": self._learning_rate(),
        }

    def _aim(self) -> dict[str, float]:
        """What the KL is steered towards, if it is."""
        steered = isinstance(self.kl_controller, AdaptiveKL)
        return {"kl_target": float(self.config.kl_target)} if steered else {}

    def _require_finite(self, metrics: Mapping[str, float]) -> None:
        for name in ("policy_loss", "gradient_norm", "kl"):
            if not math.isfinite(metrics[name]):
                raise RLHFDivergedError(
                    name, metrics[name], f"is not finite at update {self.step}",
                    "Lower the learning rate or the maximum gradient norm",
                )  # fmt: skip

    def _evaluate_if_due(self) -> None:
        every = self.config.evaluate_every
        if every and self._held_out and (self.iteration % every == 0 or self.finished):
            with self.recorder.stage("evaluate"):
                found = self.evaluate()
            self.recorder.metrics(self.step, **found.metrics())
            self.recorder.sample(self.step, texts=list(found.texts[:SHOWN_SAMPLES]))

    def evaluate(self) -> PolicyEvaluation:
        """Let the policy answer held-out prompts, always with the same draws, and judge it."""
        return evaluate_policy(
            self.policy,
            self.reference,
            self.tokenizer,
            self._held_out[: self.config.evaluation_prompts],
            self._sampling,
            self.reward,
            self.gold,
            self._corpus,
            self.ranks,
            self._verifiable,
            self._second,
        )


def _checked(prompts: Sequence[list[int]]) -> list[list[int]]:
    if not prompts:
        raise InvalidSettingError("prompts", "none", "are needed to write anything", "Give some")
    return list(prompts)


def _learner(
    config: RLHFConfig,
    policy: LanguageModel,
    critic: LanguageModel | None,
    value_head: nn.Module | None,
    dtype: torch.dtype,
) -> Learner:
    """Put everything that is trained under one optimizer.

    The value head starts at zero (Huang et al. 2024, detail 11): a critic that knows nothing yet
    had better say nothing.
    """
    trained: list[nn.Module] = [policy]
    if config.has_critic:
        if value_head is None:
            value_head = nn.Linear(policy.hidden_size, 1).to(policy.device)
            nn.init.zeros_(value_head.weight)
            nn.init.zeros_(value_head.bias)
        trained.append(value_head)
        if config.shared_trunk:
            critic = None
        elif critic is None:
            raise InvalidSettingError(
                "critic", None, "is missing, and the trunk is not shared",
                "Give a model to learn values with, or set shared_trunk",
            )  # fmt: skip
        else:
            trained.append(critic)
    optimizer = FlatAdamW(
        trained, config.learning_rate, dtype, (0.9, 0.999), config.adam_epsilon,
        max_gradient_norm=config.max_gradient_norm,
    )  # fmt: skip
    return Learner(policy, optimizer, value_head, critic)
