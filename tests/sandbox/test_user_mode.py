"""Runs `test_boxes.py` once more as an ordinary user, when the tests themselves run as root."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import ppolab

ORDINARY_USER = 54321  # no account has this id, and none is needed

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or os.geteuid() != 0,
        reason="as an ordinary user, test_boxes.py already tests user mode",
    ),
]


def find_python() -> Path:
    """Find a Python of our version that an ordinary user may start; ours may be root's own."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (
        Path(sys.executable).resolve(),
        Path("/usr/bin", name),
        Path("/usr/local/bin", name),
    ):
        try:
            if as_user([str(path), "-c", "import ctypes"], timeout=60).returncode == 0:
                return path
        except OSError:  # absent, or in a folder that only root may enter
            continue
    pytest.skip(f"USER MODE NOT TESTED: no {name} here that an ordinary user may start")


def as_user(command: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
    packages = Path(torch.__file__).resolve().parents[1]
    sources = Path(ppolab.__file__).resolve().parents[1]
    return subprocess.run(
        command,
        user=ORDINARY_USER,
        group=ORDINARY_USER,
        extra_groups=[],
        cwd="/tmp",
        env={
            "PYTHONPATH": f"{sources}:{packages}",
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
        },
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def test_boxes_hold_when_an_ordinary_user_starts_them() -> None:
    python = find_python()
    probe = as_user([str(python), "-c", "import ppolab, torch, pytest"], timeout=120)
    if probe.returncode != 0:
        pytest.skip(f"USER MODE NOT TESTED: an ordinary user cannot import: {probe.stderr[-300:]}")
    tests = Path(__file__).with_name("test_boxes.py")
    command = [
        str(python),
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tests.parent),
    ]
    command += ["-c", os.devnull, "-q", "-rs", "-W", "ignore", str(tests)]
    # The conversation with the driver is the same for every user.
    command += ["-k", "not frame_pipe and not just_ends and not closed and not flood"]
    result = as_user(command, timeout=280)
    if " skipped" in result.stdout and " passed" not in result.stdout:
        pytest.skip(f"USER MODE NOT TESTED: {result.stdout[-600:]}")
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert "passed" in result.stdout
