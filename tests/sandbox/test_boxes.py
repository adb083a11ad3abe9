"""What a submission can do to its box, to the machine, and to the next one.

Runs with the backend of this machine; `test_user_mode.py` runs it again as an ordinary user.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import ppolab
from ppolab.sandbox import Backend, BoxFault, Limits, Session, SubmissionError
from ppolab.sandbox.bubblewrap import BubblewrapBox

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def session(backend: Backend) -> Iterator[Session]:
    """One box for submissions that are not meant to break it.

    It has a minute instead of seconds: some of them walk all folders, on machines under load.
    """
    with Session(backend, Limits(wall=60.0)) as session:
        yield session


def run(session: Session, source: str, *args: Any) -> Any:
    session.load(source, "f")
    return session.call(args).value


def fault(backend: Backend, source: str, limits: Limits | None = None) -> tuple[BoxFault, Session]:
    """Run a submission that brings its box down, and check that nothing of it is left."""
    with Session(backend, limits) as session:
        box = session._box
        assert isinstance(box, BubblewrapBox)
        namespace = Path(f"/proc/{box.first}/ns/pid").stat().st_ino
        with pytest.raises(BoxFault) as caught:
            run(session, source)
    assert processes_in(namespace) == []
    assert box.cgroup is None or not any(folder.exists() for folder in box.cgroup.folders)
    return caught.value, session


def processes_in(namespace: int) -> list[int]:
    """List what lives in a process namespace. The dead wait for the machine's init to reap them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            dead = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if not dead and (folder / "ns" / "pid").stat().st_ino == namespace:
                found.append(int(folder.name))
        except OSError:
            continue
    return found


# ------------------------------------------------------------------------------------ honest code


def test_an_honest_function_gets_its_value_and_its_gradient(session: Session) -> None:
    session.load("def f(x, scale):\n    print('hello')\n    return (scale * x ** 2).sum()", "f")
    answer = session.call([torch.tensor([1.0, -3.0]), 2.0], gradient_of=[0], report_args=True)
    assert answer.value.item() == 20.0
    assert answer.gradients[0].tolist() == [4.0, -12.0]
    assert answer.args[0].tolist() == [1.0, -3.0]
    assert "hello" in session.output


def test_an_exception_names_its_type_message_and_line(session: Session) -> None:
    with pytest.raises(SubmissionError) as caught:
        run(session, "def g():\n    return [][3]\n\ndef f():\n    return g()\n")
    assert (caught.value.kind, caught.value.line) == ("IndexError", 2)
    assert "list index out of range" in str(caught.value)


def test_a_syntax_error_names_its_line(session: Session) -> None:
    with pytest.raises(SubmissionError) as caught:
        run(session, "import torch\n\ndef f(:\n    pass\n")
    assert (caught.value.kind, caught.value.line) == ("SyntaxError", 3)


def test_a_missing_function_is_named(session: Session) -> None:
    with pytest.raises(SubmissionError, match="no function called f"):
        run(session, "def g(): pass")


def test_exiting_politely_is_an_error_and_not_a_success(session: Session) -> None:
    with pytest.raises(SubmissionError, match="SystemExit"):
        run(session, "import sys\ndef f(): sys.exit(0)")


def test_an_exception_that_fights_being_shown_is_still_shown(session: Session) -> None:
    source = (
        "class E(Exception):\n    def __str__(self): raise KeyboardInterrupt\ndef f(): raise E()"
    )
    with pytest.raises(SubmissionError, match="cannot be shown"):
        run(session, source)


def test_a_value_that_cannot_travel_is_named(session: Session) -> None:
    session.load("def f(): return open", "f")
    assert "builtin_function" in (session.call([]).unfit or "")


def test_input_finds_the_end_of_the_file(session: Session) -> None:
    with pytest.raises(SubmissionError, match="EOFError"):
        run(session, "def f(): return input()")


# -------------------------------------------------------------------------- the machine is hidden


@pytest.mark.parametrize("family", [1, 2, 10, 16, 17, 40])
def test_no_socket_of_any_family_opens(session: Session, family: int) -> None:
    source = (
        "import socket\ndef f(family):\n    for kind in (1, 2, 3):\n        try:\n"
        "            socket.socket(family, kind)\n            return 'open'\n"
        "        except OSError:\n            pass\n    return 'closed'"
    )
    assert run(session, source, family) == "closed"


def test_the_network_of_the_box_is_its_own_loopback(session: Session) -> None:
    source = "def f(): return [l.split(':')[0].strip() for l in list(open('/proc/net/dev'))[2:]]"
    assert run(session, source) == ["lo"]


def test_files_of_the_machine_are_not_there(session: Session) -> None:
    with tempfile.NamedTemporaryFile() as foreign:
        Path(foreign.name).chmod(0o644)
        package = Path(ppolab.__file__).resolve().parent
        paths = [
            "/etc/passwd",
            "/etc/shadow",
            "/root",
            "/home",
            "/var",
            "/sys",
            "/run",
            str(package),
            str(package.parents[1] / "content"),
            str(Path.home()),
            foreign.name,
        ]
        source = "import os\ndef f(*paths): return [p for p in paths if os.path.exists(p)]"
        assert run(session, source, *paths) == []


def test_our_code_is_nowhere_in_the_box(session: Session) -> None:
    source = """
import os
def f():
    found = []
    for folder, folders, files in os.walk('/'):
        if folder == '/':
            folders.remove('proc')
        names = {'ppolab', 'policy_losses.py', 'checks.py', 'challenge.yaml', 'mutants'}
        found += [os.path.join(folder, n) for n in names & {*files, *folders}]
    try:
        import ppolab
        found.append('import')
    except ImportError:
        pass
    return found
"""
    assert run(session, source) == []


def test_only_the_small_memory_disks_can_be_written(session: Session) -> None:
    source = """
import os
def f():
    found = []
    for folder, folders, _ in os.walk('/'):
        if folder == '/':
            folders.remove('proc')
        try:
            open(os.path.join(folder, 'new'), 'w').close()
            found.append(folder)
        except OSError:
            pass
    return sorted(found)
"""
    assert run(session, source) == ["/dev/shm", "/tmp"]


def test_the_memory_disks_are_full_at_their_size(session: Session) -> None:
    source = """
import os
def f(folder):
    size = 0
    try:
        for n in range(8):
            with open(f'{folder}/{n}', 'wb', buffering=0) as file:
                for _ in range(32):
                    size += file.write(bytes(1 << 20))
    except OSError:
        pass
    for n in range(8):
        if os.path.exists(f'{folder}/{n}'):
            os.remove(f'{folder}/{n}')
    return size >> 20
"""
    assert 60 <= run(session, source, "/tmp") <= 64
    assert 14 <= run(session, source, "/dev/shm") <= 16


def test_the_box_has_no_rights_and_its_filter_is_on(session: Session) -> None:
    source = (
        "def f(): return dict(l.split(':\\t', 1) for l in open('/proc/self/status').read()"
        ".splitlines() if l.startswith(('Cap', 'NoNew', 'Seccomp:')))"
    )
    status = {name: value.strip() for name, value in run(session, source).items()}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind


def test_the_box_sees_its_own_processes_and_a_bare_environment(session: Session) -> None:
    os.environ["PPOLAB_TEST_SECRET"] = "do not tell"
    try:
        source = (
            "import os\n"
            "def f(): return [sorted(int(p) for p in os.listdir('/proc') if p.isdigit()),"
            " sorted(os.environ), sorted(os.listdir('/proc/self/fd'))]"
        )
        pids, names, descriptors = run(session, source)
    finally:
        del os.environ["PPOLAB_TEST_SECRET"]
    assert pids == [1, 2]
    assert "PPOLAB_TEST_SECRET" not in names
    assert len(descriptors) <= 7  # 0, 1, 2, two for frames, /dev/null, and the folder being read


def test_system_calls_that_lead_out_fail(session: Session) -> None:
    source = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def f():
    calls = {
        'unshare user': (272, 0x10000000), 'clone user': (56, 0x10000000 | 17, 0, 0, 0, 0),
        'setuid 0': (105, 0), 'ptrace': (101, 16, 1, 0, 0), 'keyctl': (250, 0, -3, 1),
        'memfd': (319, b'x', 0), 'shmget': (29, 0, 4096, 0o1777), 'io_uring': (425, 8, 0),
        'bpf': (321, 0, 0, 0), 'chroot': (161, b'/tmp'), 'affinity': (203, 0, 8, b'\\xff' * 8),
        'not dumpable': (157, 4, 0),
    }
    return [name for name, call in calls.items() if libc.syscall(*call) != -1]
"""
    assert run(session, source) == []


def test_a_box_leaves_nothing_for_the_next(backend: Backend) -> None:
    write = (
        "def f():\n    for d in ('/tmp', '/dev/shm'):\n        open(d + '/left', 'w').write('x')\n"
        "    import os; return sorted(os.listdir('/tmp') + os.listdir('/dev/shm'))"
    )
    read = (
        "import os\n"
        "def f(): return [p for p in ('/tmp/left', '/dev/shm/left') if os.path.exists(p)]"
    )
    with Session(backend) as first:
        assert run(first, write) == ["left", "left"]
        with Session(backend) as second:  # at the same time
            assert run(second, read) == []
    with Session(backend) as third:
        assert run(third, read) == []


# ----------------------------------------------------------------------------------------- limits

QUICK = Limits(wall=1.5)


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        (
            "import signal\n    for s in range(1, 65):\n"
            "        try: signal.signal(s, signal.SIG_IGN)\n"
            "        except (OSError, ValueError): pass\n    while True: pass"
        ),
    ],
    ids=["busy", "deaf"],
)
def test_endless_code_ends_at_the_wall_limit(backend: Backend, body: str) -> None:
    started = time.monotonic()
    caught, session = fault(backend, f"def f():\n    {body}", QUICK)
    assert caught.kind == "timeout"
    assert "1.5 seconds" in str(caught)
    assert time.monotonic() - started < 1.5 + session.limits.start


def test_an_endless_top_level_ends_at_the_wall_limit(backend: Backend) -> None:
    caught, _ = fault(backend, "while True: pass", QUICK)
    assert caught.kind == "timeout"


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    kept = []\n    while True: kept.append(bytes(b'x' * (16 << 20)))",
        (
            "import mmap, os, time\ndef f():\n    for _ in range(20):\n"
            "        if os.fork() == 0:\n            m = mmap.mmap(-1, 100 << 20)\n"
            "            m.write(b'x' * (100 << 20))\n            time.sleep(60)\n"
            "    time.sleep(60)"
        ),
    ],
    ids=["one process", "many processes"],
)
def test_a_memory_bomb_is_stopped_and_called_so(backend: Backend, source: str) -> None:
    with Session(backend) as session, pytest.raises((BoxFault, SubmissionError)) as caught:
        run(session, source)
    usage = session._box.usage()
    if isinstance(caught.value, BoxFault):
        assert caught.value.kind == "memory"
        assert usage.out_of_memory
    else:  # an rlimit was faster than the watchdog
        assert caught.value.kind == "MemoryError"
    assert usage.memory_peak is not None
    assert usage.memory_peak < 2 << 30


def test_a_fork_bomb_stays_in_its_box_and_is_gone_with_it(backend: Backend) -> None:
    source = (
        "import os\ndef f():\n    while True:\n        try: os.fork()\n        except OSError: pass"
    )
    started = time.monotonic()
    caught, _ = fault(backend, source, QUICK)
    # Each child answers for itself, or nobody does.
    assert caught.kind in ("timeout", "protocol")
    assert time.monotonic() - started < 40


def test_processes_are_counted(backend: Backend) -> None:
    source = (
        "import os, time\ndef f():\n    n = 0\n    try:\n        while n < 200:\n"
        "            if os.fork() == 0: time.sleep(60)\n            n += 1\n"
        "    except OSError: pass\n    return n"
    )
    with Session(backend) as session:
        assert 32 <= run(session, source) <= 64


def test_a_daemon_does_not_outlive_its_box(backend: Backend) -> None:
    source = (
        "import os, time\ndef f():\n    if os.fork() == 0:\n        os.setsid()\n"
        "        if os.fork() == 0: time.sleep(600)\n        os._exit(0)\n    return 1"
    )
    with Session(backend) as session:
        assert isinstance(session._box, BubblewrapBox)
        namespace = Path(f"/proc/{session._box.first}/ns/pid").stat().st_ino
        assert run(session, source) == 1
        # The answer may come before the daemon's second fork has happened.
        until, found = time.monotonic() + 10, processes_in(namespace)
        while len(found) < 3 and time.monotonic() < until:
            time.sleep(0.01)
            found = processes_in(namespace)
        assert len(found) >= 3
    assert processes_in(namespace) == []


def test_a_flood_of_output_is_cut_and_counted(backend: Backend) -> None:
    source = "def f():\n    for _ in range(2000): print('x' * 1000)\n    return 1"
    with Session(backend) as session:
        assert run(session, source) == 1
    assert len(session.output) < 70_000
    assert "more bytes were not kept" in session.output


def test_an_answer_past_the_frame_limit_is_refused_in_the_box(session: Session) -> None:
    session.load("import torch\ndef f(): return torch.zeros(9 << 20)", "f")
    assert "too large" in (session.call([]).unfit or "")


# ------------------------------------------------------------------------------- the conversation

HOSTILE = {
    "garbage": "import os\nfor fd in range(3, 20):\n    try: os.write(fd, b'garbage' * 99)\n"
    "    except OSError: pass\ndef f(): return 1",
    "a huge frame": "import os\nfor fd in range(3, 20):\n    try: os.write(fd, b'\\xff' * 8)\n"
    "    except OSError: pass\ndef f(): return 1",
    "an answer ahead": "import os, struct\ndef f():\n"
    '    b = b\'{"$dict": [["id", 7], ["value", 1], ["gradients", []]]}\'\n'
    "    for fd in range(3, 20):\n        try: os.write(fd, struct.pack('>II', len(b), 0) + b)\n"
    "        except OSError: pass\n    return 1",
    "no dict": "import os, struct\nfor fd in range(3, 20):\n"
    "    try: os.write(fd, struct.pack('>II', 1, 0) + b'1')\n    except OSError: pass\n"
    "def f(): return 1",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_whoever_writes_on_the_frame_pipe_is_stopped(backend: Backend, name: str) -> None:
    caught, _ = fault(backend, HOSTILE[name], QUICK)
    assert caught.kind == "protocol"


def test_a_process_that_just_ends_is_no_success(backend: Backend) -> None:
    caught, session = fault(backend, "import os\ndef f():\n    print('PASS'); os._exit(0)", QUICK)
    assert caught.kind == "ended"
    assert "PASS" in session.output


def test_closed_descriptors_are_no_success(backend: Backend) -> None:
    caught, _ = fault(backend, "import os\ndef f(): os.closerange(0, 99)", QUICK)
    assert caught.kind == "ended"
