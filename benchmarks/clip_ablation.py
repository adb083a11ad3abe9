"""What the clip is worth: the cartpole preset with three clip ranges, three seeds each.

    .venv/bin/python benchmarks/clip_ablation.py [--quick] [--json]

Prints the mean return of the last 100 episodes at step 40,960 and the largest KL of any update.
The table in the lesson "What the clip does" comes from this script.
"""

from __future__ import annotations

import argparse
import dataclasses
import json

import torch

from ppolab.control.presets import load_preset
from ppolab.control.trainer import PPOTrainer

STEPS = 40_960
CLIP_RANGES = (0.2, 1.0, 10.0)
SEEDS = (1, 2, 3)


def train(clip_range: float, seed: int, steps: int) -> tuple[float, float]:
    """Mean return at `steps` and the largest KL on the way, in nats."""
    config = dataclasses.replace(load_preset("cartpole").config, clip_range=clip_range, seed=seed)
    trainer = PPOTrainer(config)
    largest_kl = 0.0
    while trainer.step < steps:
        largest_kl = max(largest_kl, trainer.iterate()["approx_kl"])
    return trainer.mean_return, largest_kl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, 10,240 steps")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    torch.set_num_threads(1)
    steps, seeds = (10_240, SEEDS[:1]) if options.quick else (STEPS, SEEDS)
    rows = []
    print(f"mean return at step {steps:,} (largest KL of any update, nats)")
    for clip_range in CLIP_RANGES:
        results = [train(clip_range, seed, steps) for seed in seeds]
        rows.append({"clip_range": clip_range, "returns": [r for r, _ in results],
                     "largest_kl": max(kl for _, kl in results)})  # fmt: skip
        cells = "  ".join(f"{mean_return:6.1f} ({kl:.3f})" for mean_return, kl in results)
        print(f"ε = {clip_range:<5}{cells}", flush=True)
    if options.json:
        print(json.dumps({"steps": steps, "seeds": seeds, "rows": rows}))


if __name__ == "__main__":
    main()
