from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ppolab.cli import main

Answer = tuple[int, dict[str, Any], str]  # exit code, the JSON object, words for people


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home for each test, so that nobody's own runs are touched."""
    monkeypatch.setenv("PPOLAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run a command with --json; its standard output must be one line, the object."""

    def run(*arguments: str) -> Answer:
        code = main([*arguments, "--json"])
        output, words = capsys.readouterr()
        (line,) = output.splitlines()
        return code, json.loads(line), words

    return run
