"""Who may import whom, and that importing does nothing but define."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Imports every module in a fresh process and tells what that did besides defining things.
IMPORT_EVERYTHING = """
import importlib, json, os, pkgutil, sys, threading
import torch, numpy, asyncio, gymnasium  # theirs, not ours: what they do is not counted
threads, environment = threading.active_count(), dict(os.environ)
random_state = torch.get_rng_state()
import ppolab
names = [
    module.name
    for module in pkgutil.walk_packages(ppolab.__path__, "ppolab.")
    if not module.name.startswith(("ppolab.server.migrations", "ppolab.sandbox.inside"))
]
for name in names:
    importlib.import_module(name)
print(json.dumps({
    "modules": names,
    "threads": threading.active_count() - threads,
    "children": open(f"/proc/self/task/{os.getpid()}/children").read().split()
                if os.path.exists("/proc/self/task") else [],
    "random": torch.equal(torch.get_rng_state(), random_state),
    "environment": dict(os.environ) == environment,
    "files": os.listdir(os.environ["HOME"]) + os.listdir("."),
}))
"""


def test_dependencies_point_down() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 broken" in checked.stdout


def test_importing_does_nothing_but_define(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING],
        cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = json.loads(done.stdout)  # nothing else was printed
    assert "ppolab.control.trainer" in told.pop("modules")
    assert told == {
        "threads": 0, "children": [], "random": True, "environment": True, "files": []
    }  # fmt: skip


def test_help_does_not_wait_for_torch() -> None:
    script = (
        "import sys, ppolab.cli; ppolab.cli.main(['--help']); assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
