from __future__ import annotations

from collections.abc import Iterator

import probes
import pytest
import torch
from notebook import Notebook


@pytest.fixture(scope="session", autouse=True)
def known_probes() -> None:
    probes.register()


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads on networks this small only wait for each other: ten times slower when busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()
