"""What a box may use."""

from __future__ import annotations

from dataclasses import dataclass

from ppolab.errors import InvalidSettingError

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Limits:
    """Limits of one box. Sizes are in bytes, times in seconds of the judge's clock.

    The defaults leave room for a small tensor exercise: importing torch takes about 150 MiB, so
    most of `memory` is the submission's own.
    """

    start: float = 30.0  # from the start of the process until torch is imported
    wall: float = 5.0  # from handing over the submission until its last answer
    cores: int = 1
    memory: int = 768 * MIB
    processes: int = 64  # threads count too
    files: int = 128  # open at once
    tmp: int = 64 * MIB  # /tmp, which lives in memory
    shm: int = 16 * MIB  # /dev/shm
    log: int = 64 * KIB  # what is kept of the submission's output
    frame: int = 32 * MIB  # arrays in one answer

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise InvalidSettingError(
                    f"limits.{name}", value, "leaves nothing to run with", "Give more than 0"
                )
