"""What the names of rewards stand for: the task's judge, reward models, functions and sums."""

from __future__ import annotations

from ppolab.errors import InvalidSettingError
from ppolab.language.custom_rewards import (
    ANSWER,
    FunctionReward,
    PromptBook,
    answer_is_right,
    load_function,
    weighted_names,
)
from ppolab.language.file_task import FileTask
from ppolab.language.huggingface import stages as huggingface
from ppolab.language.huggingface.loading import is_huggingface
from ppolab.language.reward_model import ScoringModel
from ppolab.language.rewards import RewardFunction
from ppolab.language.stage_models import AnyTask, product_of
from ppolab.language.store import load_reward_model

GOLD = "gold"  # the task's own judge, in place of a reward model


def rewards_named(
    names: str, task: AnyTask, rule: str, caution: float
) -> list[tuple[float, RewardFunction]]:
    """The rewards of a sum such as "my.py:polite + 0.5*answer", each with its weight.

    Raises:
        PPOLabError: as `reward_named`, or the sum cannot be read.
    """
    return [
        (weight, reward_named(name, task, rule, caution)) for weight, name in weighted_names(names)
    ]


def reward_named(name: str, task: AnyTask, rule: str, caution: float) -> RewardFunction:
    """What a name of a reward stands for.

    Args:
        name: gold, answer, a function as in my.py:polite, a classifier or a reward model's folder.
        task: what is written about.
        rule: what an ensemble of reward models is taken to say.
        caution: how many deviations, or how much of the variance, that takes off.

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
    model.be_cautious(rule, caution)
    return model
