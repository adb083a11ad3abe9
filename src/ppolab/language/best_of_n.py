"""Best-of-n as a run: many answers to each prompt, and what the best of them are worth.

Nothing is trained. Each prompt is answered as often as the largest n asks for, and every smaller n
is worked out from the same answers, so that the whole curve costs one sample.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from ppolab.algorithms.best_of_n import best_of_n_kl, best_of_n_value
from ppolab.algorithms.overoptimization import OveroptimizationLaw, fit_overoptimization
from ppolab.errors import InvalidSettingError
from ppolab.language.generation import Sampling, generate
from ppolab.language.models import LanguageModel
from ppolab.language.rewards import RewardFunction, texts_of
from ppolab.language.stage_trainer import StageTrainer
from ppolab.language.tokenizer import Tokenizer
from ppolab.language.tokens import TokenBatch
from ppolab.recorder import NullRecorder, Recorder


@dataclass(frozen=True)
class BestOfNConfig:
    """How many answers are written, and among how many one is chosen."""

    seed: int = 1
    """Seeds the answers."""
    n: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    """Answers to choose among; as many as the largest are written to each prompt."""
    prompts: int = 128
    """Held-out prompts that are answered."""
    prompts_at_a_time: int = 8
    """Prompts of one step of the run."""
    longest_response: int = 24
    """Tokens of an answer at most."""
    temperature: float = 1.0
    """Logits are divided by it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", tuple(self.n))  # JSON knows lists only
        for name in ("prompts", "prompts_at_a_time", "longest_response", "temperature"):
            self._require(name, getattr(self, name) > 0, "must be positive", "Give more than 0")
        sound = bool(self.n) and all(type(n) is int and n >= 1 for n in self.n)
        self._require("n", sound and sorted(set(self.n)) == list(self.n),
                      "is no rising list of whole numbers", "Give such as 1,2,4,8")  # fmt: skip

    @property
    def updates(self) -> int:
        """Steps of the run."""
        return math.ceil(self.prompts / self.prompts_at_a_time)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data from which `BestOfNConfig(**data)` builds the same settings."""
        return asdict(self)

    def _require(self, name: str, holds: bool, problem: str, mend: str) -> None:
        if not holds:
            raise InvalidSettingError(name, getattr(self, name), problem, mend)


@dataclass(frozen=True)
class BestOfNPoint:
    """What the best of n answers are worth, on average over the prompts."""

    n: int
    kl: float  # nats per answer at most, to the policy that wrote them
    reward: float  # of the reward function that chose
    gold: float  # of the judge that it stands for
    gold_error: float  # standard error over the prompts
    second_gold: float | None = None  # of a judge of another kind, if there is one


class BestOfNSampler(StageTrainer):
    """Writes answers, a few prompts at each call of `iterate`, and keeps their scores.

    Args:
        config: settings.
        policy: who writes; never changed.
        tokenizer: its tokenizer.
        prompts: to answer, each a list of token ids.
        reward: what the best are chosen by.
        gold: what they are judged by.
        recorder: told what happens.
        second: a judge of another kind than `gold`.
    """

    config: BestOfNConfig

    def __init__(
        self,
        config: BestOfNConfig,
        policy: LanguageModel,
        tokenizer: Tokenizer,
        prompts: Sequence[list[int]],
        reward: RewardFunction,
        gold: RewardFunction,
        recorder: Recorder | None = None,
        second: RewardFunction | None = None,
    ) -> None:
        self.config, self.policy, self.tokenizer = config, policy, tokenizer
        self.reward, self.gold, self.second = reward, gold, second
        self.recorder: Recorder = recorder if recorder is not None else NullRecorder()
        if len(prompts) < config.prompts:
            raise InvalidSettingError(
                "prompts", config.prompts, f"are more than the {len(prompts)} held out",
                "Give fewer",
            )  # fmt: skip
        self._prompts = list(prompts[: config.prompts])
        self.dtype = next(policy.parameters()).dtype
        self.generator = torch.Generator().manual_seed(config.seed)
        self.scores = torch.zeros(0, config.n[-1])  # [prompts so far, N], reward units
        self.judged = torch.zeros(0, config.n[-1])  # [prompts so far, N], gold units
        self.judged_again = torch.zeros(0, config.n[-1])  # the same by the second judge, if any
        self.iteration = 0

    @property
    def total_steps(self) -> int:
        """Batches of prompts in all."""
        return self.config.updates

    @torch.no_grad()
    def iterate(self) -> dict[str, float]:
        """Answer the next prompts; return what all answers so far come to."""
        config, many = self.config, self.config.n[-1]
        start = self.iteration * config.prompts_at_a_time
        asked = self._prompts[start : start + config.prompts_at_a_time]
        with self.recorder.stage("generate"):
            samples = generate(
                self.policy,
                TokenBatch.from_sequences([prompt for prompt in asked for _ in range(many)]),
                Sampling(config.longest_response, config.temperature),
                self.tokenizer.end, self.generator,
            )  # fmt: skip
        texts = texts_of(samples, self.tokenizer)
        with self.recorder.stage("reward"):
            scores = self.reward(samples, texts).float().view(len(asked), many)
            judged = self.gold(samples, texts).float().view(len(asked), many)
            if self.second is not None:
                again = self.second(samples, texts).float().view(len(asked), many)
                self.judged_again = torch.cat([self.judged_again, again])
        self.scores = torch.cat([self.scores, scores])
        self.judged = torch.cat([self.judged, judged])
        self.iteration += 1
        points = self.curve()
        metrics = {
            "eval_reward": points[-1].reward,
            "eval_gold": points[-1].gold,
            "eval_gold_error": points[-1].gold_error,
            "eval_kl": points[-1].kl,
        }
        for point in points:
            metrics |= {f"bon_reward/{point.n}": point.reward, f"bon_gold/{point.n}": point.gold}
            if point.second_gold is not None:
                metrics[f"bon_gold_second/{point.n}"] = point.second_gold
        if points[-1].second_gold is not None:
            metrics["eval_gold_second"] = points[-1].second_gold
        self.recorder.metrics(self.step, **metrics)
        best = scores.argmax(1).tolist()
        self.recorder.sample(self.step, texts=[texts[i * many + b] for i, b in enumerate(best)][:4])
        return metrics

    def curve(self) -> list[BestOfNPoint]:
        """What each n comes to by all answers so far."""
        return [
            BestOfNPoint(
                n, best_of_n_kl(n), float(best_of_n_value(self.scores, self.scores, n).mean()),
                float(gold.mean()),
                float(gold.std()) / math.sqrt(len(gold)) if len(gold) > 1 else math.nan,
                self._second_gold(n),
            )
            for n in self.config.n
            for gold in [best_of_n_value(self.scores, self.judged, n)]
        ]  # fmt: skip

    def _second_gold(self, n: int) -> float | None:
        if self.second is None:
            return None
        return float(best_of_n_value(self.scores, self.judged_again, n).mean())

    def law(self, of: Literal["gold", "reward", "second"] = "gold") -> OveroptimizationLaw | None:
        """The law fitted to the curve of what was judged, of what chose, or of the second judge.

        Its errors are those of leaving out one prompt. None with less than two values of n above 1.
        """
        ns = self.config.n
        if sum(n > 1 for n in ns) < 2 or (of == "second" and self.second is None):
            return None
        judged = {"gold": self.judged, "reward": self.scores, "second": self.judged_again}[of]
        worths = torch.stack([best_of_n_value(self.scores, judged, n) for n in ns], 1)
        gains = worths - judged.mean(1, keepdim=True)  # [prompts, numbers of answers]
        kl = torch.tensor([best_of_n_kl(n) for n in ns])
        law = fit_overoptimization(kl, gains.mean(0), "best-of-n")
        prompts = torch.arange(len(gains)).repeat_interleave(len(ns))
        sure = fit_overoptimization(
            kl.repeat(len(gains)), gains.flatten(), "best-of-n", groups=prompts
        )
        return replace(
            law, alpha_error=sure.alpha_error, beta_error=sure.beta_error, groups=len(gains)
        )

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything needed to go on: tensors, and plain data that JSON can hold."""
        tensors = {"scores": self.scores, "judged": self.judged,
                   "judged_again": self.judged_again,
                   "generator": self.generator.get_state()}  # fmt: skip
        return tensors, {"iteration": self.iteration}

    def restore(self, tensors: Mapping[str, Tensor], extra: Mapping[str, Any]) -> bool:
        """Go back to a state that `state` returned; always True, for such a state is whole."""
        self.scores, self.judged = tensors["scores"].clone(), tensors["judged"].clone()
        if "judged_again" in tensors:
            self.judged_again = tensors["judged_again"].clone()
        else:  # a checkpoint from before there was a second judge, who cannot be asked any more
            self.second = None
        self.generator.set_state(tensors["generator"])
        self.iteration = extra["iteration"]
        return True
