"""Waiting for descriptors. `poll`, because `select` refuses descriptors of 1024 and above."""

from __future__ import annotations

import select
from collections.abc import Iterable


def wait_for(readable: Iterable[int], seconds: float, writable: Iterable[int] = ()) -> set[int]:
    """Wait until one of the descriptors is ready, or `seconds` are over; return those ready.

    A descriptor whose other end is closed counts as ready: reading or writing it then tells.
    """
    poll = select.poll()
    for descriptor in readable:
        poll.register(descriptor, select.POLLIN)
    for descriptor in writable:
        poll.register(descriptor, select.POLLOUT)
    return {descriptor for descriptor, _ in poll.poll(max(seconds, 0.0) * 1000)}
