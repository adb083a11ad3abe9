"""Train the runs that come with the course, so that every figure starts alive.

usage: .venv/bin/python scripts/record_runs.py [NAME …]

Each is a real run of the engine at the settings below, kept without its checkpoints.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
import tempfile
from pathlib import Path

import torch

from ppolab.control.config import PPOConfig
from ppolab.control.presets import load_preset
from ppolab.runs import Manifest, RunFolder, Runs
from ppolab.runs.folder import LOCK_NAME, write_manifest
from ppolab.runs.session import NoControls, Session

CONTENT = Path(__file__).resolve().parent.parent / "content"


def recordings() -> dict[str, tuple[PPOConfig, str, str]]:
    """Name of each recorded run → its settings, its preset and its title."""
    cartpole = load_preset("cartpole").config
    return {
        "cartpole-seed1": (
            dataclasses.replace(cartpole, stop_return=475.0, seed=1),
            "cartpole",
            "CartPole, recorded, seed 1",
        ),
        "cartpole-no-clip": (
            # A ratio of 11 before the objective stops paying is no clip worth the name. Seed 3
            # learns for a while and then loses everything.
            dataclasses.replace(cartpole, clip_range=10.0, seed=3),
            "cartpole",
            "CartPole without a clip, recorded, seed 3",
        ),
    }


def record(name: str, config: PPOConfig, preset: str, title: str) -> None:
    """Train one run and put it below content/runs."""
    with tempfile.TemporaryDirectory() as home:
        folder = Runs(Path(home)).create(config, preset, title)
        with folder.locked():
            state = Session(folder, NoControls()).run()
        status = folder.status()
        if state != "finished":
            raise SystemExit(f"{name}: {status.words}")
        keep(folder, dataclasses.replace(folder.manifest, id=name), ["*"])


def keep(folder: RunFolder, manifest: Manifest, files: list[str]) -> None:
    """Put a finished run below content/runs under the name of its manifest.

    Args:
        folder: the run; it stays where it is.
        manifest: what is to be told of it.
        files: patterns of what is kept; checkpoints and the lock never are.
    """
    target = CONTENT / "runs" / manifest.id
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in sorted({found for pattern in files for found in folder.path.glob(pattern)}):
        if file.is_dir() and file.name != "checkpoints":
            shutil.copytree(file, target / file.name)
        elif file.is_file() and file.name != LOCK_NAME:
            shutil.copy(file, target)
    write_manifest(target, manifest)
    size = sum(file.stat().st_size for file in target.rglob("*")) / 1024
    print(f"{manifest.id}: {folder.status().words} ({size:,.0f} KB)")


if __name__ == "__main__":
    torch.set_num_threads(1)
    wanted = sys.argv[1:] or list(recordings())
    for run_name in wanted:
        record(run_name, *recordings()[run_name])
