"""Finds the strongest isolation that really works on this machine, by trying to break it."""

from __future__ import annotations

import functools
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from ppolab.errors import PPOLabError, UnavailableError
from ppolab.sandbox import cgroups
from ppolab.sandbox.backend import Backend, Box
from ppolab.sandbox.bubblewrap import INSIDE, BubblewrapBackend
from ppolab.sandbox.bwrap_command import BOX_FOLDER, find_bwrap
from ppolab.sandbox.limits import MIB, Limits
from ppolab.sandbox.runtime import find_runtime
from ppolab.sandbox.unsafe import UnsafeLocalBackend
from ppolab.sandbox.waiting import wait_for

PROBE_LIMITS = Limits(start=10.0, wall=10.0, memory=96 * MIB, processes=24)
PROBE_SECONDS = 10.0
# Without control groups a process that takes memory fast is only seen some time later.
OVERSHOOT = 1024 * MIB


def choose_backend(unsafe_local: bool = False) -> Backend:
    """Return the best backend that passes its probe, which is done once in this process.

    With `unsafe_local` a machine without isolation gets the `unsafe-local` backend; without it
    such a machine gets `UnavailableError`, which names what was tried and why it failed.
    """
    backend, why = _best_backend()
    if backend is not None:
        return backend
    if unsafe_local:
        return _unsafe_backend(why)
    raise UnavailableError(
        "sandbox",
        "none",
        f"isolates code on this machine: {why}",
        "See docs/sandbox.md, or allow `unsafe-local` if only your own code runs here",
    )


@functools.cache
def _unsafe_backend(why: str) -> Backend:
    return UnsafeLocalBackend(why)


@functools.cache
def _best_backend() -> tuple[Backend | None, str]:
    """Return the best safe backend, or None and the reason in words."""
    if not sys.platform.startswith("linux"):
        return None, "bubblewrap needs Linux"
    bwrap = find_bwrap()
    if bwrap is None:
        return None, "there is no bwrap of version 0.8 or newer (package bubblewrap)"
    as_root = os.geteuid() == 0
    version = cgroups.find_version(PROBE_LIMITS) if as_root else None
    if version:
        cgroups.sweep(version)
    backend = BubblewrapBackend(bwrap, find_runtime(), as_root=as_root, cgroup_version=version)
    try:
        problems = probe(backend)
    except (PPOLabError, OSError) as error:
        problems = [str(error)]
    if problems:
        return None, f"{backend.name} fails its own test: {', '.join(problems)}"
    return backend, ""


def probe(backend: BubblewrapBackend) -> list[str]:
    """Try to get out of a box of this backend; list what worked, in words."""
    with tempfile.NamedTemporaryFile(prefix="ppolab-probe-") as foreign:
        Path(foreign.name).chmod(0o644)
        report = _read_json(_run(backend, ["escape", foreign.name, str(PROBE_LIMITS.processes)]))
    if report is None:
        return ["the probe gave no report"]
    words = {
        "network": "a socket could be opened",
        "vsock": "a socket to the hypervisor could be opened",
        "foreign_file": "a file of the machine could be read",
        "accounts": "/etc/passwd could be read",
        "write_outside": "files could be written outside /tmp",
    }
    problems = [text for name, text in words.items() if report.get(name) is not False]
    forks = report.get("processes")
    if not isinstance(forks, int) or not 1 <= forks <= PROBE_LIMITS.processes:
        problems.append(f"{forks} processes could be started, {PROBE_LIMITS.processes} are allowed")
    margin = 32 * MIB if backend.cgroup_version else OVERSHOOT
    if _run(backend, ["memory", str(PROBE_LIMITS.memory + margin)]):
        problems.append("more memory could be taken than is allowed")
    return problems


def _run(backend: BubblewrapBackend, arguments: list[str]) -> bytes:
    """Run the probe in a box; return what it printed."""
    python = [str(backend.runtime.executable), "-I", "-S", "-B", "-u"]
    files = {"probe.py": (INSIDE / "probe.py").read_bytes()}
    command = [*python, f"{BOX_FOLDER}/probe.py", *arguments]
    box = backend.start_program(command, files, PROBE_LIMITS)
    try:
        return _read_line(box)
    finally:
        box.kill()
        for descriptor in (box.stdin, box.stdout, box.stderr):
            os.close(descriptor)


def _read_line(box: Box) -> bytes:
    deadline = time.monotonic() + PROBE_SECONDS
    said = b""
    while b"\n" not in said and len(said) < 1 << 16:
        if not wait_for([box.stdout], deadline - time.monotonic()):
            break
        part = os.read(box.stdout, 4096)
        if not part:
            break
        said += part
    return said


def _read_json(line: bytes) -> dict[str, object] | None:
    try:
        report = json.loads(line)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None
