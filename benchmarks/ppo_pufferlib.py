"""How fast PPO trains CartPole in machine code: PPO Lab against PufferLib, by turns in one run.

Both have the environment as machine code in the training process: PufferLib its own CartPole
written in C, PPO Lab its compiled one. Once with one thread each and once with two.

Equal: 64 environments × 128 steps, 4 epochs of minibatches of 2,048, Adam, losses with the same
coefficients and clips, one step of the environment counted as one. PufferLib is measured with its
default network of 64 units, and with PPO Lab's two networks of two tanh layers of 64 units each.

Not equal: PufferLib's default network has one hidden layer, shared by actor and critic, and does a
twentieth of the products; the ratio leaves it that advantage. PufferLib draws whole stretches of an
environment for a minibatch instead of single samples, computes the advantages anew for each of
them, and ends episodes after 200 steps, where PPO Lab's go to 500 as CartPole-v1 does. Its screen
is switched off, and its priorities and V-trace clips are set so that they change nothing.

    python benchmarks/ppo_pufferlib.py            three minutes
    python benchmarks/ppo_pufferlib.py --quick    under a minute
    python benchmarks/ppo_pufferlib.py --json     one JSON object on the last line

PufferLib lives in a virtual environment of its own: `make bench-env` makes it.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack

import referee

from ppolab.control.config import PPOConfig

CONFIG = PPOConfig(environments=64, rollout_steps=128, minibatch_size=2048, value_clip_range=0.2)
INSTALLED = referee.PEER_ENVIRONMENT / "pufferlib-3.0.0"  # put there by make bench-env
# How each is called, its network in PufferLib or none, and how many more steps it gets.
KINDS = (("PufferLib", "own", 1), ("PufferLib, our networks", "ours", 1), ("PPO Lab", None, 4))


def main() -> int:
    """Run the benchmark."""
    options = referee.read_options(__doc__, INSTALLED, "PufferLib 3.0.0")
    if options is None:
        return 2
    load = os.getloadavg()[0]
    rounds, steps = (3, 40_960) if options.quick else (7, 131_072)
    bound = referee.measure_roofs()["bounds"]["compiled"]
    with ExitStack() as stack:
        ours = referee.ours(stack, "back_ends.py")
        peer = referee.peer(stack, "PufferLib", "puffer.py")

        def train(seed: int, network: str | None, more: int, threads: int) -> referee.Answer:
            contender = ours if network is None else peer
            return contender.train(
                config=CONFIG.to_mapping(), seed=seed, steps=steps * more, threads=threads,
                schedule_steps=steps * more, kind="compiled environment", network=network,
            )  # fmt: skip

        answers = {
            threads: referee.by_turns(
                {
                    name: lambda seed, network=network, more=more, threads=threads: train(
                        seed, network, more, threads
                    )
                    for name, network, more in KINDS
                },
                rounds,
            )
            for threads in (1, 2)
        }
    around = referee.circumstances(options.quick, load, ours.versions | peer.versions)
    print(f"\n{around['machine']}, load {load:.1f} at the start")
    found = {}
    for threads, own in answers.items():
        # The bound is that of our networks.
        bounds = {name: threads * bound for name, network, _ in KINDS if network != "own"}
        found[threads] = referee.rows_of(own, "PufferLib", bounds)
        print(f"{threads} thread{'s' if threads > 1 else ''} each")
        referee.print_rows(found[threads], "PufferLib", "steps/s")
    if options.json:
        print(json.dumps({
            # Of one thread and two the less favourable: a second one helps not every peer.
            "ratio_vs_pufferlib": min(rows["PPO Lab"]["ratio"] for rows in found.values()),
            "ratio_vs_pufferlib_by_threads": {
                threads: rows["PPO Lab"]["ratio"] for threads, rows in found.items()
            },
            "rows": found, "config": CONFIG.to_mapping(), "bound_of_one_core": bound, **around,
        }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
