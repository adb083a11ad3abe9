"""The second stage of RLHF: a rater compares answers, and a reward model learns to foresee it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.annotators import simulated_annotators
from ppolab.language.corpus import plain_text
from ppolab.language.file_task import FileTask, read_lines
from ppolab.language.generation import Sampling
from ppolab.language.gold_judges import require_judge
from ppolab.language.huggingface.causal import HuggingFaceModel
from ppolab.language.huggingface.settings import HuggingFaceSettings
from ppolab.language.models import LanguageModel
from ppolab.language.preference_data import (
    Comparison,
    Rater,
    compare_answers,
    write_pairs,
)
from ppolab.language.preference_data import (
    pairs_of as pairs_among,
)
from ppolab.language.rankings import rank_answers
from ppolab.language.rated_texts import RATED_BY, RatedComparer, rated_comparisons
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_ensembles import EnsembleTrainer
from ppolab.language.reward_faults import fault_named
from ppolab.language.reward_losses import OF_RANKINGS
from ppolab.language.reward_model import RewardModel
from ppolab.language.reward_training import RewardTrainer, held_out_pairs
from ppolab.language.stage_models import BASE, AnyTask, Say, task_of, trainable
from ppolab.language.tasks import judged_by
from ppolab.recorder import Recorder

PAIRS_NAME = "pairs.jsonl"


@dataclass(frozen=True)
class RewardStage:
    """Have a rater compare answers, and teach a reward model to foresee the choices."""

    kind: ClassVar[str] = "reward-model"

    task: str = "austen"
    """What the answers are about."""
    policy: str = BASE
    """Who writes the answers, and what the reward model grows out of: the folder of an SFT run."""
    pairs: int = 8000
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
    ratings: str = ""
    """File or folder of texts that people have rated, which are then compared in place of answers:
    the source package of vaderSentiment; see `ppolab.language.rated_texts`."""
    rated_by: str = "person"
    """Whose ratings decide: person, one of each text's drawn at random, or mean, those of all."""
    judge: str = ""
    """Whom the rater goes by in place of the task's own judge: lexicon or people."""

    def __post_init__(self) -> None:
        require_judge(self.judge)
        if self.ratings:
            self._require_that_ratings_can_decide()
        if self.rated_by not in RATED_BY:
            raise UnknownNameError("rated_by", self.rated_by, list(RATED_BY))
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

    def _require_that_ratings_can_decide(self) -> None:
        """Refuse what is said of a rater or of answers, where neither is there."""
        default = RewardStage()
        for name in ("answers", "annotators", "rater"):
            if getattr(self, name) != getattr(default, name):
                raise InvalidSettingError(
                    name, getattr(self, name), "means nothing where people's ratings decide",
                    "Leave it out, or leave out the ratings",
                )  # fmt: skip
        if self.huggingface.pairs:
            raise InvalidSettingError(
                "ratings", self.ratings, "comes beside a file of pairs", "Give one of the two"
            )
        if fault_named(self.training.fault).length_bias:
            raise InvalidSettingError(
                "fault", self.training.fault, "is a rater's, and here people's ratings decide",
                "Leave out the ratings",
            )  # fmt: skip

    @property
    def start(self) -> str:
        """The model that it goes on from."""
        return self.policy

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return dataclasses.asdict(self)


def pairs_of(stage: RewardStage) -> int:
    """How many pairs a reward model will learn from.

    Raises:
        PPOLabError: there is no such file of pairs, or a line of it cannot be used.
    """
    file = stage.huggingface.pairs
    return len(read_lines(Path(file), "pairs", ("prompt", "chosen", "rejected"))) if file else (
        stage.pairs
    )  # fmt: skip


def reward_trainer(
    stage: RewardStage, folder: Path, recorder: Recorder, say: Say
) -> RewardTrainer | EnsembleTrainer:
    """The trainer of a reward stage; writes the answers first, which takes a while.

    The comparisons are left in the folder, for people to read and for DPO to learn from.
    """
    policy = trainable(stage)
    task = judged_by(task_of(stage, policy), stage.judge)
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


def _comparisons(
    stage: RewardStage, task: AnyTask, policy: LanguageModel, say: Say
) -> Sequence[Comparison]:
    if isinstance(task, FileTask) and task.pairs_file is not None:
        return task.pairs()
    if stage.ratings:
        say("reading people's ratings")
        comparer = RatedComparer(
            task.tokenizer, stage.rated_by, stage.training.loss == "davidson", task.longest,
            str if isinstance(policy, HuggingFaceModel) else plain_text,
        )  # fmt: skip
        return rated_comparisons(
            Path(stage.ratings), comparer, stage.pairs,
            held_out_pairs(stage.training, stage.pairs),
            torch.Generator().manual_seed(stage.training.seed),
        )  # fmt: skip
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


def _rater(stage: RewardStage) -> Rater:
    """The stage's rater, with the bias of the fault that is studied, if any."""
    bias = stage.rater.length_bias + fault_named(stage.training.fault).length_bias
    return dataclasses.replace(stage.rater, length_bias=bias)
