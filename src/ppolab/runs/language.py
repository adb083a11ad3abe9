"""Runs of the stages of RLHF, SFT, reward model and RLHF, and of its rivals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppolab.language import reward_keeping, reward_stage, rival_stages, stage_models
from ppolab.language.changeable import changeable
from ppolab.language.metrics import (
    BEST_OF_N_METRICS,
    DPO_METRICS,
    REWARD_METRICS,
    RLHF_METRICS,
    SFT_METRICS,
)
from ppolab.language.reward_stage import RewardStage
from ppolab.language.reward_training import planned_steps
from ppolab.language.rival_stages import BestOfNStage, DPOStage
from ppolab.language.rlhf_stage import RLHFStage, rlhf_trainer
from ppolab.language.sft_stage import SFTStage, sft_trainer
from ppolab.language.stage_settings import stage_from_mapping
from ppolab.language.tasks import task_named
from ppolab.live_settings import LiveSetting
from ppolab.metrics import Metric, undescribed
from ppolab.recorder import Recorder
from ppolab.runs.kinds import Plan, Say, Trainer
from ppolab.runs.language_monitors import (
    answer_monitors,
    policy_monitors,
    reward_monitors,
    sft_monitors,
)
from ppolab.runs.monitors import Monitor

Stage = SFTStage | RewardStage | RLHFStage | DPOStage | BestOfNStage


@dataclass(frozen=True)
class StageKind:
    """One of the stages, as a kind of run."""

    name: str
    stage: type[Any]
    metrics: tuple[Metric, ...]
    make: Callable[[Any, Path, Recorder, Say], Any]
    keep: Callable[[Path, Any, Any], None]  # leaves the model of a finished trainer in the folder
    words: str  # what it does
    verdict: Callable[[Any], str]  # what a finished trainer came to
    watchers: Callable[[Any], tuple[Monitor, ...]]  # who watches a run of these settings
    checkpoint_interval: int = 20
    threads: int = 2

    def plan(self, config: Mapping[str, Any]) -> Plan:
        """What a run with these settings will do."""
        stage = stage_from_mapping(self.stage, config)
        if isinstance(stage, DPOStage | BestOfNStage):
            task = task_named(stage.task)
            title, name = task.title, task.name
        else:
            title, name = stage_models.subject_of(stage)
        steps = getattr(stage.training, "updates", None)
        if isinstance(stage, DPOStage):
            steps = rival_stages.planned_dpo_steps(stage)
        elif steps is None:  # of a reward model: what is left of the pairs after the held-out share
            steps = planned_steps(stage.training, reward_stage.pairs_of(stage))
        return Plan(title, f"{self.name}-{name}", stage.training.seed, steps)

    def live_settings(self, config: Mapping[str, Any]) -> tuple[LiveSetting, ...]:
        """What may be changed, by what the stage trains."""
        return changeable(config["training"])

    def settings(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those of the training."""
        training: Mapping[str, Any] = config["training"]
        return training

    def trainer(
        self, config: Mapping[str, Any], folder: Path, recorder: Recorder, say: Say
    ) -> Trainer:
        """Make the trainer; telling what is read and written on the way."""
        made: Trainer = self.make(stage_from_mapping(self.stage, config), folder, recorder, say)
        return made

    def monitors(self, config: Mapping[str, Any]) -> tuple[Monitor, ...]:
        """Who watches such a run."""
        return self.watchers(stage_from_mapping(self.stage, config))

    def introduction(self, trainer: Any) -> str:
        """What it does, and in which arithmetic."""
        return f"{self.words}, in {str(trainer.dtype).removeprefix('torch.')}"

    def ending(self, trainer: Any, config: Mapping[str, Any], folder: Path) -> str:
        """Leave the model in the folder; say what it came to."""
        self.keep(folder, stage_from_mapping(self.stage, config), trainer)
        return self.verdict(trainer)

    def describe(self, key: str) -> Metric:
        """What a recorded number means."""
        return next((metric for metric in self.metrics if metric.key == key), undescribed(key))


def _keep_reward(folder: Path, stage: Any, trainer: Any) -> None:
    reward_keeping.keep_reward_model(folder, stage, trainer.model)
    reward_keeping.keep_study(folder, stage, trainer.model, trainer.held_out)


def _reward_watchers(stage: Any) -> tuple[Monitor, ...]:
    held_out = stage.training.held_out * reward_stage.pairs_of(stage)
    return reward_monitors(round(held_out))


def _sft_verdict(trainer: Any) -> str:
    return f"perplexity {math.exp(trainer.validate()):.1f} on held-out sentences"


def _reward_verdict(trainer: Any) -> str:
    return f"{trainer.evaluate().accuracy:.1%} of held-out pairs in the rater's order"


def _rlhf_verdict(trainer: Any) -> str:
    found = trainer.evaluate()
    judged = f"reward {found.reward:.2f}" if math.isnan(found.gold) else (
        f"gold score {found.gold:.2f}"
    )  # fmt: skip
    return f"{judged} at a KL of {found.kl:.1f} nats"


def _best_of_n_verdict(trainer: Any) -> str:
    first, last = trainer.curve()[0], trainer.curve()[-1]
    words = (f"gold score {first.gold:.2f} of the best of {first.n}, {last.gold:.2f} of the best "
             f"of {last.n}, at a KL of {last.kl:.1f} nats at most")  # fmt: skip
    law = trainer.law()
    if law is None:
        return words
    return f"{words}; gain d·(α − β·d) with α = {law.alpha:.3f}, β = {law.beta:.3f}"


KINDS = {
    kind.name: kind
    for kind in (
        StageKind(
            "sft", SFTStage, SFT_METRICS,
            lambda stage, folder, recorder, say: sft_trainer(stage, recorder, say),
            lambda folder, stage, trainer: stage_models.keep_policy(folder, stage, trainer.model),
            "fine-tuning", _sft_verdict, lambda stage: sft_monitors(),
        ),
        StageKind(
            "reward-model", RewardStage, REWARD_METRICS, reward_stage.reward_trainer,
            _keep_reward,
            "learning preferences", _reward_verdict,
            _reward_watchers,
        ),
        StageKind(
            "rlhf", RLHFStage, RLHF_METRICS,
            lambda stage, folder, recorder, say: rlhf_trainer(stage, recorder, say),
            lambda folder, stage, trainer: stage_models.keep_policy(folder, stage, trainer.policy),
            "writing, scoring and learning", _rlhf_verdict,
            lambda stage: policy_monitors(stage.training.kl_target), checkpoint_interval=10,
        ),
        StageKind(
            "dpo", DPOStage, DPO_METRICS,
            lambda stage, folder, recorder, say: rival_stages.dpo_trainer(stage, recorder, say),
            lambda folder, stage, trainer: stage_models.keep_policy(folder, stage, trainer.policy),
            "learning from comparisons", _rlhf_verdict, lambda stage: answer_monitors(),
        ),
        StageKind(
            "best-of-n", BestOfNStage, BEST_OF_N_METRICS,
            lambda stage, folder, recorder, say: rival_stages.best_of_n_sampler(
                stage, recorder, say
            ),
            lambda folder, stage, trainer: rival_stages.keep_curve(folder, trainer),
            "writing many answers to each prompt", _best_of_n_verdict, lambda stage: (),
            checkpoint_interval=2,
        ),
    )
}  # fmt: skip
