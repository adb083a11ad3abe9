"""What ranks are asked to do in tests; importable by name, for ranks are processes of their own."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import torch
import torch.distributed as dist

from ppolab.cluster.executor import Member
from ppolab.errors import InvalidSettingError


def add_up(member: Member, factor: int) -> tuple[int, float]:
    """The sum over ranks of (rank + 1)·factor."""
    number = torch.tensor(float((member.rank + 1) * factor))
    dist.all_reduce(number)
    member.tell({"from": member.rank, "pid": os.getpid()})
    return member.rank, float(number)


def fail_on_one(member: Member, how: str) -> None:
    """One rank goes wrong while the others wait for it in an exchange."""
    member.tell(os.getpid())
    if member.rank == 1:
        if how == "raise":
            raise ValueError("no idea")
        if how == "refuse":
            raise InvalidSettingError("batch_size", 7, "does not divide", "Give 8")
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    dist.barrier()


def first_is_done(member: Member) -> str:
    """Rank 0 is quick, the others wait for ever."""
    member.tell(os.getpid())
    if member.rank > 0:
        time.sleep(60)
    return "done"


def return_what_cannot_be_sent(member: Member) -> Any:
    """A function has no pickle."""
    return lambda: member.rank
