"""Boxes made by bubblewrap: fresh namespaces, a read-only root, a system call filter.

As root, a box gets a user id of its own and a control group. As an ordinary user it lives in a user
namespace, and what a control group would do is left to rlimits and the watchdog.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import random
import resource
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ppolab.errors import UnavailableError
from ppolab.sandbox.backend import Backend, Box, Usage
from ppolab.sandbox.bwrap_command import (
    BOX_FOLDER,
    drop_rights,
    environment,
    mounts,
    namespaces,
)
from ppolab.sandbox.cgroups import Cgroup
from ppolab.sandbox.limits import MIB, Limits
from ppolab.sandbox.runtime import PACKAGE_FOLDER, Runtime
from ppolab.sandbox.seccomp import filter_program
from ppolab.sandbox.waiting import wait_for
from ppolab.sandbox.watchdog import Watchdog

INSIDE = Path(__file__).parent / "inside"
REPORT_SECONDS = 10.0  # bwrap has this long to say that the namespaces stand
KILL_SECONDS = 5.0


class BubblewrapBackend(Backend):
    """Starts boxes with bubblewrap.

    `cgroup_version` is 1 or 2 where control groups may be made, else None.
    """

    safe = True

    def __init__(
        self,
        bwrap: str,
        runtime: Runtime,
        *,
        as_root: bool,
        cgroup_version: int | None,
    ) -> None:
        self.bwrap = bwrap
        self.runtime = runtime
        self.as_root = as_root
        self.cgroup_version = cgroup_version
        self.name = f"bubblewrap ({'root' if as_root else 'user'})"
        counted = (
            f"control groups (version {cgroup_version}) hold the limits"
            if cgroup_version
            else "no control groups can be made, so a watchdog and rlimits hold the limits"
        )
        rights = "a user id of its own" if as_root else "a user namespace"
        self.reason = f"bubblewrap works here; each box has {rights}; {counted}"

    def start(self, limits: Limits) -> Box:
        """Start a box around the driver."""
        python = [str(self.runtime.executable), "-I", "-S", "-B", "-u"]
        driver = [f"{BOX_FOLDER}/driver.py", str(PACKAGE_FOLDER), BOX_FOLDER]
        files = {name: (INSIDE / name).read_bytes() for name in ("driver.py", "codec.py")}
        return self.start_program([*python, *driver], files, limits)

    def start_program(self, command: list[str], files: dict[str, bytes], limits: Limits) -> Box:
        """Start a box around any command, with `files` to read under /opt/box."""
        with contextlib.ExitStack() as held:
            # Copies made by bwrap: the box can read them whatever the permissions of ours are.
            inherited = {name: _memory_file(held, data) for name, data in files.items()}
            program = filter_program()
            if program is None:
                raise UnavailableError(
                    "sandbox",
                    os.uname().machine,
                    "has no system call filter yet",
                    "Use an x86-64 machine, or allow `unsafe-local` on a machine only you use",
                )
            seccomp = _memory_file(held, program)
            report_in, report_out = _pipe(held)
            block_in, block_out = _pipe(held)
            arguments = [
                self.bwrap,
                *namespaces(self.as_root),
                *environment(self.runtime),
                *mounts(self.runtime, limits, inherited, self.as_root),
                *("--seccomp", str(seccomp)),
                *("--info-fd", str(report_out.fileno())),
                *("--block-fd", str(block_in.fileno())),
                "--",
                *drop_rights(self.as_root),
                *command,
            ]
            passed = (*inherited.values(), seccomp, report_out.fileno(), block_in.fileno())
            box = BubblewrapBox(_spawn(arguments, passed))
            try:
                report_out.close()  # ours; only bwrap's is left, so its death ends the report
                box.attach(_read_report(report_in.fileno()))
                self._limit(box, limits)
                block_out.write(b"1")  # namespaces and limits stand: go
            except (OSError, ValueError, KeyError) as error:
                raise _refusal(box) from error
            return box

    def _limit(self, box: BubblewrapBox, limits: Limits) -> None:
        """Put limits on the box's process 1 before it forks anything."""
        if self.cgroup_version is not None:
            box.cgroup = Cgroup(limits, self.cgroup_version)
            box.cgroup.add(box.first)
        else:
            box.watchdog = Watchdog(box.first, limits.memory, box.end)
            box.watchdog.start()
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(box.first, random.sample(cores, min(limits.cores, len(cores))))
        for name, value in rlimits(limits).items():
            kind = getattr(resource, f"RLIMIT_{name}")
            hard = resource.prlimit(box.first, kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.prlimit(box.first, kind, (value, value))


class BubblewrapBox(Box):
    """A running bwrap, and the handle of the process 1 of its namespace."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.take_pipes(process)
        self.process = process
        self.first = 0
        self.handle: int | None = None
        self.cgroup: Cgroup | None = None
        self.watchdog: Watchdog | None = None
        self._usage: Usage | None = None

    def attach(self, first: int) -> None:
        """Take hold of process 1; a handle, unlike a number, never comes to mean another one."""
        self.first = first
        self.handle = os.pidfd_open(first)

    def end(self) -> None:
        """Kill process 1; the kernel then kills all others of the namespace."""
        if self.handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        else:
            self.process.kill()

    def kill(self) -> None:
        """End everything and remove the control group."""
        if self._usage is not None:
            return
        if self.watchdog:
            self.watchdog.stop()
        self.end()
        try:
            self.process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.handle is not None:
            # bwrap may end before process 1 does. A handle becomes readable when its process is
            # gone, and process 1 is the last of its namespace to go.
            wait_for([self.handle], KILL_SECONDS)
            os.close(self.handle)
            self.handle = None
            # Then it falls to the machine's init to reap it, which may be us in a container.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.first, os.WNOHANG)
        self._usage = self._measure()
        if self.cgroup:
            self.cgroup.remove()

    def usage(self) -> Usage:
        """Say what the box used."""
        assert self._usage is not None, "usage() is asked after kill()"
        return self._usage

    def _measure(self) -> Usage:
        if self.cgroup:
            self.cgroup.kill()
            return Usage(self.cgroup.memory_peak(), self.cgroup.out_of_memory())
        if self.watchdog:
            return Usage(self.watchdog.peak, self.watchdog.fired)
        return Usage(None, False)


def rlimits(limits: Limits) -> dict[str, int]:
    """Limits of each single process; the sum over processes is for cgroups or the watchdog."""
    return {
        "NOFILE": limits.files,
        "NPROC": limits.processes,
        "FSIZE": limits.tmp,
        "CORE": 0,
        "MSGQUEUE": 0,
        "MEMLOCK": 0,
        # Private writable memory. Torch maps some that it never touches, hence the margin.
        "DATA": limits.memory + 512 * MIB,
        "CPU": int(limits.cores * (limits.start + limits.wall)) + 1,  # seconds
    }


def _memory_file(held: contextlib.ExitStack, data: bytes) -> int:
    descriptor = os.memfd_create("box")
    held.callback(os.close, descriptor)
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _pipe(held: contextlib.ExitStack) -> tuple[io.FileIO, io.FileIO]:
    read, write = os.pipe()
    return (
        held.enter_context(io.FileIO(read, "rb")),
        held.enter_context(io.FileIO(write, "wb")),
    )


@functools.cache
def _spawner() -> ThreadPoolExecutor:
    """One thread that starts all boxes and lives as long as this process.

    --die-with-parent ends a box when the *thread* that started it ends, not the process.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-spawner")


def _spawn(arguments: list[str], passed: tuple[int, ...]) -> subprocess.Popen[bytes]:
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=passed,
            cwd="/",
            env={},
        )

    return _spawner().submit(start).result()


def _read_report(descriptor: int) -> int:
    """Read bwrap's report and return the number of the box's process 1.

    Raises `ValueError` or `KeyError` when bwrap ends without one.
    """
    text = b""
    while wait_for([descriptor], REPORT_SECONDS):
        part = os.read(descriptor, 4096)
        text += part
        if not part or text.rstrip().endswith(b"}"):
            break
    return int(json.loads(text)["child-pid"])


def _refusal(box: BubblewrapBox) -> UnavailableError:
    """End a box that could not be set up; bwrap has said why on its error pipe."""
    box.kill()
    said = os.read(box.stderr, 4096).decode(errors="replace").strip()
    for descriptor in (box.stdin, box.stdout, box.stderr):
        os.close(descriptor)
    return UnavailableError(
        "sandbox", "bubblewrap", f"could not set up a box: {said}", "See docs/sandbox.md"
    )
