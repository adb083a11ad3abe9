"""Tasks that the three stages can be tried on, with all the data they need and no download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self, TypeVar

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.arithmetic import ArithmeticTask
from ppolab.language.corpus import Corpus, austen
from ppolab.language.gold_judges import JUDGES, require_judge
from ppolab.language.gpt import GPT
from ppolab.language.judges import LexiconJudge
from ppolab.language.movie_reviews import movie_corpus, movie_judge
from ppolab.language.people_judge import people_judge
from ppolab.language.rewards import RewardFunction
from ppolab.language.sft import Example
from ppolab.language.store import base_gpt, course_tokenizer
from ppolab.language.tokenizer import Tokenizer


@dataclass(frozen=True)
class Task:
    """Texts to imitate, prompts to answer, and a judge who knows what is wanted."""

    name: str
    title: str
    description: str
    read_corpus: Callable[[], Corpus]
    make_gold: Callable[[], RewardFunction]
    longest: int  # tokens of an example at most, so that it fits the course's model
    own_tokenizer: Tokenizer | None = None  # of another model than the course's
    make_second: Callable[[], RewardFunction] | None = None  # a judge of another kind

    @cached_property
    def corpus(self) -> Corpus:
        """The texts."""
        return self.read_corpus()

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the model, which the base model was trained with."""
        return self.own_tokenizer or course_tokenizer()

    @cached_property
    def gold(self) -> RewardFunction:
        """The judge that a reward model is to stand for."""
        return self.make_gold()

    @cached_property
    def second(self) -> RewardFunction | None:
        """A judge of another kind, who errs in other places; shown beside the first."""
        return None if self.make_second is None else self.make_second()

    def judged_by(self, name: str) -> Self:
        """The same task with another judge; the one before comes second.

        Raises:
            UnknownNameError: there is no such judge.
        """
        require_judge(name)
        if not name or JUDGES[name] == self.make_gold:
            return self
        return replace(self, make_gold=JUDGES[name], make_second=self.make_gold)

    def base_model(self) -> GPT:
        """A model that knows the language, but not the task."""
        return base_gpt()

    def examples(self, validation: bool = False) -> list[Example]:
        """Whole sentences between two end tokens, for fine-tuning."""
        texts = self.corpus.validation if validation else self.corpus.training
        start, end = self.tokenizer.start, self.tokenizer.end
        encoded = self.tokenizer.encode_all(texts)
        return [Example([*start, *ids, end]) for ids in encoded if len(ids) + 2 <= self.longest]

    def prompts(self, validation: bool = False) -> list[list[int]]:
        """Beginnings of sentences."""
        return self.corpus.prompts(self.tokenizer, validation)


CourseTask = Task | ArithmeticTask

TASKS: dict[str, CourseTask] = {
    "austen": Task(
        "austen",
        "Cheerful Jane Austen",
        "Go on from the beginning of a sentence out of Jane Austen's novels, and be cheerful.",
        austen,
        LexiconJudge.load,
        64,
        make_second=people_judge,
    ),
    "movies": Task(
        "movies",
        "Friendly film reviews",
        "Go on from the beginning of a sentence out of a film review, and be full of praise.",
        movie_corpus,
        movie_judge,
        64,
        make_second=LexiconJudge.load,
    ),
    "arithmetic": ArithmeticTask(
        "arithmetic",
        "Sums",
        "Add two numbers digit by digit; a rule checks the answer.",
        digits=2,
        training_sums=9000,
        validation_sums=400,
    ),
}


T = TypeVar("T")


def judged_by(task: T, judge: str) -> T:
    """A task with another judge than its own, if one is named.

    Raises:
        InvalidSettingError: the task has answers that are right or wrong, or no judge at all.
    """
    if not judge:
        return task
    if not isinstance(task, Task):
        raise InvalidSettingError(
            "judge", judge, "judges the mood of sentences, and here are none of the course's",
            "Leave it out",
        )  # fmt: skip
    return task.judged_by(judge)


def task_named(name: str) -> CourseTask:
    """The task of that name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in TASKS:
        raise UnknownNameError("task", name, sorted(TASKS))
    return TASKS[name]
