"""The judge's end of the pipes of a box: frames with a deadline, and its output with a cap."""

from __future__ import annotations

import os
import time
from typing import Any

import torch

from ppolab.sandbox.backend import Box
from ppolab.sandbox.inside import codec
from ppolab.sandbox.waiting import wait_for

CHUNK = 1 << 16


class ChannelTimeoutError(Exception):
    """The deadline passed before the box answered."""


class ChannelClosedError(Exception):
    """The box closed its end: its process is gone, or gave up its descriptors."""


class Channel:
    """Sends and receives frames, draining the error pipe all the while.

    A box whose output nobody reads would block, and one whose output were kept whole could fill
    the judge's memory: `log` keeps the first `log_limit` bytes and `log_dropped` counts the rest.
    """

    def __init__(self, box: Box, log_limit: int) -> None:
        self.box = box
        self.log = bytearray()
        self.log_limit = log_limit
        self.log_dropped = 0
        self._pending = bytearray()
        self._log_open = True
        for descriptor in (box.stdin, box.stdout, box.stderr):
            os.set_blocking(descriptor, False)

    def send(self, message: Any, deadline: float) -> None:
        """Send a frame; `deadline` is a time of the monotonic clock."""
        view = memoryview(codec.encode(message))
        while view:
            if self._wait(deadline, writing=True):
                try:
                    view = view[os.write(self.box.stdin, view) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise ChannelClosedError from error

    def receive(self, deadline: float) -> Any:
        """Receive a frame; raises `ProtocolError` when the bytes are none."""
        self._fill(codec.PREFIX.size, deadline)
        tree, blob = codec.frame_lengths(bytes(self._pending[: codec.PREFIX.size]))
        start, end = codec.PREFIX.size, codec.PREFIX.size + tree + blob
        self._fill(end, deadline)
        frame = bytes(self._pending[:end])
        del self._pending[:end]
        return codec.decode(frame[start : start + tree], frame[start + tree :], torch.from_numpy)

    def drain_log(self, seconds: float) -> None:
        """Read what is left in the error pipe; call it once the box is dead."""
        deadline = time.monotonic() + seconds
        while self._log_open and time.monotonic() < deadline:
            if not wait_for([self.box.stderr], 0):
                return
            self._read_log()

    def clear_log(self) -> None:
        """Forget the output so far, e.g. what libraries say while they are imported."""
        self.drain_log(0.01)
        self.log.clear()
        self.log_dropped = 0

    def close(self) -> None:
        """Close the judge's ends of the three pipes."""
        for descriptor in (self.box.stdin, self.box.stdout, self.box.stderr):
            os.close(descriptor)

    def _fill(self, count: int, deadline: float) -> None:
        while len(self._pending) < count:
            if self._wait(deadline, writing=False):
                part = os.read(self.box.stdout, CHUNK)
                if not part:
                    raise ChannelClosedError
                self._pending += part

    def _wait(self, deadline: float, writing: bool) -> bool:
        """Wait until the frame pipe is ready; False when only output came meanwhile."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise ChannelTimeoutError
        reading = [self.box.stderr] if self._log_open else []
        if not writing:
            reading.append(self.box.stdout)
        ready = wait_for(reading, left, [self.box.stdin] if writing else [])
        if self.box.stderr in ready:
            self._read_log()
        return bool(ready - {self.box.stderr})

    def _read_log(self) -> None:
        part = os.read(self.box.stderr, CHUNK)
        if not part:
            self._log_open = False
        room = max(self.log_limit - len(self.log), 0)
        self.log += part[:room]
        self.log_dropped += len(part[room:])
