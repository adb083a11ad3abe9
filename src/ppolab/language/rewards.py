"""Reward functions: what a response is worth, said by a model, a rule or any Python function."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from ppolab.errors import PPOLabError
from ppolab.language.generation import Samples
from ppolab.language.tokenizer import Tokenizer


class RewardFailedError(PPOLabError):
    """A reward function raised an error, or returned something that is no reward."""


class RewardFunction(Protocol):
    """Anything that scores responses."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def __call__(self, samples: Samples, texts: Sequence[str]) -> Tensor:
        """Score each row.

        Args:
            samples: prompts and responses as tokens.
            texts: the same rows as text, prompt and response together.

        Returns:
            [rows] float32, reward units.
        """
        ...


@dataclass(frozen=True)
class TextReward:
    """A Python function of a text as a reward: a lexicon, a rule, a check of the right answer.

    Example:
        >>> shorter = TextReward("shorter", lambda text: -len(text.split()))
    """

    name: str
    function: Callable[[str], float]

    def __call__(self, samples: Samples, texts: Sequence[str]) -> Tensor:
        """Score each text by itself.

        Raises:
            RewardFailedError: naming the sample, if the function raises an error on it or returns
                anything but a finite number.
        """
        return torch.tensor([
            score_of(self.name, row, text, partial(self.function, text))
            for row, text in enumerate(texts)
        ])  # fmt: skip


@dataclass(frozen=True)
class WeightedReward:
    """Several rewards, each times its weight, added up."""

    parts: tuple[tuple[float, RewardFunction], ...]

    @property
    def name(self) -> str:
        """What is added, as a formula."""
        return " + ".join(f"{weight:g}·{part.name}" for weight, part in self.parts)

    def __call__(self, samples: Samples, texts: Sequence[str]) -> Tensor:
        """Score each row."""
        scores = [weight * part(samples, texts) for weight, part in self.parts]
        return torch.stack(scores).sum(0)


def score_of(name: str, row: int, text: str, compute: Callable[[], float]) -> float:
    """A sample's score by somebody's function, or an error that names the sample.

    Args:
        name: of the reward.
        row: of the sample.
        text: of the sample.
        compute: the function, ready to be called.

    Raises:
        RewardFailedError: the function raised an error, or returned no finite number.
    """
    try:
        score = float(compute())
    except Exception as error:
        raise RewardFailedError(
            "reward", name, f"raised {type(error).__name__}: {error} on sample {row}, {text!r}",
            "Make the function return a number for any text",
        ) from error  # fmt: skip
    if not math.isfinite(score):
        raise RewardFailedError(
            "reward", name, f"returned {score} on sample {row}, {text!r}",
            "Make the function return a finite number for any text",
        )  # fmt: skip
    return score


def texts_of(samples: Samples, tokenizer: Tokenizer) -> list[str]:
    """Prompt and response of each row as one text."""
    return [tokenizer.decode(ids) for ids in samples.token_lists()]
