"""Runs inside a box and tries what a submission must not be able to do; prints what it could.

Usage: probe.py escape FOREIGN_FILE PROCESSES   prints one JSON object
       probe.py memory BYTES                    takes memory until it is killed
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable

VSOCK_TO_HOST = 2  # the hypervisor's address


def main() -> None:
    """Run the probe that the first argument names."""
    if sys.argv[1] == "memory":
        take_memory(int(sys.argv[2]))
    foreign_file, processes = sys.argv[2], int(sys.argv[3])
    print(
        json.dumps(
            {
                "network": attempt(lambda: socket.socket(socket.AF_INET).close()),
                "vsock": attempt(lambda: socket.socket(40).close()),
                "foreign_file": attempt(lambda: open(foreign_file, "rb").close()),
                "accounts": attempt(lambda: open("/etc/passwd", "rb").close()),
                "write_outside": any(map(can_write, ("/", "/usr", "/dev", "/opt", "/opt/box"))),
                "processes": count_forks(processes + 8),
            }
        )
    )


def attempt(action: Callable[[], None]) -> bool:
    """Say whether an action succeeds."""
    try:
        action()
    except OSError:
        return False
    return True


def can_write(folder: str) -> bool:
    """Say whether a file can be created in a folder."""
    return attempt(lambda: open(os.path.join(folder, "probe"), "wb").close())


def count_forks(enough: int) -> int:
    """Fork sleeping children until it fails or there are enough; return how many there were."""
    children = 0
    while children < enough:
        try:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
        except OSError:
            break
        children += 1
    return children


def take_memory(count: int) -> None:
    """Touch every page, so that the memory is really taken, then stay."""
    taken = []
    for _ in range(count >> 20):
        taken.append(b"x" * (1 << 20))
    print("took it all", flush=True)
    time.sleep(60)


if __name__ == "__main__":
    main()
