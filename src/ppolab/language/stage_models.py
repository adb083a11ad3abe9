"""What the stages have in common: where each begins, on what task, and how its model is kept.

Each stage is a run of its own with a folder, and leaves its model there. The next stage names the
folder it goes on from, so that any stage can be done again without those before it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ppolab.errors import InvalidSettingError, StorageError
from ppolab.language.file_task import FileTask
from ppolab.language.gpt import GPT
from ppolab.language.huggingface import stages as huggingface
from ppolab.language.huggingface.causal import HuggingFaceModel
from ppolab.language.huggingface.loading import is_huggingface
from ppolab.language.huggingface.settings import HuggingFaceSettings
from ppolab.language.models import LanguageModel
from ppolab.language.rewards import RewardFunction
from ppolab.language.sft import Example
from ppolab.language.store import MODEL_NAME, load_gpt, save_gpt
from ppolab.language.tasks import CourseTask, Task, task_named

Say = Callable[[str], None]
AnyTask = CourseTask | FileTask
BASE = "base"  # the model that comes with the course
KEPT_TEXTS = 128  # held-out texts of the corpus by which evaluations see what is forgotten


class StageTraining(Protocol):
    """What the trainings of all stages are told."""

    @property
    def seed(self) -> int:
        """Seeds the stage."""
        ...

    @property
    def dtype(self) -> str:
        """Arithmetic: auto, float32 or bfloat16."""
        ...


class Stage(Protocol):
    """The settings of any stage that may take a Hugging Face model."""

    @property
    def task(self) -> str:
        """Name of what it is about."""
        ...

    @property
    def start(self) -> str:
        """The model that it goes on from."""
        ...

    @property
    def training(self) -> StageTraining:
        """How it trains."""
        ...

    @property
    def huggingface(self) -> HuggingFaceSettings:
        """What it is told of a Hugging Face model."""
        ...


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
    if is_course_model(stage.start):
        raise InvalidSettingError(
            "prompts", files, "are no task of the course's own small model",
            "Give a Hugging Face model, or leave the files out",
        )  # fmt: skip
    return Path(files).name, Path(files).stem


def trainable(stage: Stage) -> LanguageModel:
    """The model that a stage begins with, ready to be trained."""
    named = stage.start
    if is_course_model(named):
        return policy_named(named, task_named(stage.task))
    return huggingface.load_trainable(
        named, stage.huggingface, stage.training.dtype, stage.training.seed
    )


def task_of(stage: Stage, model: LanguageModel) -> AnyTask:
    """What a stage is about, in the tokens of its model."""
    if isinstance(model, HuggingFaceModel):
        return huggingface.load_task(
            stage.task, stage.start, model.context_length, stage.huggingface
        )
    return task_named(stage.task)


def second_judge(task: AnyTask) -> RewardFunction | None:
    """A judge of another kind than the task's, if it has one."""
    return task.second if isinstance(task, Task) else None


def kept_texts(task: AnyTask) -> list[Example]:
    """Texts by which evaluations see what is forgotten; none where prompts have no answers."""
    if isinstance(task, FileTask) and not task.has_examples:
        return []
    return task.examples(validation=True)[:KEPT_TEXTS]


def keep_policy(folder: Path, stage: Stage, model: LanguageModel) -> None:
    """Leave a finished stage's language model in its folder."""
    if isinstance(model, HuggingFaceModel):
        huggingface.keep_model(folder, model, task_of(stage, model).tokenizer)
    else:
        assert isinstance(model, GPT)
        save_gpt(folder / MODEL_NAME, model)


def is_course_model(named: str) -> bool:
    """Whether a name stands for the course's own small model, or a run of it."""
    return named == BASE or not is_huggingface(named)


def policy_named(named: str, task: CourseTask) -> GPT:
    """The task's own base model, or the one that a run of it left in its folder."""
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
