"""Runs a submission in a plain process with rlimits. Keeps mistakes in bounds, and nothing else.

It reads every file that the user can read, and reaches the network. It is for people who run their
own code on their own machine, where no isolation works, and only when asked for by name.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

from ppolab.sandbox.backend import Backend, Box, Usage
from ppolab.sandbox.bubblewrap import INSIDE, rlimits
from ppolab.sandbox.limits import Limits


class UnsafeLocalBackend(Backend):
    """Starts the driver as an ordinary process."""

    name = "unsafe-local"
    safe = False

    def __init__(self, why_nothing_better: str) -> None:
        self.reason = f"asked for explicitly, and it isolates nothing; {why_nothing_better}"

    def start(self, limits: Limits) -> Box:
        """Start the driver, which lowers its own limits before anything else."""
        # The number of processes is left out: here it would count all of this user's.
        settings = [
            f"rlimit:{name}={value}"
            for name, value in rlimits(limits).items()
            if name not in ("NPROC", "NOFILE")
        ]
        command = [sys.executable, "-I", "-B", "-u", str(INSIDE / "driver.py"), str(INSIDE)]
        return UnsafeLocalBox(
            subprocess.Popen(
                [*command, *settings],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
        )


class UnsafeLocalBox(Box):
    """The driver's process and whatever stays in its session."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.take_pipes(process)
        self.process = process

    def kill(self) -> None:
        """End the process group; a process that left it stays, which is one reason for the name."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def usage(self) -> Usage:
        """Nothing measures this box."""
        return Usage(None, False)
