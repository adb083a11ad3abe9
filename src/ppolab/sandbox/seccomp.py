"""The system call filter of a box, assembled by hand as classic BPF for x86-64.

Namespaces hide most of the machine; this filter closes what they do not: parts of the kernel that
have no namespace (vsock, keyrings, io_uring), memory that no accounting sees, and the making of
further namespaces, in which a process would get powers back.

Calls refused here fail with an errno, so that a library that merely tries one goes on; only a
process of a foreign architecture is killed. Numbers: linux/arch/x86/entry/syscalls/syscall_64.tbl.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass

AUDIT_ARCH_X86_64 = 0xC000003E
X32_BIT = 0x40000000  # the 32-bit-pointer ABI reaches the same calls under other numbers
NEWEST_KNOWN_CALL = 462  # mseal; newer calls are answered as if the kernel lacked them

# Offsets into struct seccomp_data.
CALL, ARCH, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24

# Instruction codes of classic BPF (linux/bpf_common.h).
LOAD = 0x20
JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, JUMP_IF_ANY_BIT = 0x15, 0x35, 0x45
RETURN = 0x06

ALLOW, KILL = 0x7FFF0000, 0x80000000

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
NEW_NAMESPACE_FLAGS = 0x7E020000
CLONE, CLONE3, IOCTL, PRCTL = 56, 435, 16, 157
PR_SET_DUMPABLE = 4
TIOCSTI, TIOCLINUX = 0x5412, 0x541C


@dataclass(frozen=True)
class Refusal:
    """System calls refused for one reason."""

    reason: str
    calls: dict[str, int]
    error: int = errno.EPERM


REFUSED = (
    Refusal(
        "sockets: no network, and address families without namespaces (vsock reaches the "
        "hypervisor); socket buffers are memory that only cgroups count",
        {"socket": 41},
        errno.EAFNOSUPPORT,
    ),
    Refusal("the same for pairs", {"socketpair": 53}, errno.EAFNOSUPPORT),
    Refusal(
        "memory that belongs to no process and no mount, so that no limit of ours sees it",
        {"memfd_create": 319, "memfd_secret": 447, "shmget": 29},
    ),
    Refusal(
        "other processes: reading, steering and tracing them",
        {
            "ptrace": 101,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "process_madvise": 440,
            "pidfd_open": 434,
            "pidfd_getfd": 438,
            "kcmp": 312,
        },
    ),
    Refusal(
        "mounts and new roots",
        {
            "mount": 165,
            "umount2": 166,
            "pivot_root": 155,
            "chroot": 161,
            "fsopen": 430,
            "fsconfig": 431,
            "fsmount": 432,
            "fspick": 433,
            "move_mount": 429,
            "open_tree": 428,
            "mount_setattr": 442,
        },
    ),
    Refusal("namespaces, in which capabilities come back", {"unshare": 272, "setns": 308}),
    Refusal(
        "files by handle, past the mounts", {"open_by_handle_at": 304, "name_to_handle_at": 303}
    ),
    Refusal("kernel keyrings, shared by uid", {"add_key": 248, "request_key": 249, "keyctl": 250}),
    Refusal(
        "large kernel interfaces with a history of faults, not needed for tensors",
        {
            "bpf": 321,
            "perf_event_open": 298,
            "userfaultfd": 323,
            "io_uring_setup": 425,
            "io_uring_enter": 426,
            "io_uring_register": 427,
            "fanotify_init": 300,
            "modify_ldt": 154,
        },
    ),
    Refusal(
        "moving to other cores or memory nodes: the box was given its own",
        {
            "sched_setaffinity": 203,
            "mbind": 237,
            "set_mempolicy": 238,
            "migrate_pages": 256,
            "move_pages": 279,
        },
    ),
    Refusal(
        "administration of the machine",
        {
            "kexec_load": 246,
            "kexec_file_load": 320,
            "init_module": 175,
            "finit_module": 313,
            "delete_module": 176,
            "reboot": 169,
            "swapon": 167,
            "swapoff": 168,
            "acct": 163,
            "quotactl": 179,
            "quotactl_fd": 443,
            "syslog": 103,
            "iopl": 172,
            "ioperm": 173,
            "settimeofday": 164,
            "clock_settime": 227,
            "adjtimex": 159,
            "clock_adjtime": 305,
            "sethostname": 170,
            "setdomainname": 171,
            "vhangup": 153,
            "personality": 135,
        },
    ),
    Refusal(
        "clone3 passes its flags in memory, where a filter cannot look; libc falls back to clone",
        {"clone3": CLONE3},
        errno.ENOSYS,
    ),
)


def filter_program() -> bytes | None:
    """Return the filter as `bwrap --seccomp` reads it, or None on an unknown architecture."""
    if platform.machine() != "x86_64":
        return None
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in _instructions())


Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant


def _instructions() -> list[Instruction]:
    program = [
        (LOAD, 0, 0, ARCH),
        (JUMP_IF_EQUAL, 1, 0, AUDIT_ARCH_X86_64),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, CALL),
        *_when(JUMP_IF_AT_LEAST, X32_BIT, KILL),
        *_when(JUMP_IF_AT_LEAST, NEWEST_KNOWN_CALL + 1, _fail(errno.ENOSYS)),
    ]
    for refusal in REFUSED:
        for call in refusal.calls.values():
            program += _when(JUMP_IF_EQUAL, call, _fail(refusal.error))
    refused = _fail(errno.EPERM)
    program += _for_call(CLONE, FIRST_ARGUMENT, [(JUMP_IF_ANY_BIT, NEW_NAMESPACE_FLAGS)], refused)
    # Typing into the terminal of the server, were it ever handed on.
    typing = [(JUMP_IF_EQUAL, TIOCSTI), (JUMP_IF_EQUAL, TIOCLINUX)]
    program += _for_call(IOCTL, SECOND_ARGUMENT, typing, refused)
    # A process that is not dumpable hides its memory from the watchdog.
    program += _for_call(PRCTL, FIRST_ARGUMENT, [(JUMP_IF_EQUAL, PR_SET_DUMPABLE)], refused)
    return [*program, (RETURN, 0, 0, ALLOW)]


def _fail(error: int) -> int:
    return 0x00050000 | error


def _when(test: int, constant: int, verdict: int) -> list[Instruction]:
    """Return `verdict` when the loaded value passes `test`, else go on."""
    return [(test, 0, 1, constant), (RETURN, 0, 0, verdict)]


def _for_call(
    call: int, argument: int, tests: list[tuple[int, int]], verdict: int
) -> list[Instruction]:
    """For one call, return `verdict` when an argument passes any of the tests, else allow."""
    body: list[Instruction] = [(LOAD, 0, 0, argument)]
    for test, constant in tests:
        body += _when(test, constant, verdict)
    body.append((RETURN, 0, 0, ALLOW))
    return [(JUMP_IF_EQUAL, 0, len(body), call), *body]
