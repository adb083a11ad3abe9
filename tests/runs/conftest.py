from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from helpers_runs import quick_config

from ppolab.runs import LocalExecutor, RunFolder, Runs


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads on networks this small only wait for each other: ten times slower when busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


@pytest.fixture
def folder(runs: Runs) -> RunFolder:
    return runs.create(quick_config())


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    """One place for a run; whatever the test left going is ended."""
    executor = LocalExecutor(slots=1)
    yield executor
    executor.shutdown(timeout=20)


@pytest.fixture(scope="session", autouse=True)
def end_of_fork_server() -> Iterator[None]:
    """The fork server outlives executors; end it, or it would hold pytest's pipes open."""
    yield
    from multiprocessing import forkserver

    forkserver._forkserver._stop()  # type: ignore[attr-defined]
