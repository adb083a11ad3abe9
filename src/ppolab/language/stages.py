"""The three stages of RLHF as they are configured, made and kept: SFT, reward model, RLHF.

Each stage is a run of its own with a folder, and leaves its model there. The next stage names the
folder it goes on from, so that any stage can be done again without those before it.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch

from ppolab.errors import InvalidSettingError, StorageError, UnknownNameError
from ppolab.language.annotators import simulated_annotators
from ppolab.language.config import RLHFConfig
from ppolab.language.custom_rewards import (
    ANSWER,
    FunctionReward,
    PromptBook,
    answer_is_right,
    load_function,
    weighted_names,
)
from ppolab.language.file_task import FileTask, read_lines
from ppolab.language.generation import Sampling, generate
from ppolab.language.gpt import GPT
from ppolab.language.huggingface import stages as huggingface
from ppolab.language.huggingface.causal import HuggingFaceModel
from ppolab.language.huggingface.loading import is_huggingface
from ppolab.language.huggingface.settings import HuggingFaceSettings
from ppolab.language.models import LanguageModel
from ppolab.language.objectives import Objectives, balance
from ppolab.language.pitfalls import REWARD_AT_PADDING, reward_at_padding
from ppolab.language.preference_data import (
    Comparison,
    PreferencePair,
    Rater,
    compare_answers,
    write_pairs,
)
from ppolab.language.preference_data import (
    pairs_of as pairs_among,
)
from ppolab.language.rankings import rank_answers
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_ensembles import EnsembleTrainer
from ppolab.language.reward_faults import fault_named
from ppolab.language.reward_losses import OF_RANKINGS
from ppolab.language.reward_model import RULES, RewardModel, ScoringModel
from ppolab.language.reward_study import study_reward_model
from ppolab.language.reward_training import RewardTrainer
from ppolab.language.rewards import RewardFunction, WeightedReward, texts_of
from ppolab.language.sft import Example
from ppolab.language.sft_training import SFTConfig, SFTTrainer
from ppolab.language.store import (
    MODEL_NAME,
    load_gpt,
    load_reward_model,
    save_gpt,
    save_reward_model,
)
from ppolab.language.tasks import Task, task_named
from ppolab.language.tokens import TokenBatch
from ppolab.language.trainer import RLHFTrainer
from ppolab.recorder import Recorder

Say = Callable[[str], None]
BASE = "base"  # the model that comes with the course
KEPT_TEXTS = 128  # held-out texts of the corpus by which evaluations see what is forgotten
_REFERENCE_ANSWERS = 256  # that objectives are brought to one scale on
_SHIFTED_PAIRS = 256  # of the base model, that a reward model is tried on
STUDY_NAME = "reward-study.json"
PAIRS_NAME = "pairs.jsonl"
GOLD = "gold"  # the task's own judge, in place of a reward model


@dataclass(frozen=True)
class SFTStage:
    """Teach a base model the task by examples."""

    kind: ClassVar[str] = "sft"

    task: str = "austen"
    """What to learn; austen: cheerful sentences of Jane Austen."""
    model: str = BASE
    """What to begin with: base, the folder of a run, or a Hugging Face model's folder or id."""
    training: SFTConfig = field(default_factory=SFTConfig)
    huggingface: HuggingFaceSettings = field(default_factory=HuggingFaceSettings)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class RewardStage:
    """Have a rater compare answers, and teach a reward model to foresee the choices."""

    kind: ClassVar[str] = "reward-model"

    task: str = "austen"
    """What the answers are about."""
    policy: str = BASE
    """Who writes the answers, and what the reward model grows out of: the folder of an SFT run."""
    pairs: int = 6000
    """Pairs of answers of different worth that the rater compares."""
    longest_response: int = 24
    """Tokens of an answer at most."""
    rater: Rater = field(default_factory=Rater)
    training: RewardConfig = field(default_factory=RewardConfig)
    answers: int = 2
    """Answers in each comparison; more than 2 are ranked, for a loss of rankings."""
    annotators: int = 0
    """Simulated people, each with ratings of their own, who compare in turn; 0 asks the judge."""
    huggingface: HuggingFaceSettings = field(default_factory=HuggingFaceSettings)

    def __post_init__(self) -> None:
        if self.pairs < 1:
            raise InvalidSettingError("pairs", self.pairs, "must be at least 1", "Give 1 or more")
        if self.annotators < 0:
            raise InvalidSettingError(
                "annotators", self.annotators, "must not be negative", "Give 0 or more"
            )
        rankings = self.training.loss in OF_RANKINGS
        if self.answers < 2 or (self.answers > 2 and not rankings):
            raise InvalidSettingError(
                "answers", self.answers, f"cannot be compared by the loss {self.training.loss}",
                f"Give 2, or more with a loss of rankings: {', '.join(OF_RANKINGS)}",
            )  # fmt: skip
        if self.rater.ties > 0 and self.training.loss != "davidson":
            raise InvalidSettingError(
                "ties", self.rater.ties, f"mean nothing to the loss {self.training.loss}",
                "Give 0, or the loss davidson",
            )  # fmt: skip

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return dataclasses.asdict(self)


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

    def __post_init__(self) -> None:
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

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return dataclasses.asdict(self)


def stage_from_mapping(stage: type[Any], data: Mapping[str, Any]) -> Any:
    """Build a stage's settings from plain data such as JSON, naming any that cannot be used.

    Raises:
        UnknownNameError: a setting that does not exist.
        InvalidSettingError: a value of the wrong type or out of range.
    """
    known = {f.name for f in dataclasses.fields(stage)}
    groups = {
        f.name: f.default_factory
        for f in dataclasses.fields(stage)
        if f.default_factory is not dataclasses.MISSING
    }
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name not in known:
            raise UnknownNameError("setting", name, sorted(known))
        grouped = name in groups
        values[name] = _build(groups[name], name, value) if grouped else value
    return _build(stage, "stage", values)


def _build(settings: Any, name: str, values: Any) -> Any:
    if not isinstance(values, Mapping):
        raise InvalidSettingError(name, values, "is not a group of settings", "Give a mapping")
    known = {f.name: f for f in dataclasses.fields(settings)}
    for key, value in values.items():
        if key not in known:
            raise UnknownNameError(f"{name} setting", key, sorted(known))
        default = known[key].default
        numbers = (int, float)
        if type(default) in numbers and (type(value) not in numbers or isinstance(value, bool)):
            raise InvalidSettingError(key, value, "is not a number", "Give a number")
        if type(default) in (bool, str) and type(value) is not type(default):
            words = {bool: "true or false", str: "text"}[type(default)]
            raise InvalidSettingError(key, value, f"is not {words}", f"Give {words}")
    return settings(**values)


Stage = SFTStage | RewardStage | RLHFStage
AnyTask = Task | FileTask


def start_of(stage: Stage) -> str:
    """The model that a stage goes on from."""
    return stage.model if isinstance(stage, SFTStage) else stage.policy


def subject_of(stage: Stage) -> tuple[str, str]:
    """Title and short name of what a stage is about.

    Raises:
        UnknownNameError: there is no such task.
        InvalidSettingError: the course's own model is to learn from files.
    """
    files = stage.huggingface.prompts or stage.huggingface.pairs
    if not files:
        task = task_named(stage.task)
        return task.title, task.name
    if is_course_model(start_of(stage)):
        raise InvalidSettingError(
            "prompts", files, "are no task of the course's own small model",
            "Give a Hugging Face model, or leave the files out",
        )  # fmt: skip
    return Path(files).name, Path(files).stem


def pairs_of(stage: RewardStage) -> int:
    """How many pairs a reward model will learn from.

    Raises:
        PPOLabError: there is no such file of pairs, or a line of it cannot be used.
    """
    file = stage.huggingface.pairs
    return len(read_lines(Path(file), "pairs", ("prompt", "chosen", "rejected"))) if file else (
        stage.pairs
    )  # fmt: skip


def sft_trainer(stage: SFTStage, recorder: Recorder, say: Say) -> SFTTrainer:
    """The trainer of an SFT stage."""
    say(f"reading {subject_of(stage)[0]}")
    model = _trainable(stage)
    task = _task(stage, model)
    return SFTTrainer(stage.training, model, task.examples(), task.examples(True), recorder)


def reward_trainer(
    stage: RewardStage, folder: Path, recorder: Recorder, say: Say
) -> RewardTrainer | EnsembleTrainer:
    """The trainer of a reward stage; writes the answers first, which takes a while.

    The comparisons are left in the folder, for people to read and for DPO to learn from.
    """
    policy = _trainable(stage)
    task = _task(stage, policy)
    pairs = _comparisons(stage, task, policy, say)
    write_pairs(folder / PAIRS_NAME, pairs_among(pairs), task.tokenizer)
    training = stage.training
    another = isinstance(policy, HuggingFaceModel)
    if training.ensemble == "models":
        if another:
            raise InvalidSettingError(
                "ensemble", training.ensemble, "would need as many copies of a Hugging Face model",
                "Choose heads or masks on one model",
            )  # fmt: skip
        return EnsembleTrainer(training, policy, pairs, recorder)
    trunk = policy if another else copy.deepcopy(policy)  # theirs is trained in place
    model = RewardModel(trunk, training.seed, training.shape)
    return RewardTrainer(training, model, pairs, recorder)


def rlhf_trainer(stage: RLHFStage, recorder: Recorder, say: Say) -> RLHFTrainer:
    """The trainer of an RLHF stage. A critic of its own begins as the reward model, if any."""
    say("reading the models")
    policy = _trainable(stage)
    task = _task(stage, policy)
    reference: LanguageModel = (
        huggingface.load_reference(stage.policy, policy)
        if isinstance(policy, HuggingFaceModel)
        else copy.deepcopy(policy)
    )
    rewards = _rewards(stage, task)
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
        corpus=_kept_texts(task),
        place_rewards=reward_at_padding if stage.fault == REWARD_AT_PADDING else None,
    )  # fmt: skip


def keep_policy(folder: Path, stage: SFTStage | RLHFStage, model: LanguageModel) -> None:
    """Leave a finished stage's language model in its folder."""
    if isinstance(model, HuggingFaceModel):
        huggingface.keep_model(folder, model, _task(stage, model).tokenizer)
    else:
        assert isinstance(model, GPT)
        save_gpt(folder / MODEL_NAME, model)


def keep_reward_model(
    folder: Path, stage: RewardStage, model: ScoringModel, say: Say = lambda words: None
) -> None:
    """Normalise a finished reward model on fresh answers, and leave it in its folder.

    Scores then have mean 0 and standard deviation 1 on what the policy writes before RLHF begins.
    """
    policy: LanguageModel
    task: AnyTask
    trunk = model.language_model
    if isinstance(trunk, HuggingFaceModel):
        policy = huggingface.load_reference(stage.policy, trunk)
        task, rows = _task(stage, trunk), 16
    else:
        task = task_named(stage.task)
        policy, rows = policy_named(stage.policy, task), 512
    say("normalising on 512 fresh answers")
    generator = torch.Generator().manual_seed(stage.training.seed + 1)
    prompts = task.prompts()[:512]
    sampling = Sampling(stage.longest_response)
    batches = []
    for start in range(0, len(prompts), rows):
        batch = TokenBatch.from_sequences(prompts[start : start + rows])
        batches.append(generate(policy, batch, sampling, task.tokenizer.end, generator).whole)
    model.float()
    model.normalize(batches)
    if isinstance(model, RewardModel) and isinstance(trunk, HuggingFaceModel):
        huggingface.keep_reward_model(folder, model, task.tokenizer)
    else:
        save_reward_model(folder / MODEL_NAME, model)


def keep_study(
    folder: Path, stage: RewardStage, model: ScoringModel, held_out: Sequence[PreferencePair]
) -> None:
    """Leave in the folder where a finished reward model can be trusted, as JSON.

    The held-out pairs that are given keep their labels, faults included. Where the answers came
    from a fine-tuned model, pairs that the base model wrote show a shift of what is judged.
    """
    if sum(not pair.tie for pair in held_out) < 2:
        return  # a toy's run: the model is what it was for
    trunk = model.language_model
    task = _task(stage, trunk)
    shifted: Sequence[PreferencePair] = ()
    if isinstance(task, Task) and isinstance(trunk, GPT) and stage.policy != BASE:
        generator = torch.Generator().manual_seed(stage.training.seed + 2)
        shifted = compare_answers(
            task.base_model(), task.tokenizer, task.prompts(), _SHIFTED_PAIRS,
            Sampling(stage.longest_response), task.gold, stage.rater, generator,
        )  # fmt: skip
        shifted = [pair for pair in shifted if not pair.tie]
    study = study_reward_model(model, held_out, task.tokenizer, shifted)
    text = json.dumps(study.to_mapping(), indent=1, allow_nan=False)
    (folder / STUDY_NAME).write_text(text, encoding="utf8")


def _comparisons(
    stage: RewardStage, task: AnyTask, policy: LanguageModel, say: Say
) -> Sequence[Comparison]:
    if isinstance(task, FileTask) and task.pairs_file is not None:
        return task.pairs()
    if task.gold is None:
        raise InvalidSettingError(
            "pairs", task.title, "has no judge who could compare answers",
            "Give a file of pairs, or leave the reward model out",
        )  # fmt: skip
    seed = stage.training.seed
    generator = torch.Generator().manual_seed(seed)
    annotators = simulated_annotators(stage.annotators, seed) if stage.annotators else []
    sampling, rater = Sampling(stage.longest_response), _rater(stage)

    def progress(done: int, total: int) -> None:
        say(f"writing answers to compare: {done:,} of {total:,} pairs")

    if stage.answers > 2:
        return rank_answers(
            policy, task.tokenizer, task.prompts(), stage.pairs, stage.answers, sampling,
            task.gold, rater, generator, progress, annotators,
        )  # fmt: skip
    return compare_answers(
        policy, task.tokenizer, task.prompts(), stage.pairs, sampling, task.gold, rater,
        generator, progress, annotators,
    )  # fmt: skip


def _kept_texts(task: AnyTask) -> list[Example]:
    """Texts by which evaluations see what is forgotten; none where prompts have no answers."""
    if isinstance(task, FileTask) and not task.has_examples:
        return []
    return task.examples(validation=True)[:KEPT_TEXTS]


def _rater(stage: RewardStage) -> Rater:
    """The stage's rater, with the bias of the fault that is studied, if any."""
    bias = stage.rater.length_bias + fault_named(stage.training.fault).length_bias
    return dataclasses.replace(stage.rater, length_bias=bias)


def _rewards(stage: RLHFStage, task: AnyTask) -> list[tuple[float, RewardFunction]]:
    return [(weight, _reward(name, stage, task)) for weight, name in weighted_names(stage.reward)]


def _reward(name: str, stage: RLHFStage, task: AnyTask) -> RewardFunction:
    """What a name of a reward stands for.

    Raises:
        InvalidSettingError: the gold judge is named, and the task has none.
        StorageError: a file or folder that is not there.
    """
    if name == GOLD:
        if task.gold is None:
            raise InvalidSettingError(
                "reward", name, f"is not there: {task.title} has no judge of its own",
                "Give a function as in my.py:polite, or the folder of a reward model",
            )  # fmt: skip
        return task.gold
    book = PromptBook(task.tokenizer, task.records if isinstance(task, FileTask) else {})
    if name == ANSWER:
        return FunctionReward(ANSWER, answer_is_right, book)
    if ".py:" in name:
        return FunctionReward(name, load_function(name), book)
    if is_huggingface(name) and not huggingface.is_reward_model(name):
        from ppolab.language.huggingface.classifier import ClassifierReward

        return ClassifierReward(name, book)
    model: ScoringModel = (
        huggingface.load_reward_model(name)
        if huggingface.is_reward_model(name)
        else load_reward_model(product_of(name))
    )
    model.be_cautious(stage.rule, stage.caution)
    return model


def _balanced(
    stage: RLHFStage, task: AnyTask, policy: LanguageModel, reward: RewardFunction
) -> Objectives:
    further = [(weight, _reward(name, stage, task)) for weight, name in stage.objectives]
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


def _trainable(stage: Stage) -> LanguageModel:
    named = start_of(stage)
    if is_course_model(named):
        return policy_named(named, task_named(stage.task))
    return huggingface.load_trainable(
        named, stage.huggingface, stage.training.dtype, stage.training.seed
    )


def _task(stage: Stage, model: LanguageModel) -> AnyTask:
    if isinstance(model, HuggingFaceModel):
        return huggingface.load_task(
            stage.task, start_of(stage), model.context_length, stage.huggingface
        )
    return task_named(stage.task)


def is_course_model(named: str) -> bool:
    """Whether a name stands for the course's own small model, or a run of it."""
    return named == BASE or not is_huggingface(named)


def policy_named(named: str, task: Task) -> GPT:
    """The course's own base model, or the one that a run of it left in its folder."""
    return task.base_model() if named == BASE else load_gpt(product_of(named))


def product_of(named: str) -> Path:
    """The model in the folder of a run.

    Raises:
        StorageError: there is no such folder, or its run has not finished.
    """
    path = Path(named)
    if not path.is_dir():
        raise StorageError("run", named, "is no folder", "Give the folder of a finished run")
    product = path / MODEL_NAME
    if not product.is_file():
        raise StorageError(
            "run", named, "has left no model", "Let the run finish first, or give another"
        )
    return product
