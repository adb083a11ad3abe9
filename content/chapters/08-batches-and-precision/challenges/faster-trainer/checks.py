"""Checks of the challenge "make a slow trainer twice as fast".

What is right is what the given trainer computes; here it runs on its own, in this process.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ppolab.assessment.checking import (
    Ask,
    CheckFailed,
    require_untouched,
    require_value,
)
from ppolab.assessment.speed import require_speedup
from ppolab.sandbox import Answer

GIVEN: dict[str, Any] = {}
exec(Path(__file__).with_name("starter.py").read_text(encoding="utf-8"), GIVEN)
# As right as the given one, which the checks of the solution show, and quick enough to be asked
# about each timed call.
QUICK: dict[str, Any] = {}
exec(Path(__file__).with_name("solution.py").read_text(encoding="utf-8"), QUICK)
NAMES = ("policy", "critic", "observations", "actions", "rewards", "dones", "orders", "settings")
SETTINGS = {
    "gamma": 0.9,
    "gae_lambda": 0.8,
    "clip_range": 0.2,
    "learning_rate": 0.05,
    "minibatch_size": 16,
}


def draw(
    rng: np.random.Generator,
    time: int = 6,
    environments: int = 4,
    epochs: int = 1,
    ends: float = 0.0,
    **settings: float,
) -> tuple[Any, ...]:
    """Draw a rollout of an invented task, and the orders of its epochs."""
    features, actions = 5, 3

    def tensor(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return torch.tensor(rng.normal(size=shape) * scale, dtype=torch.float64)

    dones = torch.tensor(rng.random((time, environments)) < ends, dtype=torch.float64)
    if ends:
        dones[time // 2, 0] = 1.0
    count = time * environments
    return (
        tensor(features, actions, scale=0.5),
        tensor(features, scale=0.5),
        tensor(time, environments, features),
        torch.tensor(rng.integers(actions, size=(time, environments))),
        tensor(time, environments),
        dones,
        [torch.tensor(rng.permutation(count)) for _ in range(epochs)],
        {**SETTINGS, **settings},
    )


def compare(
    answer: Answer, args: tuple[Any, ...], hint: str, reference: dict[str, Any] = GIVEN
) -> None:
    """Refuse weights that are not those of the given trainer."""
    value = require_value(answer, "[policy, critic]")
    if not (isinstance(value, list | tuple) and len(value) == 2):
        raise CheckFailed("Return a list of two tensors, [policy, critic].")
    for name, actual, right in zip(("policy", "critic"), value, reference["train"](*args), strict=True):
        if not isinstance(actual, torch.Tensor) or actual.shape != right.shape:
            raise CheckFailed(f"The {name} should be a tensor of shape {list(right.shape)}.")
        if actual.dtype != right.dtype:
            raise CheckFailed(f"The {name} should be in float64, like the weights given.")
        if not torch.allclose(actual, right, rtol=1e-9, atol=1e-11):
            raise CheckFailed(f"The {name} differs from that of the given trainer. {hint}")


def same_weights(ask: Ask, rng: np.random.Generator) -> None:
    for _ in range(2):
        args = draw(rng, time=4, environments=4)
        hint = "This is one epoch of one minibatch, with no end of an episode: a single update."
        compare(ask("fast", *args), args, hint)


def ends_of_episodes(ask: Ask, rng: np.random.Generator) -> None:
    for _ in range(2):
        args = draw(rng, time=8, environments=2, ends=0.3)
        hint = "Neither a value nor an advantage may cross a step with dones = 1."
        compare(ask("fast", *args), args, hint)


def uneven_minibatches(ask: Ask, rng: np.random.Generator) -> None:
    args = draw(rng, time=5, environments=4, minibatch_size=6)
    hint = (
        "20 samples in minibatches of 6 are four updates; the last has 2 samples and takes the mean "
        "over 2."
    )
    compare(ask("fast", *args), args, hint)


def several_epochs(ask: Ask, rng: np.random.Generator) -> None:
    args = draw(rng, time=8, environments=4, epochs=3, learning_rate=0.2)
    hint = (
        "Every epoch goes through the samples in its own order, one update per minibatch. Old "
        "log-probabilities, advantages and targets are those from before the first update."
    )
    compare(ask("fast", *args), args, hint)


def clipped_samples(ask: Ask, rng: np.random.Generator) -> None:
    args = draw(rng, time=8, environments=4, epochs=4, learning_rate=0.5, clip_range=0.05)
    hint = "With large steps many ratios leave the clip range, and their samples stop."
    compare(ask("fast", *args), args, hint)


def inputs_untouched(ask: Ask, rng: np.random.Generator) -> None:
    args = draw(rng, epochs=2)
    answer = ask("fast", *args, report_args=True)
    compare(answer, args, "These are two epochs of a plain rollout.")
    before, names = ("fast", *args), ("which", *NAMES)
    require_untouched(answer, before, names)


def workload(rng: np.random.Generator) -> tuple[Any, ...]:
    """A rollout large enough that the time of a call is that of the training."""
    return draw(rng, time=12, environments=8, epochs=2, ends=0.1, minibatch_size=48)


def twice_as_fast(ask: Ask, rng: np.random.Generator) -> None:
    hint = "It happened while it was timed: a quick answer must be right as well."
    require_speedup(
        ask, rng, workload, lambda answer, args: compare(answer, args, hint, QUICK), times=2.0
    )
