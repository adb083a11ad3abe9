from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
import rank_functions
import torch

from ppolab.cluster.executor import RankFailedError, run_ranks
from ppolab.errors import InvalidSettingError

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available() and torch.cuda.device_count() < 3, reason="too few GPUs for 3 ranks"
)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has buried yet does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf8") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def failure(
    function: Callable[..., Any], *arguments: Any, **settings: Any
) -> tuple[RankFailedError, list[int]]:
    """The error that running a function on three ranks ends with, and the ranks' processes."""
    pids: list[int] = []
    with pytest.raises(RankFailedError) as caught:
        run_ranks(function, 3, *arguments, listen=lambda rank, pid: pids.append(pid), **settings)
    return caught.value, pids


def test_ranks_exchange_numbers_and_their_results_come_in_order() -> None:
    heard: dict[int, Any] = {}
    results = run_ranks(rank_functions.add_up, 3, 10, listen=heard.__setitem__)
    assert results == [(0, 60.0), (1, 60.0), (2, 60.0)]
    assert [heard[rank]["from"] for rank in range(3)] == [0, 1, 2]
    assert len({message["pid"] for message in heard.values()} | {os.getpid()}) == 4
    assert not any(alive(message["pid"]) for message in heard.values())


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("raise", "rank: 1 failed: ValueError: no idea."),
        ("refuse", "rank: 1 failed: batch_size: 7 does not divide. Give 8"),
        ("die", "rank: 1 died (SIGKILL)"),
    ],
)
def test_the_rank_that_went_wrong_is_named_and_none_is_left(how: str, words: str) -> None:
    started = time.monotonic()
    error, pids = failure(rank_functions.fail_on_one, how)
    assert words in str(error)
    assert error.rank == 1
    assert ("fail_on_one" in error.trace) == (how != "die")
    assert not any(alive(pid) for pid in pids)
    assert time.monotonic() - started < 50  # nobody waited for the sleepers


def test_a_rank_that_takes_too_long_is_named() -> None:
    error, pids = failure(rank_functions.first_is_done, timeout=8.0)
    assert "rank: 1 is not done after 8 seconds" in str(error)
    assert len(pids) == 3
    assert not any(alive(pid) for pid in pids)


def test_an_exchange_that_one_rank_never_joins_gives_up() -> None:
    error, pids = failure(rank_functions.fail_on_one, "sleep", patience=3.0)
    assert error.rank in (0, 2)
    assert "fail_on_one" in error.trace
    assert not any(alive(pid) for pid in pids)


def test_where_the_first_rank_decides_the_others_are_ended_with_it() -> None:
    pids: list[int] = []
    results = run_ranks(
        rank_functions.first_is_done, 3, listen=lambda rank, pid: pids.append(pid),
        first_decides=True,
    )  # fmt: skip
    assert results == ["done", None, None]
    assert not any(alive(pid) for pid in pids)


def test_what_cannot_be_sent_is_an_error_of_its_rank() -> None:
    with pytest.raises(RankFailedError, match="rank: 0 failed"):
        run_ranks(rank_functions.return_what_cannot_be_sent, 1)


def test_no_rank_at_all_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="at least 1"):
        run_ranks(rank_functions.add_up, 0, 1)
