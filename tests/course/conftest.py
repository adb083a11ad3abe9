from __future__ import annotations

import shutil
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A copy of the small course, to be spoilt at will."""
    return shutil.copytree(SAMPLE, tmp_path / "content")


@pytest.fixture
def opening(content: Path) -> Path:
    """The lesson of the small course that holds one of everything."""
    return content / "chapters/02-second/lessons/01-opening.md"
