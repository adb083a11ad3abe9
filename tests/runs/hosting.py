"""A process that only runs an executor, to be killed by a test: python hosting.py RUN_FOLDER."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ppolab.runs import LocalExecutor, RunFolder

if __name__ == "__main__":
    LocalExecutor().start(RunFolder(Path(sys.argv[1])))
    while True:
        time.sleep(1)
