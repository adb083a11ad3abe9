"""The filter is run by a small interpreter of classic BPF, as the kernel would run it."""

from __future__ import annotations

import errno
import platform
import struct

import pytest

from ppolab.sandbox import seccomp

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="filter for x86-64 only")

X86_64, I386 = 0xC000003E, 0x40000003
ALLOW, KILL = "allow", "kill"


def verdict(call: int, *arguments: int, arch: int = X86_64) -> str | int:
    """Run the filter on one system call; an errno, or "allow" or "kill"."""
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<IIQ6Q", call, arch, 0, *padded)
    raw = seccomp.filter_program()
    assert raw is not None
    program = [struct.unpack_from("<HBBI", raw, at) for at in range(0, len(raw), 8)]
    position, loaded = 0, 0
    while True:
        code, if_true, if_false, constant = program[position]
        position += 1
        if code == 0x20:
            (loaded,) = struct.unpack_from("<I", data, constant)
        elif code == 0x06:
            if constant == 0x7FFF0000:
                return ALLOW
            if constant == 0x80000000:
                return KILL
            assert constant & 0xFFFF0000 == 0x00050000
            return constant & 0xFFFF
        else:
            holds = {
                0x15: loaded == constant,
                0x35: loaded >= constant,
                0x45: bool(loaded & constant),
            }[code]
            position += if_true if holds else if_false


@pytest.mark.parametrize("call", [0, 1, 9, 56, 57, 59, 60, 202, 257, 231, 302, 462])
def test_what_python_and_torch_need_is_allowed(call: int) -> None:
    assert verdict(call) == ALLOW


@pytest.mark.parametrize(
    ("name", "call", "error"),
    [
        ("socket", 41, errno.EAFNOSUPPORT),
        ("socketpair", 53, errno.EAFNOSUPPORT),
        ("ptrace", 101, errno.EPERM),
        ("unshare", 272, errno.EPERM),
        ("mount", 165, errno.EPERM),
        ("keyctl", 250, errno.EPERM),
        ("bpf", 321, errno.EPERM),
        ("io_uring_setup", 425, errno.EPERM),
        ("memfd_create", 319, errno.EPERM),
        ("clone3", 435, errno.ENOSYS),
        ("a call newer than the table", 463, errno.ENOSYS),
    ],
)
def test_what_leads_out_is_refused(name: str, call: int, error: int) -> None:
    assert verdict(call) == error, name


def test_clone_makes_threads_but_no_namespaces() -> None:
    thread = 0x3D0F00  # what pthread_create passes
    assert verdict(56, thread) == ALLOW
    for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 1 << 30):
        assert verdict(56, thread | flag) == errno.EPERM


def test_the_32_bit_call_tables_are_closed() -> None:
    assert verdict(1, arch=I386) == KILL
    assert verdict(0x40000000 + 1) == KILL


def test_arguments_decide_for_ioctl_and_prctl() -> None:
    assert verdict(16, 0, 0x5401) == ALLOW  # TCGETS, which isatty() uses
    assert verdict(16, 0, 0x5412) == errno.EPERM  # TIOCSTI
    assert verdict(157, 15) == ALLOW  # PR_SET_NAME
    assert verdict(157, 4) == errno.EPERM  # PR_SET_DUMPABLE


def test_an_unknown_architecture_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert seccomp.filter_program() is None
