"""Checks of the challenge "generalized advantage estimation".

The expected values are the λ-weighted mixture of n-step advantages, the definition from which the
recursion follows, computed step by step in float64.
"""

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

Arguments = tuple[Tensor, Tensor, Tensor, Tensor, float, float]


def draw(
    rng: np.random.Generator,
    time: int,
    environments: int,
    ends: list[tuple[int, int]] | None = None,
    gae_lambda: float | None = None,
    dtype: torch.dtype = torch.float32,
) -> Arguments:
    """Draw rewards and values of order 1 and of both signs."""
    shape = (time, environments)
    rewards = rng.uniform(0.3, 2.0, size=shape) * rng.choice([-1, 1], size=shape)
    values = rng.uniform(0.3, 2.0, size=shape) * rng.choice([-1, 1], size=shape)
    dones = np.zeros(shape)
    for t, environment in ends or []:
        dones[t, environment] = 1
    last_values = rng.uniform(1.0, 3.0, size=environments)
    gamma = round(float(rng.uniform(0.7, 0.95)), 3)
    trace = round(float(rng.uniform(0.5, 0.9)), 3) if gae_lambda is None else gae_lambda
    tensors = (torch.tensor(x, dtype=dtype) for x in (rewards, values, dones, last_values))
    return (*tensors, gamma, trace)  # type: ignore[return-value]


def by_definition(
    rewards: Tensor, values: Tensor, dones: Tensor, last_values: Tensor, gamma: float, trace: float
) -> Tensor:
    """Mix the n-step advantages of each step with weights (1 − λ) λ^(n − 1)."""
    time, environments = rewards.shape
    after = torch.cat([values[1:], last_values[None]]).double()
    result = torch.zeros(time, environments, dtype=torch.float64)
    for i in range(environments):
        for t in range(time):
            total, mixed, left = 0.0, 0.0, 1.0  # `left`: the weight that is not given out yet
            for n in range(time - t):
                step = t + n
                total += gamma**n * float(rewards[step, i])
                final = bool(dones[step, i] == 1)
                rest = 0.0 if final else gamma ** (n + 1) * float(after[step, i])
                advantage = total + rest - float(values[t, i])
                if final or step == time - 1:
                    mixed += left * advantage
                    break
                mixed += left * (1 - trace) * advantage
                left *= trace
            result[t, i] = mixed
    return result


def check(ask: Ask, arguments: Arguments, hint: str) -> None:
    rewards = arguments[0]
    actual = require_tensor(ask(*arguments), tuple(rewards.shape), rewards.dtype, "the advantages")
    if not close(actual, by_definition(*arguments).to(rewards.dtype)):
        raise CheckFailed(hint)


def lambda_zero(ask: Ask, rng: np.random.Generator) -> None:
    for time in (1, 5):
        check(
            ask,
            draw(rng, time, 1, gae_lambda=0.0),
            "With λ = 0 the advantage of a step is its own δ: the reward, plus γ times the value "
            "of the next state, minus the value of this one.",
        )


def lambda_one(ask: Ask, rng: np.random.Generator) -> None:
    for time in (4, 6):
        check(
            ask,
            draw(rng, time, 1, gae_lambda=1.0),
            "With λ = 1 the values in between cancel: what is left is the discounted return, with "
            "the critic's value after the last step, minus the value of the state.",
        )


def mixture(ask: Ask, rng: np.random.Generator) -> None:
    for time in (3, 7):
        check(
            ask,
            draw(rng, time, 1),
            "Each later δ counts γλ times as much as the one before it: both factors, once for "
            "every step, and both as they are given.",
        )


def bootstrap(ask: Ask, rng: np.random.Generator) -> None:
    check(
        ask,
        draw(rng, 1, 3),
        "The last step of the rollout did not end its episode, so its δ needs γ times the value "
        "after it; of errors after it nothing is known.",
    )


def end_of_episode(ask: Ask, rng: np.random.Generator) -> None:
    end = int(rng.integers(1, 4))
    hint = (
        "After a step that ended its episode neither the value of the next state nor the advantage "
        "of the next step may enter."
    )
    for trace in (0.0, 1.0, None):
        check(ask, draw(rng, 6, 1, [(end, 0)], gae_lambda=trace), hint)
        check(ask, draw(rng, 6, 1, [(end, 0), (5, 0)], gae_lambda=trace), hint)


def many_environments(ask: Ask, rng: np.random.Generator) -> None:
    check(
        ask,
        draw(rng, 6, 4, [(0, 1), (2, 0), (3, 2), (5, 1)]),
        "Each environment has ends of its own: an end in one of them must not cut another.",
    )


def perfect_critic(ask: Ask, rng: np.random.Generator) -> None:
    _, values, dones, last_values, gamma, trace = draw(rng, 6, 2, [(2, 0)])
    after = torch.cat([values[1:], last_values[None]])
    rewards = values - gamma * (1 - dones) * after
    arguments = (rewards, values, dones, last_values, gamma, trace)
    actual = require_tensor(ask(*arguments), (6, 2), torch.float32, "the advantages")
    if float(actual.abs().max()) > 1e-5:
        raise CheckFailed(
            "Here every reward is exactly what the critic had expected, so every advantage is 0. "
            "Nothing may be added, and advantages are not normalised here."
        )


def constants(ask: Ask, rng: np.random.Generator) -> None:
    arguments = draw(rng, 5, 2, [(2, 0)])
    answer = ask(*arguments, gradient_of=(1,))
    actual = require_tensor(answer, (5, 2), torch.float32, "the advantages")
    if not close(actual, by_definition(*arguments).float()):
        raise CheckFailed("The advantages are wrong where values come with a gradient.")
    if answer.gradients[0] is not None:
        raise CheckFailed(
            "A gradient flows from the advantages into the values: the critic would be trained "
            "by the policy's loss. Advantages are constants."
        )


def shapes_and_dtypes(ask: Ask, rng: np.random.Generator) -> None:
    check(ask, draw(rng, 1, 1), "The advantage of one step of one environment is wrong.")
    check(
        ask,
        draw(rng, 7, 3, [(2, 1), (4, 0)], dtype=torch.float64),
        "In float64 it is wrong. If the other checks pass, something in between is float32.",
    )


def inputs_untouched(ask: Ask, rng: np.random.Generator) -> None:
    arguments = draw(rng, 5, 2, [(1, 0)])
    answer = ask(*arguments, report_args=True)
    require_tensor(answer, (5, 2), torch.float32, "the advantages")
    require_untouched(answer, arguments, ("rewards", "values", "dones", "last_values"))
