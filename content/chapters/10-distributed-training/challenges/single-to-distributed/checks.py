"""Checks of the challenge "from a single process to several ranks".

What is right is what one process does with the whole batch, computed here.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ppolab.assessment.checking import Ask, CheckFailed, require_value

FEATURES, UNITS = 4, 3


def tensor(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.tensor(rng.normal(size=shape), dtype=torch.float64)


class Task:
    """A batch cut into shards, weights for each rank, and what one process makes of them."""

    def __init__(
        self,
        rng: np.random.Generator,
        shards: list[int],
        steps: int = 3,
        max_norm: float = 1e6,
        same_weights: bool = True,
    ) -> None:
        self.shards, self.steps, self.max_norm = shards, steps, max_norm
        self.learning_rate = round(float(rng.uniform(0.05, 0.15)), 4)
        self.inputs = tensor(rng, sum(shards), FEATURES)
        # Targets of order 1, whose mean differs from shard to shard.
        drift = torch.linspace(-1, 2, sum(shards), dtype=torch.float64)
        self.targets = tensor(rng, sum(shards)) + drift
        first = [tensor(rng, FEATURES, UNITS), tensor(rng, UNITS)]
        self.weights = [
            first if same_weights or rank == 0 else [w + tensor(rng, *w.shape) for w in first]
            for rank in range(len(shards))
        ]

    def arguments(self) -> tuple[list[Any], list[list[Any]]]:
        """What all ranks share, and what each has of its own."""
        inputs, targets = self.inputs.split(self.shards), self.targets.split(self.shards)
        own = [[w, x, y] for w, x, y in zip(self.weights, inputs, targets, strict=True)]
        return [self.learning_rate, self.max_norm, self.steps], own

    def expected(self) -> tuple[list[Tensor], list[float]]:
        """Weights and losses of one process, with its gradient written out."""
        hidden, output = self.weights[0]
        losses = []
        for _ in range(self.steps):
            units = torch.tanh(self.inputs @ hidden)
            errors = units @ output - self.targets
            losses.append(float(errors.square().mean()))
            slope = 2 * errors / len(errors)
            gradients = [
                self.inputs.T @ (slope[:, None] * output * (1 - units.square())),
                units.T @ slope,
            ]
            norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
            scale = self.learning_rate * min(1.0, self.max_norm / float(norm))
            hidden, output = hidden - scale * gradients[0], output - scale * gradients[1]
        return [hidden, output], losses


def answers(ask: Ask, task: Task) -> list[dict[str, Any]]:
    """What each rank returned, once its form is right."""
    ranks = require_value(ask(*task.arguments()), "an answer of each rank")
    for rank, answer in enumerate(ranks):
        fits = isinstance(answer, dict) and {"weights", "losses"} <= set(answer)
        weights = answer["weights"] if fits else None
        fits = isinstance(weights, list | tuple) and [
            list(w.shape) if isinstance(w, Tensor) else None for w in weights
        ] == [[FEATURES, UNITS], [UNITS]]
        if not fits:
            raise CheckFailed(
                f"Rank {rank} should return a dict with `weights`, the list of two tensors, and "
                "`losses`."
            )
    return list(ranks)


def check_weights(ask: Ask, task: Task, hint: str) -> None:
    weights, _ = task.expected()
    for rank, answer in enumerate(answers(ask, task)):
        for actual, right in zip(answer["weights"], weights, strict=True):
            same_dtype = actual.dtype == right.dtype
            if not (same_dtype and torch.allclose(actual, right, rtol=1e-9, atol=1e-11)):
                raise CheckFailed(
                    f"With {len(task.shards)} ranks, rank {rank} ends with other weights than a "
                    f"single process. {hint}"
                )


def equal_shards(ask: Ask, rng: np.random.Generator) -> None:
    for shards in ([4, 4], [3, 3, 3]):
        check_weights(
            ask,
            Task(rng, shards),
            "The gradient of the whole batch is needed on every rank: neither that of the shard, "
            "nor a sum that is too large, nor one that was averaged twice.",
        )


def uneven_shards(ask: Ask, rng: np.random.Generator) -> None:
    for shards in ([2, 7], [1, 5, 3, 8]):
        check_weights(
            ask,
            Task(rng, shards),
            "Here the shards differ in size, and the mean is one over all samples, not one over "
            "the ranks' means.",
        )


def empty_shard(ask: Ask, rng: np.random.Generator) -> None:
    for shards in ([5, 0], [0, 4, 3]):
        check_weights(
            ask,
            Task(rng, shards),
            "One rank has no sample: a mean over nothing is not a number, but a sum over nothing "
            "is 0. It has to call every collective like the others.",
        )


def same_beginning(ask: Ask, rng: np.random.Generator) -> None:
    for shards in ([4, 4], [3, 4, 2]):
        check_weights(
            ask,
            Task(rng, shards, same_weights=False),
            "The ranks were given different weights; those of rank 0 count.",
        )


def gradient_clipping(ask: Ask, rng: np.random.Generator) -> None:
    for shards in ([4, 4], [2, 6, 3]):
        check_weights(
            ask,
            Task(rng, shards, max_norm=0.05),
            "Here the norm of the gradient is above its limit. Limit the norm of the whole batch's "
            "gradient over all weights together, after the ranks' gradients were added up.",
        )


def agreement(ask: Ask, rng: np.random.Generator) -> None:
    ranks = answers(ask, Task(rng, [3, 6, 2, 5], steps=5, same_weights=False, max_norm=1.0))
    for rank, answer in enumerate(ranks[1:], 1):
        for own, first in zip(answer["weights"], ranks[0]["weights"], strict=True):
            if not torch.equal(own, first):
                raise CheckFailed(
                    f"Rank {rank} and rank 0 hold different weights. All must begin alike and make "
                    "the same updates."
                )


def losses(ask: Ask, rng: np.random.Generator) -> None:
    for shards in ([4, 4], [2, 0, 6]):
        task = Task(rng, shards, steps=4)
        _, expected = task.expected()
        for rank, answer in enumerate(answers(ask, task)):
            actual = [float(loss) for loss in answer["losses"]]
            if len(actual) != len(expected) or not np.allclose(actual, expected, rtol=1e-9):
                raise CheckFailed(
                    f"Rank {rank} of {len(shards)} should report one loss per step: the mean over "
                    "all samples of all ranks, before the step."
                )


def one_rank(ask: Ask, rng: np.random.Generator) -> None:
    check_weights(ask, Task(rng, [6]), "With a single rank nothing needs to be exchanged.")
