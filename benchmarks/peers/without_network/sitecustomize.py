"""Lets PufferLib 3.0.0 be built from its source archive on PyPI and nothing else.

Python imports a module of this name by itself when it starts, so it is enough to have this folder
on PYTHONPATH while pip builds. Of what PufferLib's setup.py does when it is imported, three things
are answered differently:

- It downloads graphics and physics libraries for dozens of games. The one library that CartPole is
  linked with comes in the archive; for the others an empty archive is put down.
- It builds every game. CartPole alone is wanted.
- It builds for CUDA wherever a program called nvcc is found, and then refuses torch for CPUs.
"""

from __future__ import annotations

import glob
import shutil
import tarfile
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

find, locate = glob.glob, shutil.which


def put_down_nothing(url: str, filename: str, *_: Any) -> None:
    """In place of a download: an empty archive, or an empty file."""
    path = Path(filename)
    path.parent.mkdir(parents=True, exist_ok=True)
    if url.endswith(".zip"):
        zipfile.ZipFile(path, "w").close()
    elif url.endswith(".tar.gz"):
        tarfile.open(path, "w:gz").close()
    else:
        path.touch()


def find_cartpole_only(pattern: str, **options: Any) -> list[str]:
    """In place of a search for all games."""
    found = find(pattern, **options)
    return [f for f in found if "cartpole" in f] if pattern.endswith("binding.c") else found


def locate_no_nvcc(command: str, *others: Any, **options: Any) -> str | None:
    """In place of a search for programs: there is no compiler for GPUs."""
    return None if command == "nvcc" else locate(command, *others, **options)


urllib.request.urlretrieve = put_down_nothing  # type: ignore[assignment]
glob.glob = find_cartpole_only  # type: ignore[assignment]
shutil.which = locate_no_nvcc  # type: ignore[assignment]
