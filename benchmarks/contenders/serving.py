"""The loop of a contender: one JSON job per line of standard input, one JSON answer per line out.

Only the standard library is used, for contenders live in different virtual environments.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Stopwatch:
    """Seconds on the wall and on the processor, from now on.

    All threads of the process count on the processor, and waiting for other programs does not, so
    that its seconds tell more on a machine that is busy with other work.
    """

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        return {
            "seconds": time.perf_counter() - self._wall,
            "processor_seconds": time.process_time() - self._processor,
        }


def peak_memory() -> int | None:
    """Most bytes of memory that this process has ever held; None where the kernel does not tell.

    Not what `resource` says, which includes the process that started this one.
    """
    try:
        status = Path("/proc/self/status").read_text("utf-8")
    except OSError:
        return None
    return 1024 * next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM"))


def serve(versions: dict[str, str], train: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Say who is here, then do job after job until standard input ends."""
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    sys.stdout = sys.stderr
    print(json.dumps({"versions": versions}), file=answers)
    for line in sys.stdin:
        print(json.dumps(train(json.loads(line))), file=answers)
