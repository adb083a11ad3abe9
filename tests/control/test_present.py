"""Rows where nobody acted: they are kept in a rollout's rectangle, and nothing learns from them."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.control.config import PPOConfig
from ppolab.control.environments import Finished, Team, whole_episodes
from ppolab.control.networks import ActorCritic
from ppolab.control.rollout import Rollout
from ppolab.control.update import FlatParameters, Parts, UpdateReport, update

TIME, ROWS = 32, 4


def rollout_with_gaps(missing: int, garbage: float = 0.0) -> Rollout:
    """`missing` rows are of nobody and hold `garbage`; they are done, as is what comes before."""
    generator = torch.Generator().manual_seed(3)
    present = torch.ones(TIME * ROWS, dtype=torch.bool)
    present[torch.randperm(TIME * ROWS, generator=generator)[:missing]] = False
    present = present.view(TIME, ROWS)
    follows = torch.cat([present[1:], torch.ones(1, ROWS, dtype=torch.bool)])

    def numbers(*inner: int) -> Tensor:
        values = torch.randn(TIME, ROWS, *inner, generator=generator)
        values[~present] = garbage
        return values

    return Rollout(
        observations=numbers(3),
        actions=torch.randint(2, (TIME, ROWS), generator=generator) * present,
        log_probs=numbers() - 0.7,
        rewards=numbers(),
        dones=(~(present & follows) | (torch.rand(TIME, ROWS, generator=generator) < 0.1)).float(),
        values=numbers(),
        last_values=torch.zeros(ROWS),
        present=present,
    )


def learn(rollout: Rollout, size: int, parts: Parts) -> tuple[UpdateReport, Tensor]:
    time, rows = rollout.actions.shape
    config = PPOConfig(
        environments=rows, rollout_steps=time, minibatch_size=size, epochs=3, total_steps=1024,
        value_clip_range=0.3,
    )  # fmt: skip
    torch.manual_seed(1)
    model = ActorCritic.small(3, 2, 8)
    parameters = FlatParameters(model)
    optimizer = torch.optim.Adam([parameters.vector], lr=0.01, fused=True)
    generator = torch.Generator().manual_seed(5)
    report, _ = update(model, parameters, optimizer, rollout, config, parts, generator)
    return report, parameters.vector.detach()


def test_what_stands_in_rows_of_nobody_changes_nothing() -> None:
    (first, one), (second, other) = (
        learn(rollout_with_gaps(32, garbage), 32, Parts()) for garbage in (0.0, 7.0)
    )
    assert torch.equal(one, other)
    assert torch.equal(first.ratio_counts, second.ratio_counts)
    assert dataclasses.replace(first, ratio_counts=one) == dataclasses.replace(
        second, ratio_counts=one
    )
    assert first.ratio_counts.sum() == 3 * 96


def test_an_update_with_gaps_is_the_update_of_the_samples_that_are_there() -> None:
    gaps = rollout_with_gaps(32)
    present = gaps.present
    assert present is not None
    advantages = torch.randn(TIME, ROWS, generator=torch.Generator().manual_seed(8))
    dense = Rollout(
        *(getattr(gaps, name)[present].unsqueeze(1)
          for name in ("observations", "actions", "log_probs", "rewards", "dones", "values")),
        last_values=torch.zeros(1),
    )  # fmt: skip
    report, vector = learn(gaps, 32, Parts(advantages=lambda *_: advantages))
    expected, other = learn(
        dense, 32, Parts(advantages=lambda *_: advantages[present].unsqueeze(1))
    )
    assert torch.equal(vector, other)
    assert report.policy_loss == expected.policy_loss
    assert report.value_loss == expected.value_loss
    assert report.clip_fraction == expected.clip_fraction
    assert torch.equal(report.ratio_counts, expected.ratio_counts)


@pytest.mark.parametrize(("missing", "sizes"), [(0, [32] * 4), (31, [25, 24, 24, 24]), (97, [31])])
def test_minibatches_are_equal_where_their_size_does_not_divide_the_samples(
    missing: int, sizes: list[int]
) -> None:
    seen: list[int] = []

    def listening(log_probs: Tensor, *others: object) -> object:
        seen.append(len(log_probs))
        return clipped_policy_loss(log_probs, *others)  # type: ignore[arg-type]

    learn(rollout_with_gaps(missing), 32, Parts(policy_loss=listening))  # type: ignore[arg-type]
    assert seen == sizes * 3


def test_a_team_is_counted_once_when_its_last_agent_leaves() -> None:
    row = torch.zeros(1).numpy()
    alone = Finished(2, 5.0, 3, False, row)
    team = Team(1, 7.0, 9, True, {"a": 3.0, "b": 4.0})
    early = Finished(2, 3.0, 4, False, row, "a")
    last = Finished(3, 4.0, 9, True, row, "b", team)
    assert whole_episodes([alone, early, last]) == [alone, team]
