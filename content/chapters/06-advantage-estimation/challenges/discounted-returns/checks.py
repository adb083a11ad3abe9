"""Checks of the challenge "discounted returns": expected values by the definition, sum by sum."""

import numpy as np
import torch
from torch import Tensor

from ppolab.assessment.checking import (
    Ask,
    CheckFailed,
    close,
    require_tensor,
    require_untouched,
)

Arguments = tuple[Tensor, Tensor, Tensor, float]


def draw(
    rng: np.random.Generator,
    time: int,
    environments: int,
    ends: list[tuple[int, int]] | None = None,
    gamma: float | None = None,
    dtype: torch.dtype = torch.float32,
    values: float = 3.0,
) -> Arguments:
    """Draw rewards of order 1 and of both signs; `ends` are (time, environment) of ends."""
    rewards = rng.uniform(0.3, 2.0, size=(time, environments))
    rewards *= rng.choice([-1, 1], size=rewards.shape)
    dones = np.zeros_like(rewards)
    for t, environment in ends or []:
        dones[t, environment] = 1
    last_values = values * rng.uniform(0.5, 1.5, size=environments)
    return (
        torch.tensor(rewards, dtype=dtype),
        torch.tensor(dones, dtype=dtype),
        torch.tensor(last_values, dtype=dtype),
        round(float(rng.uniform(0.6, 0.95)), 3) if gamma is None else gamma,
    )


def by_definition(rewards: Tensor, dones: Tensor, last_values: Tensor, gamma: float) -> Tensor:
    """For each step, add up what follows until the episode ends."""
    time, environments = rewards.shape
    returns = torch.zeros(time, environments, dtype=torch.float64)
    for t in range(time):
        for i in range(environments):
            total, weight = 0.0, 1.0
            for later in range(t, time):
                total += weight * float(rewards[later, i])
                weight *= gamma
                if dones[later, i] == 1:
                    break
            else:
                total += weight * float(last_values[i])
            returns[t, i] = total
    return returns


def check(ask: Ask, arguments: Arguments, hint: str) -> None:
    rewards = arguments[0]
    actual = require_tensor(ask(*arguments), tuple(rewards.shape), rewards.dtype, "the returns")
    if not close(actual, by_definition(*arguments).to(rewards.dtype)):
        raise CheckFailed(hint)


def one_episode(ask: Ask, rng: np.random.Generator) -> None:
    for time in (3, 6):
        rewards, dones, last_values, gamma = draw(rng, time, 1)
        check(
            ask,
            (rewards, dones, torch.zeros_like(last_values), gamma),
            "Without an end and with nothing after the last step, each reward counts once in its "
            "own step and γ times as much in every step before it.",
        )


def bootstrap(ask: Ask, rng: np.random.Generator) -> None:
    for time in (1, 5):
        check(
            ask,
            draw(rng, time, 1),
            "The episode goes on after the last step, so γ times the critic's value belongs to the "
            "return of the last step, and from there to all before it.",
        )


def end_of_episode(ask: Ask, rng: np.random.Generator) -> None:
    end = int(rng.integers(1, 4))
    hint = (
        "Where dones[t] is 1 the return of step t is its reward alone: neither the next reward nor "
        "the critic's value follows. Steps after it belong to another episode."
    )
    check(ask, draw(rng, 6, 1, [(end, 0)]), hint)
    check(ask, draw(rng, 6, 1, [(end, 0), (5, 0)]), hint)
    check(ask, draw(rng, 5, 1, [(4, 0)]), hint)


def reward_of_the_last_step(ask: Ask, rng: np.random.Generator) -> None:
    # An environment that rewards only the end, as many games do.
    rewards, dones, last_values, gamma = draw(rng, 5, 1, [(2, 0), (4, 0)])
    check(
        ask,
        (rewards * dones, dones, last_values, gamma),
        "The reward that comes with the end of an episode belongs to the step that ended it, and "
        "reaches back to all steps of that episode.",
    )


def many_environments(ask: Ask, rng: np.random.Generator) -> None:
    ends = [(0, 1), (2, 0), (3, 2), (5, 1)]
    check(
        ask,
        draw(rng, 6, 4, ends),
        "Each environment has ends of its own: an end in one of them must not cut another.",
    )


def extreme_discounts(ask: Ask, rng: np.random.Generator) -> None:
    for gamma in (0.0, 1.0):
        check(
            ask,
            draw(rng, 5, 2, [(1, 0), (3, 1)], gamma=gamma),
            "With γ = 0 the return is the reward of the step; with γ = 1 nothing is discounted.",
        )
    # γ^t is 0 in float32 long before the rollout is over.
    check(
        ask,
        draw(rng, 128, 1, [(60, 0)], gamma=0.2),
        "With a small γ and many steps the returns are wrong: a power of γ has become too small to "
        "be divided by. Work backwards, so that no power is needed.",
    )


def shapes_and_dtypes(ask: Ask, rng: np.random.Generator) -> None:
    check(ask, draw(rng, 1, 1), "The returns of one step of one environment are wrong.")
    check(
        ask,
        draw(rng, 7, 3, [(2, 1), (4, 0)], dtype=torch.float64),
        "In float64 it is wrong. If the other checks pass, something in between is float32.",
    )


def inputs_untouched(ask: Ask, rng: np.random.Generator) -> None:
    arguments = draw(rng, 5, 2, [(1, 0)])
    answer = ask(*arguments, report_args=True)
    require_tensor(answer, (5, 2), torch.float32, "the returns")
    require_untouched(answer, arguments, ("rewards", "dones", "last_values"))
