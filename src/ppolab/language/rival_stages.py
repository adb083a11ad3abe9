"""The rivals of PPO as stages: DPO on the reward stage's pairs, best-of-n by its model."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ppolab.algorithms.overoptimization import OveroptimizationLaw
from ppolab.errors import StorageError
from ppolab.language.best_of_n import BestOfNConfig, BestOfNSampler
from ppolab.language.dpo import DPOConfig, DPOTrainer
from ppolab.language.gold_judges import require_judge
from ppolab.language.preference_data import PreferencePair, read_pairs
from ppolab.language.reward_stage import PAIRS_NAME
from ppolab.language.rewards import RewardFunction
from ppolab.language.stage_models import (
    BASE,
    KEPT_TEXTS,
    Say,
    policy_named,
    product_of,
    second_judge,
)
from ppolab.language.stage_rewards import GOLD
from ppolab.language.store import load_reward_model
from ppolab.language.tasks import CourseTask, judged_by, task_named
from ppolab.recorder import Recorder

CURVE_NAME = "best_of_n.json"


@dataclass(frozen=True)
class DPOStage:
    """Improve a policy by the comparisons themselves."""

    kind: ClassVar[str] = "dpo"

    task: str = "austen"
    """What to write about."""
    policy: str = BASE
    """What to begin with, and to stay near to: the folder of an SFT run."""
    comparisons: str = ""
    """The folder of a reward model's run: its pairs are learnt from, and its model judges
    evaluations beside the task's own judge."""
    training: DPOConfig = field(default_factory=DPOConfig)
    judge: str = ""
    """Who judges in place of the task's own, which then comes second: lexicon or people."""

    def __post_init__(self) -> None:
        require_judge(self.judge)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class BestOfNStage:
    """Answer many times and keep the best, by a reward."""

    kind: ClassVar[str] = "best-of-n"

    task: str = "austen"
    """What to write about."""
    policy: str = BASE
    """Who writes: the folder of an SFT run."""
    reward: str = GOLD
    """What chooses: the folder of a reward model's run, or gold for the task's own judge."""
    training: BestOfNConfig = field(default_factory=BestOfNConfig)
    judge: str = ""
    """Who judges in place of the task's own: lexicon or people."""

    def __post_init__(self) -> None:
        require_judge(self.judge)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return dataclasses.asdict(self)


def dpo_trainer(stage: DPOStage, recorder: Recorder, say: Say) -> DPOTrainer:
    """The trainer of a DPO stage; has the reference read all pairs first."""
    task = judged_by(task_named(stage.task), stage.judge)
    pairs = pairs_of_run(stage.comparisons, task)
    policy = policy_named(stage.policy, task)
    say(f"the reference reads {len(pairs):,} pairs")
    return DPOTrainer(
        stage.training, policy, copy.deepcopy(policy), task.tokenizer, pairs,
        task.prompts(validation=True), _judge(stage.comparisons, task), task.gold, recorder,
        task.examples(validation=True)[:KEPT_TEXTS], second=second_judge(task),
    )  # fmt: skip


def best_of_n_sampler(stage: BestOfNStage, recorder: Recorder, say: Say) -> BestOfNSampler:
    """What samples in a best-of-n stage."""
    task = judged_by(task_named(stage.task), stage.judge)
    say("reading the models")
    return BestOfNSampler(
        stage.training, policy_named(stage.policy, task), task.tokenizer,
        task.prompts(validation=True), _judge(stage.reward, task), task.gold, recorder,
        second_judge(task),
    )  # fmt: skip


def keep_curve(folder: Path, sampler: BestOfNSampler) -> None:
    """Leave what each n came to, and the laws fitted to it, in the stage's folder.

    `law` is of the gold score, `proxy_law` of the reward that chose, `second_law` of the second
    judge, if there is one.
    """
    data = {
        "points": [dataclasses.asdict(point) for point in sampler.curve()],
        "law": _plain(sampler.law()),
        "proxy_law": _plain(sampler.law(of="reward")),
        "second_law": _plain(sampler.law(of="second")),
    }
    (folder / CURVE_NAME).write_text(json.dumps(data, indent=1) + "\n", "utf8")


def _plain(law: OveroptimizationLaw | None) -> dict[str, Any] | None:
    """A law as JSON can hold it: null where a number is not known."""
    if law is None:
        return None
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in dataclasses.asdict(law).items()
    }


def planned_dpo_steps(stage: DPOStage) -> int:
    """Gradient steps of a DPO stage, by the pairs that there are.

    Raises:
        StorageError: there are none.
    """
    return stage.training.steps(len(pairs_of_run(stage.comparisons, task_named(stage.task))))


def pairs_of_run(named: str, task: CourseTask) -> list[PreferencePair]:
    """The pairs that a reward model's run left in its folder.

    Raises:
        StorageError: there are none.
    """
    path = Path(named) / PAIRS_NAME
    if not named or not path.is_file():
        raise StorageError(
            "comparisons", named, f"holds no {PAIRS_NAME}",
            "Give the folder of a reward model's run (--reward-model)",
        )  # fmt: skip
    pairs = read_pairs(path, task.tokenizer)
    return [pair for pair in pairs if not pair.tie]  # of a tie there is nothing to learn here


def _judge(named: str, task: CourseTask) -> RewardFunction:
    return task.gold if named == GOLD else load_reward_model(product_of(named))
