"""Train the stages of RLHF that come with the course, and the run that nothing holds.

usage: .venv/bin/python scripts/record_language_runs.py

One chain: fine-tuning, reward model, PPO, as the preset austen-ppo has them, and from the same
reward model the preset austen-kl-off. Logs and studies are kept, models and pairs are not: a
megabyte each. Arithmetic is bfloat16 where the processor has it, whose bits differ from machine to
machine; the manifests say on which one they were made.
"""

from __future__ import annotations

import dataclasses
import platform
import tempfile
from pathlib import Path
from typing import Any

import torch
from record_runs import keep

from ppolab.language.hardware import dtype_of
from ppolab.language.presets import load_recipe
from ppolab.runs import RunFolder, Runs
from ppolab.runs.session import NoControls, Session
from ppolab.runs.stage_chain import begin_next, create_chain

KEPT = ["run.json", "events.jsonl", "reward-study.json"]
TITLES = {
    "austen-sft": "Cheerful Austen: fine-tuning, recorded",
    "austen-reward-model": "Cheerful Austen: reward model, recorded",
    "austen-kl-off": "Cheerful Austen with KL off, recorded",
    "austen-ppo": "Cheerful Austen: PPO, recorded",
}


def finished(folder: RunFolder) -> RunFolder:
    """Train a run to its end."""
    with folder.locked():
        if Session(folder, NoControls()).run() != "finished":
            raise SystemExit(f"{folder.manifest.title}: {folder.status().words}")
    return folder


def record() -> None:
    """Train the four runs and keep what the page shows."""
    with tempfile.TemporaryDirectory() as home:
        runs, usual = Runs(Path(home)), load_recipe("austen-ppo")
        sft = finished(create_chain(runs, usual, {}))
        model = finished(begin_next(runs, sft))
        # PPO last, for the page takes the newest for what follows the reward model.
        loose = finished(create_chain(runs, load_recipe("austen-kl-off"), {}, after=model))
        ppo = finished(create_chain(runs, usual, {}, after=model))
        names = dict(zip((sft.path, model.path, loose.path, ppo.path), TITLES, strict=True))
        for folder, name in zip((sft, model, loose, ppo), TITLES, strict=True):
            manifest = dataclasses.replace(
                folder.manifest, id=name, title=TITLES[name], config=_renamed(folder, names),
                versions=folder.manifest.versions | {"processor": _processor()},
            )  # fmt: skip
            keep(folder, manifest, KEPT)


def _renamed(folder: RunFolder, names: dict[Path, str]) -> dict[str, Any]:
    """A run's settings with the recorded names of the runs it goes on from."""
    known = {str(path): name for path, name in names.items()}
    return {
        key: known.get(value, value) if isinstance(value, str) else value
        for key, value in folder.manifest.config.items()
    }


def _processor() -> str:
    """What the bits depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2] for line in lines if line.startswith("model name")), "")
    dtype = str(dtype_of("auto")).removeprefix("torch.")
    return f"{model.strip() or platform.machine()}, {torch.get_num_threads()} thread, {dtype}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    record()
