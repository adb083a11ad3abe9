"""The third stage of RLHF: a policy is improved by a reward, held near the model it began as."""

from __future__ import annotations

import copy
import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.arithmetic import ArithmeticTask
from ppolab.language.config import RLHFConfig
from ppolab.language.generation import Sampling, generate
from ppolab.language.gold_judges import require_judge
from ppolab.language.huggingface import stages as huggingface
from ppolab.language.huggingface.causal import HuggingFaceModel
from ppolab.language.huggingface.settings import HuggingFaceSettings
from ppolab.language.models import LanguageModel
from ppolab.language.objectives import Objectives, balance
from ppolab.language.pitfalls import REWARD_AT_PADDING, reward_at_padding
from ppolab.language.reward_model import RULES, ScoringModel
from ppolab.language.rewards import RewardFunction, WeightedReward, texts_of
from ppolab.language.rollouts import Rollouts
from ppolab.language.stage_models import (
    BASE,
    AnyTask,
    Say,
    is_course_model,
    kept_texts,
    second_judge,
    task_of,
    trainable,
)
from ppolab.language.stage_rewards import GOLD, reward_named, rewards_named
from ppolab.language.tasks import judged_by
from ppolab.language.tokens import TokenBatch
from ppolab.language.trainer import RLHFTrainer
from ppolab.recorder import Recorder

_REFERENCE_ANSWERS = 256  # that objectives are brought to one scale on


@dataclass(frozen=True)
class RLHFStage:
    """Improve a policy by a reward, held near the model it began as."""

    kind: ClassVar[str] = "rlhf"

    task: str = "austen"
    """What to write about."""
    policy: str = BASE
    """What to begin with, and to stay near to: the folder of an SFT run."""
    reward: str = GOLD
    """What to please: the folder of a reward model's run, gold for the task's own judge, a
    function as in my.py:polite, answer for the right answer to each prompt, a Hugging Face
    classifier with one output, or a sum as in "my.py:polite + 0.5*answer"."""
    training: RLHFConfig = field(default_factory=RLHFConfig)
    huggingface: HuggingFaceSettings = field(default_factory=HuggingFaceSettings)
    rule: str = "mean"
    """What an ensemble of reward models is taken to say: mean, deviation, variance or worst."""
    caution: float = 1.0
    """How many deviations, or how much of the variance, the rules of that name take off."""
    objectives: tuple[tuple[float, str], ...] = ()
    """Further rewards as (weight, gold or folder); all, with `reward` at weight 1, are then
    brought to deviation 1 on what the policy writes at first."""
    fault: str = "none"
    """A mistake to study: none, or reward-at-padding."""
    judge: str = ""
    """Who judges in place of the task's own, which then comes second: lexicon or people."""

    def __post_init__(self) -> None:
        require_judge(self.judge)
        for given in self.objectives:
            if not _is_objective(given):
                raise InvalidSettingError(
                    "objectives", given, "is no weight with a reward",
                    "Give such as [0.5, \"gold\"], or the folder of a reward model's run",
                )  # fmt: skip
        # As tuples, whether they were written in Python or read from JSON.
        pairs = tuple((float(weight), name) for weight, name in self.objectives)
        object.__setattr__(self, "objectives", pairs)
        if self.rule not in RULES:
            raise UnknownNameError("rule", self.rule, sorted(RULES))
        if self.fault not in ("none", REWARD_AT_PADDING):
            raise UnknownNameError("fault", self.fault, ["none", REWARD_AT_PADDING])
        if not 0 <= self.caution < math.inf:
            raise InvalidSettingError(
                "caution", self.caution, "must not be negative", "Give 0 or more"
            )
        huggingface.require_shared_trunk(
            self.huggingface, self.training.has_critic and not self.training.shared_trunk
        )

    @property
    def start(self) -> str:
        """The model that it goes on from."""
        return self.policy

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return dataclasses.asdict(self)


def rlhf_trainer(stage: RLHFStage, recorder: Recorder, say: Say) -> RLHFTrainer:
    """The trainer of an RLHF stage. A critic of its own begins as the reward model, if any."""
    say("reading the models")
    policy = trainable(stage)
    task = judged_by(task_of(stage, policy), stage.judge)
    reference: LanguageModel = (
        huggingface.load_reference(stage.policy, policy)
        if isinstance(policy, HuggingFaceModel)
        else copy.deepcopy(policy)
    )
    rewards = rewards_named(stage.reward, task, stage.rule, stage.caution)
    alone = len(rewards) == 1 and rewards[0][0] == 1.0
    reward: RewardFunction = rewards[0][1] if alone else WeightedReward(tuple(rewards))
    if stage.objectives:
        say("balancing the objectives")
        reward = _balanced(stage, task, policy, reward)
    critic: LanguageModel | None = None
    if stage.training.has_critic and not stage.training.shared_trunk:
        trunks = [model.language_model for _, model in rewards if isinstance(model, ScoringModel)]
        fitting = [trunk for trunk in trunks if trunk.hidden_size == policy.hidden_size]
        critic = copy.deepcopy(fitting[0] if fitting else policy)
        critic.requires_grad_(True)  # a reward model that was read for scoring has none
    return RLHFTrainer(
        stage.training, policy, reference, task.tokenizer,
        reward, task.prompts(),
        task.prompts(validation=True), critic, recorder=recorder, gold=task.gold,
        corpus=kept_texts(task),
        place_rewards=reward_at_padding if stage.fault == REWARD_AT_PADDING else None,
        verifiable=isinstance(task, ArithmeticTask), second=second_judge(task),
        rollouts=_rollouts(stage, task),
    )  # fmt: skip


def _rollouts(stage: RLHFStage, task: AnyTask) -> Rollouts:
    """Who writes the responses.

    Raises:
        InvalidSettingError: vLLM was asked to write for the course's own model.
    """
    if stage.huggingface.rollouts == "own":
        return Rollouts()
    if is_course_model(stage.policy):
        raise InvalidSettingError(
            "rollouts", stage.huggingface.rollouts, "cannot write for the course's own model",
            "Leave it at own, or give a Hugging Face model",
        )  # fmt: skip
    from ppolab.language.huggingface.vllm import VLLMRollouts

    return VLLMRollouts(task.tokenizer)  # type: ignore[arg-type]


def _balanced(
    stage: RLHFStage, task: AnyTask, policy: LanguageModel, reward: RewardFunction
) -> Objectives:
    further = [
        (weight, reward_named(name, task, stage.rule, stage.caution))
        for weight, name in stage.objectives
    ]
    prompts = TokenBatch.from_sequences(task.prompts()[:_REFERENCE_ANSWERS])
    samples = generate(
        policy, prompts, Sampling(stage.training.longest_response), task.tokenizer.end,
        torch.Generator().manual_seed(stage.training.seed + 1),
    )  # fmt: skip
    return balance([(1.0, reward), *further], samples, texts_of(samples, task.tokenizer))


def _is_objective(given: Any) -> bool:
    if not isinstance(given, (list, tuple)) or len(given) != 2:
        return False
    weight, name = given
    number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
    return number and math.isfinite(weight) and isinstance(name, str)
