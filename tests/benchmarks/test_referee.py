"""The arithmetic behind the benchmarks' tables; what they measure is no test's business."""

from __future__ import annotations

from types import ModuleType

import gymnasium
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ppolab.control.distributions import Categorical
from ppolab.control.networks import ActorCritic
from ppolab.control.observations import ObservationLayout


@pytest.fixture
def referee() -> ModuleType:
    import referee

    return referee


def answer(count: int, seconds: float, processor_seconds: float) -> dict[str, float]:
    return {"count": count, "seconds": seconds, "processor_seconds": processor_seconds}


def test_a_ratio_is_the_median_of_the_rounds_own_ratios(referee: ModuleType) -> None:
    # Rates: ours 200, 100, 900; theirs 100, 20, 300. Ratios 2, 5, 3: not 200/100, nor 900/300.
    ours = [answer(400, 2.0, 1.0), answer(100, 1.0, 1.0), answer(900, 1.0, 1.0)]
    theirs = [answer(100, 1.0, 1.0), answer(40, 2.0, 0.5), answer(300, 1.0, 1.0)]
    row = referee.rows_of({"a": ours, "b": theirs}, "b", {"a": 400.0})["a"]
    assert row["rate"] == 200
    assert row["ratios"] == [2.0, 5.0, 3.0]
    assert row["ratio"] == 3.0
    # Per processor second: 400, 100, 900 to 100, 80, 300, so 4, 1.25, 3.
    assert row["ratio_of_processor_time"] == 3.0
    assert row["share_of_bound"] == 0.5


def test_a_row_without_a_bound_claims_no_share(referee: ModuleType) -> None:
    answers = {"a": [answer(100, 1.0, 1.0)], "b": [answer(100, 1.0, 1.0)]}
    rows = referee.rows_of(answers, "b", {"a": 100.0})
    assert (rows["a"]["share_of_bound"], rows["b"]["share_of_bound"]) == (1.0, None)


def test_contenders_take_turns_and_the_first_to_go_changes(referee: ModuleType) -> None:
    went: list[tuple[str, int]] = []

    def run(name: str) -> object:
        return lambda seed: went.append((name, seed)) or answer(seed, 1.0, 1.0)

    answers = referee.by_turns({"a": run("a"), "b": run("b")}, rounds=2)
    # Seed 1 warms up, in no answer.
    assert went == [("b", 1), ("a", 1), ("a", 2), ("b", 2), ("b", 3), ("a", 3)]
    assert [a["count"] for a in answers["a"]] == [2, 3]


def test_the_bound_of_images_counts_the_operations_that_torch_counts() -> None:
    import bound

    layout = ObservationLayout("none", gymnasium.spaces.Box(0, 255, (4, 84, 84), np.uint8))
    network = ActorCritic(layout, Categorical(6), 64)
    counter = FlopCounterMode(display=False)
    with counter:
        logits, values = network(torch.zeros(3, layout.size, dtype=torch.uint8))
        (logits.sum() + values.sum()).backward()
    counted = counter.get_total_flops() / 3
    rate = bound.image_bound({"convolutions": {"float32": 1e9}}, "float32")
    assert 1e9 / rate == pytest.approx(counted, rel=1e-9)
