"""Several things wanted at once: rewards brought to a common scale, weighted and added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ppolab.errors import InvalidSettingError
from ppolab.language.generation import Samples
from ppolab.language.rewards import RewardFailedError, RewardFunction


@dataclass(frozen=True)
class Objective:
    """A reward with the weight that it has among others, and its scale."""

    weight: float
    reward: RewardFunction
    shift: float = 0.0  # mean on the reference answers, reward units
    scale: float = 1.0  # 1 / standard deviation there

    def __call__(self, samples: Samples, texts: Sequence[str]) -> Tensor:
        """Weighted scores [rows] in standard deviations of the reference answers.

        Raises:
            RewardFailedError: naming the reward, if it raised an error or gave anything but one
                finite number for each row.
        """
        scores = _scores(self.reward, samples, texts)
        return self.weight * self.scale * (scores - self.shift)


class Objectives:
    """Several objectives as one reward function, named as the sum that it is."""

    def __init__(self, parts: Sequence[Objective]) -> None:
        self.parts = tuple(parts)
        self.name = " + ".join(f"{part.weight:g}·{part.reward.name}" for part in parts)

    def __call__(self, samples: Samples, texts: Sequence[str]) -> Tensor:
        """Score each row.

        Raises:
            RewardFailedError: naming the objective that failed.
        """
        return torch.stack([part(samples, texts) for part in self.parts]).sum(0)


def balance(
    weighted: Sequence[tuple[float, RewardFunction]], samples: Samples, texts: Sequence[str]
) -> Objectives:
    """Bring each reward to mean 0 and standard deviation 1 on reference answers.

    Without that, the reward with the largest numbers would rule, whatever its weight.

    Args:
        weighted: weights and rewards.
        samples: answers of the reference policy.
        texts: the same as text.

    Raises:
        RewardFailedError: naming the reward that failed.
        InvalidSettingError: a reward that is the same for all reference answers has no scale.
    """
    parts = []
    for weight, reward in weighted:
        scores = _scores(reward, samples, texts)
        deviation = float(scores.std())
        if deviation < 1e-8:
            raise InvalidSettingError(
                "objective", reward.name, f"gives all {len(texts)} reference answers the same",
                "Leave it out, or choose one that tells answers apart",
            )  # fmt: skip
        parts.append(Objective(weight, reward, float(scores.mean()), 1.0 / deviation))
    return Objectives(parts)


def _scores(reward: RewardFunction, samples: Samples, texts: Sequence[str]) -> Tensor:
    try:
        scores = torch.as_tensor(reward(samples, texts), dtype=torch.float32)
    except RewardFailedError:
        raise  # it has named itself and the sample
    except Exception as error:
        raise RewardFailedError(
            "objective", reward.name, f"raised {type(error).__name__}: {error}",
            "Make it return a number for any answer",
        ) from error  # fmt: skip
    if scores.shape != (len(samples),):
        raise RewardFailedError(
            "objective", reward.name,
            f"returned shape {tuple(scores.shape)} for {len(samples)} answers",
            "Return one number for each answer",
        )  # fmt: skip
    bad = (~scores.isfinite()).nonzero()
    if len(bad):
        row = int(bad[0])
        raise RewardFailedError(
            "objective", reward.name, f"returned {float(scores[row])} on sample {row}, "
            f"{texts[row]!r}", "Return a finite number for any answer",
        )  # fmt: skip
    return scores
