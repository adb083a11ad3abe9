"""How fast each back end trains CartPole-v1 against Stable-Baselines3, by turns in one run.

Four contenders with the same settings, CleanRL's for classic control (4 environments × 128 steps,
4 epochs of minibatches of 128): Stable-Baselines3, PPO Lab's torch back end, its compiled back end
on Gymnasium's CartPole in Python, and the same on the compiled CartPole. One thread each. They
take turns, and each round's ratio is of trainings that ran right after another; the medians over
the rounds are reported. Steps per second are of the whole loop, acting and learning, without
imports, compilation and making.

    python benchmarks/ppo_backends.py            two to three minutes
    python benchmarks/ppo_backends.py --quick    under a minute
    python benchmarks/ppo_backends.py --json     one JSON object on the last line

Stable-Baselines3 lives in a virtual environment of its own: `make bench-env` makes it.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from statistics import median
from typing import Any

from ppo_cartpole import PEER_PYTHON, Contender, processor, read_options

from ppolab.control.config import PPOConfig

# How each is called, the kind its job asks for, and how many more steps it gets than the slowest,
# so that each is timed for a second or more.
KINDS = (
    ("Stable-Baselines3", None, 1),
    ("torch", "torch", 1),
    ("compiled", "compiled", 8),
    ("compiled, environment too", "compiled environment", 16),
)
CONFIG = PPOConfig()
Row = dict[str, Any]


def compete(ours: Contender, peer: Contender, quick: bool) -> dict[str, list[float]]:
    """Steps per second of each kind, round by round."""
    rounds, steps = (3, 8_192) if quick else (7, 20_480)
    rates: dict[str, list[float]] = {name: [] for name, _, _ in KINDS}
    for turn in range(-1, rounds):  # the first, short one warms up
        for name, kind, more in KINDS[:: 1 if turn % 2 == 0 else -1]:
            wanted = 1024 if turn < 0 else steps * more
            job = {
                "config": CONFIG.to_mapping(), "seed": turn + 2, "steps": wanted,
                "schedule_steps": wanted, "kind": kind, "stop_when_solved": False,
                "most_seconds": 1e9,
            }  # fmt: skip
            answer = (peer if kind is None else ours).train(**job)
            if turn >= 0:
                rates[name].append(answer["steps"] / answer["seconds"])
                print(f"  round {turn + 1}: {name:<26} {rates[name][-1]:>10,.0f}", file=sys.stderr)
    return rates


def summarize(rates: dict[str, list[float]]) -> dict[str, Row]:
    """Medians of each kind's rates, and of its ratios to the peer round by round."""
    peer = rates[KINDS[0][0]]
    return {
        name: {
            "steps_per_second": round(median(own)),
            "ratio_vs_sb3": round(median(a / b for a, b in zip(own, peer, strict=True)), 2),
            "ratios": [round(a / b, 2) for a, b in zip(own, peer, strict=True)],
        }
        for name, own in rates.items()
    }


def main() -> int:
    """Run the benchmark."""
    options = read_options(__doc__)
    if options is None:
        return 2
    load = os.getloadavg()[0]
    contenders: list[Contender] = []
    try:
        contenders.append(Contender.start("PPO Lab", Path(sys.executable), "back_ends.py"))
        contenders.append(Contender.start("Stable-Baselines3", PEER_PYTHON, "sb3.py"))
        rows = summarize(compete(contenders[0], contenders[1], options.quick))
    finally:
        for contender in contenders:
            contender.end()
    machine = f"{processor()}, {os.cpu_count()} cores, {platform.system()}"
    print(f"\n{machine}, load {load:.1f} at the start\n{'':<28}{'steps/s':>10}{'× SB3':>8}")
    for name, row in rows.items():
        print(f"{name:<28}{row['steps_per_second']:>10,}{row['ratio_vs_sb3']:>8.1f}")
    if options.json:
        print(json.dumps({
            "ratio_vs_sb3": rows["compiled"]["ratio_vs_sb3"],
            "ratio_vs_sb3_torch": rows["torch"]["ratio_vs_sb3"],
            "ratio_vs_sb3_compiled_environment":
                rows["compiled, environment too"]["ratio_vs_sb3"],
            "back_ends": rows, "quick": options.quick, "threads": 1, "machine": machine,
            "versions": contenders[0].versions | contenders[1].versions,
            "python": platform.python_version(), "load_average_at_start": round(load, 2),
        }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
