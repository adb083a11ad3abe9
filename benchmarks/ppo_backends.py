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
import sys
from contextlib import ExitStack

import referee

from ppolab.control.config import PPOConfig

# How each is called, the kind its job asks for, and how many more steps it gets than the slowest,
# so that each is timed for a second or more.
KINDS = (
    ("Stable-Baselines3", None, 1),
    ("torch", "torch", 1),
    ("compiled", "compiled", 8),
    ("compiled, environment too", "compiled environment", 16),
)
PEER = KINDS[0][0]
CONFIG = PPOConfig()


def main() -> int:
    """Run the benchmark."""
    options = referee.read_options(__doc__)
    if options is None:
        return 2
    load = os.getloadavg()[0]
    rounds, steps = (3, 8_192) if options.quick else (7, 20_480)
    bounds = referee.measure_roofs()["bounds"]
    with ExitStack() as stack:
        ours = referee.ours(stack, "back_ends.py")
        peer = referee.peer(stack, PEER, "sb3.py")

        def train(seed: int, kind: str | None, more: int) -> referee.Answer:
            wanted = 1024 if seed == 1 else steps * more  # the first only warms up
            return (peer if kind is None else ours).train(
                config=CONFIG.to_mapping(), seed=seed, steps=wanted, schedule_steps=wanted,
                kind=kind, stop_when_solved=False, most_seconds=1e9,
            )  # fmt: skip

        answers = referee.by_turns(
            {
                name: lambda seed, kind=kind, more=more: train(seed, kind, more)
                for name, kind, more in KINDS
            },
            rounds,
        )
    own_bounds = {
        name: bounds["compiled" if kind == "compiled environment" else "Python"]
        for name, kind, _ in KINDS
    }
    rows = referee.rows_of(answers, PEER, own_bounds)
    around = referee.circumstances(options.quick, load, ours.versions | peer.versions)
    print(f"\n{around['machine']}, load {load:.1f} at the start")
    referee.print_rows(rows, PEER, "steps/s")
    if options.json:
        print(json.dumps({
            "ratio_vs_sb3": rows["compiled"]["ratio"],
            "ratio_vs_sb3_torch": rows["torch"]["ratio"],
            "ratio_vs_sb3_compiled_environment": rows["compiled, environment too"]["ratio"],
            "rows": rows, "threads": 1, "bounds": own_bounds, **around,
        }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
