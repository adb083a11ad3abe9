"""What every way of isolating a process has in common."""

from __future__ import annotations

import os
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass

from ppolab.sandbox.limits import Limits


@dataclass(frozen=True)
class Usage:
    """What a box used, as measured from outside it."""

    memory_peak: int | None  # bytes; None where nothing measures it
    out_of_memory: bool  # it was killed for passing its memory limit


class Box(ABC):
    """A started box: three pipes, a way to end it and a measure of what it used.

    `stdin` and `stdout` carry frames (see `inside/codec.py`), `stderr` what the submission prints.
    The session that uses the box closes the three; `kill` leaves no process and no file behind and
    may be called more than once.
    """

    stdin: int
    stdout: int
    stderr: int

    def take_pipes(self, process: subprocess.Popen[bytes]) -> None:
        """Take over a process's pipes, so that closing them is the session's business alone."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.stdin = os.dup(process.stdin.fileno())
        self.stdout = os.dup(process.stdout.fileno())
        self.stderr = os.dup(process.stderr.fileno())
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()

    @abstractmethod
    def kill(self) -> None:
        """End every process of the box and wait until they are gone."""

    @abstractmethod
    def usage(self) -> Usage:
        """Say what the box used; call it after `kill`."""


class Backend(ABC):
    """A way to start boxes.

    `name` is shown with every verdict, `reason` says in words why this backend was chosen, and
    `safe` whether code from strangers may run in it.
    """

    name: str
    safe: bool
    reason: str

    @abstractmethod
    def start(self, limits: Limits) -> Box:
        """Start a box whose driver will say that it is ready once torch is imported."""
