from __future__ import annotations

import math

import pytest
import rank_trainings
import torch

from ppolab.cluster.data_parallel import ProcessRanks
from ppolab.cluster.executor import run_ranks
from ppolab.errors import InvalidSettingError, UnavailableError
from ppolab.language.best_of_n import BestOfNSampler
from ppolab.language.ranks import Ranks

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available() and torch.cuda.device_count() < 2, reason="too few GPUs for 2 ranks"
)
UNLIKE = ("responses_per_second",)


def assert_same_training(
    alone: rank_trainings.Finished, other: rank_trainings.Finished, before: torch.Tensor
) -> None:
    """The same to the eye of every number; weights, but for those without a gradient to speak of.

    Of a gradient that is all rounding, such as that of the keys' biases, Adam makes full steps.
    """
    for expected, told in zip(alone[0], other[0], strict=True):
        assert expected.keys() == told.keys()
        for key in expected.keys() - set(UNLIKE):
            if not math.isnan(expected[key]):
                assert told[key] == pytest.approx(expected[key], rel=1e-4, abs=1e-5), key
    assert alone[1].keys() == other[1].keys()
    for key in alone[1].keys() - {"optimizer.vector"}:
        torch.testing.assert_close(other[1][key], alone[1][key], rtol=1e-3, atol=1e-6)
    squares = [alone[1][f"optimizer.adam.{piece}.exp_avg_sq"] for piece in (0, 1)]
    moved = torch.cat(squares).sqrt() > 1e-5
    assert moved.float().mean() > 0.3
    weights, found = (state["optimizer.vector"][moved] for state in (alone[1], other[1]))
    torch.testing.assert_close(found, weights, rtol=1e-4, atol=1e-5)
    assert (weights - before[moved]).abs().max() > 1e-3


@pytest.mark.parametrize("shard", [False, True], ids=["whole", "sharded"])
@pytest.mark.parametrize("name", rank_trainings.MAKERS)
def test_two_ranks_learn_what_one_learns_alone(name: str, shard: bool) -> None:
    alone = rank_trainings.trained(rank_trainings.MAKERS[name]())
    before = rank_trainings.MAKERS[name]().state()[0]["optimizer.vector"]
    first, second = run_ranks(rank_trainings.train_together, 2, name, shard)
    assert_same_training(alone, first, before)
    for key in first[1]:  # and no rank drifts away from the other
        assert torch.equal(first[1][key], second[1][key])


def test_exchanges_give_what_all_ranks_have() -> None:
    found = run_ranks(rank_trainings.draw_numbers, 2)
    for rank, ((gathered, flags, total), largest, share) in enumerate(found):
        # Rank 0 had rows 0, 1 of one column; rank 1 rows 0 … 4 of two.
        assert gathered.tolist() == [[0, 0], [1, 0], *([k, k] for k in range(5))]
        assert flags.tolist() == [True, False, True, True]
        assert total.tolist() == [[0], [2]]
        assert largest == 0.0
        assert share == (slice(0, 2), slice(2, 5))[rank]


def test_a_sharded_rank_keeps_its_part_only() -> None:
    for whole, part in run_ranks(rank_trainings.weights_held, 2):
        assert part == pytest.approx(whole / 2, rel=0.01)


def test_a_batch_that_does_not_divide_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ranks = Ranks()
    monkeypatch.setattr(ranks, "size", 3)
    with pytest.raises(InvalidSettingError, match="minibatch_size: 4 does not divide among 3"):
        rank_trainings.rlhf().join(ranks)
    with pytest.raises(InvalidSettingError, match="batch_size: 8 does not divide"):
        rank_trainings.sft().join(ranks)
    with pytest.raises(UnavailableError, match="cannot share this kind"):
        BestOfNSampler.join(object(), ranks)  # type: ignore[arg-type]


def test_ranks_are_made_of_a_process_group() -> None:
    with pytest.raises(ValueError, match="process group"):
        ProcessRanks()
