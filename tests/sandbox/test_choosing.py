"""The choice of a backend, and the proof that its self-test would see a weak one."""

from __future__ import annotations

import dataclasses
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ppolab.errors import UnavailableError
from ppolab.sandbox import (
    Backend,
    BoxFault,
    Limits,
    Session,
    choose_backend,
    choosing,
)
from ppolab.sandbox.bubblewrap import BubblewrapBackend
from ppolab.sandbox.limits import MIB
from ppolab.sandbox.unsafe import UnsafeLocalBackend


def test_without_isolation_the_answer_is_a_refusal_that_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "_best_backend", choosing._best_backend.__wrapped__)
    monkeypatch.setattr(choosing, "find_bwrap", lambda: None)
    with pytest.raises(UnavailableError, match="no bwrap of version") as caught:
        choose_backend()
    assert "unsafe-local" in caught.value.mend
    unsafe = choose_backend(unsafe_local=True)
    assert (unsafe.name, unsafe.safe) == ("unsafe-local", False)
    assert "isolates nothing" in unsafe.reason
    assert "no bwrap" in unsafe.reason


@pytest.mark.sandbox
def test_the_choice_names_itself_and_is_made_once(backend: Backend) -> None:
    kind = "root" if os.geteuid() == 0 else "user"
    assert backend.name == f"bubblewrap ({kind})"
    assert backend.safe
    assert "bubblewrap works here" in backend.reason
    assert choose_backend() is backend
    assert choose_backend(unsafe_local=True) is backend  # what is safe is never given up


@pytest.mark.sandbox
def test_the_self_test_passes_here(backend: Backend) -> None:
    assert isinstance(backend, BubblewrapBackend)
    assert choosing.probe(backend) == []


@pytest.mark.sandbox
def test_the_self_test_sees_a_missing_filter(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_all = struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000)
    monkeypatch.setattr("ppolab.sandbox.bubblewrap.filter_program", lambda: allow_all)
    assert isinstance(backend, BubblewrapBackend)
    assert "a socket could be opened" in choosing.probe(backend)


@pytest.mark.sandbox
def test_the_self_test_sees_missing_limits(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BubblewrapBackend, "_limit", lambda self, box, limits: None)
    assert isinstance(backend, BubblewrapBackend)
    problems = choosing.probe(backend)
    assert "32 processes could be started, 24 are allowed" in problems
    assert "more memory could be taken than is allowed" in problems


@pytest.mark.sandbox
def test_the_self_test_sees_foreign_files_and_a_writable_root(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(backend, BubblewrapBackend)
    mounts = (*backend.runtime.mounts, (Path("/etc"), Path("/etc")), (Path("/tmp"), Path("/tmp")))
    leaky = BubblewrapBackend(
        backend.bwrap,
        dataclasses.replace(backend.runtime, mounts=mounts),
        as_root=backend.as_root,
        cgroup_version=backend.cgroup_version,
    )
    assert "/etc/passwd could be read" in choosing.probe(leaky)


@pytest.mark.sandbox
def test_a_box_that_cannot_be_built_says_what_bwrap_said(backend: Backend) -> None:
    assert isinstance(backend, BubblewrapBackend)
    missing = (*backend.runtime.mounts, (Path("/nowhere/at/all"), Path("/opt/x")))
    broken = BubblewrapBackend(
        backend.bwrap,
        dataclasses.replace(backend.runtime, mounts=missing),
        as_root=backend.as_root,
        cgroup_version=backend.cgroup_version,
    )
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(UnavailableError, match="/nowhere/at/all"):
        Session(broken)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


JUDGE = """
import os, sys, time
from ppolab.sandbox import choose_backend, open_session
session = open_session(choose_backend())
print(os.stat(f"/proc/{session._box.first}/ns/pid").st_ino, flush=True)
try:
    session.load("while True: pass", "f")
finally:
    print("ended", flush=True)
"""


@pytest.mark.sandbox
def test_a_box_dies_with_a_judge_that_is_killed(backend: Backend) -> None:
    judge = subprocess.Popen([sys.executable, "-c", JUDGE], stdout=subprocess.PIPE)
    assert judge.stdout is not None
    namespace = int(judge.stdout.readline())
    assert count_processes(namespace) >= 2
    judge.send_signal(signal.SIGKILL)
    judge.wait()
    deadline = time.monotonic() + 5
    while count_processes(namespace) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert count_processes(namespace) == 0
    # What is left is an empty control group, which the next server sweeps away. Do it here.
    for group in Path("/sys/fs/cgroup").glob(f"*/ppolab/{judge.pid}-*"):
        group.rmdir()


def count_processes(namespace: int) -> int:
    """Count the living processes of a process namespace."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            dead = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            count += not dead and (folder / "ns" / "pid").stat().st_ino == namespace
        except OSError:
            continue
    return count


def test_unsafe_local_runs_code_and_keeps_it_to_its_time() -> None:
    backend = UnsafeLocalBackend("for the test")
    with Session(backend, Limits(wall=1.0)) as session:
        session.load("def f(x): return x + 1", "f")
        assert session.call([41]).value == 42
        session.load("def f(x):\n    while True: pass", "f")
        with pytest.raises(BoxFault) as caught:
            session.call([1])
    assert caught.value.kind == "timeout"
    assert "1 seconds" in str(caught.value)


def test_unsafe_local_keeps_one_process_to_its_memory() -> None:
    backend = UnsafeLocalBackend("for the test")
    with Session(backend, Limits(memory=256 * MIB)) as session:
        session.load(
            "def f():\n    try: return len(bytes(2 << 30))\n    except MemoryError: return 0", "f"
        )
        assert session.call([]).value == 0
