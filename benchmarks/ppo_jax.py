"""How fast PPO trains CartPole-v1: PPO Lab's compiled back end against PPO compiled by JAX.

Three peers in which a whole training is one program compiled by XLA, environment included:

- PureJaxRL, when its code is at hand. It is on no package index: `make bench-env` fetches it from
  GitHub where it can.
- "PPO in JAX": written for this benchmark (contenders/jitted_jax.py) in the way PureJaxRL
  describes, a scan over updates of a scan over steps, on gymnax's CartPole. It needs nothing but
  JAX and gymnax, so that there is such a peer on each machine.
- rejax, from PyPI.

Equal: settings (4 environments × 128 steps with minibatches of 128, and 64 × 128 with minibatches
of 2,048; 4 epochs), both networks of two layers of 64 units, float32, and what may be used: XLA
takes the cores it finds, PPO Lab one thread and, for the large minibatches, also two.

Not equal: the peers' compilation before each training is not counted, though it is told below;
PPO Lab's is done once for a machine. gymnax computes CartPole in float32, PPO Lab in float64 as
Gymnasium does, and PPO Lab bootstraps where an episode was cut off, which the peers do not.
PureJaxRL keeps all episodes' statistics; rejax has the learning rate constant and cuts each number
of the gradient off by itself.

    python benchmarks/ppo_jax.py            three minutes
    python benchmarks/ppo_jax.py --quick    a minute and a half, for the most part compilation
    python benchmarks/ppo_jax.py --json     one JSON object on the last line

The peers live in a virtual environment of their own: `make bench-env` makes it.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from statistics import median

import referee

from ppolab.control.config import PPOConfig

CONFIGS = {
    "4 × 128": PPOConfig(value_clip_range=0.2),
    "64 × 128": PPOConfig(
        environments=64, rollout_steps=128, minibatch_size=2048, value_clip_range=0.2
    ),
}
OURS, OURS_TWO = "PPO Lab, 1 thread", "PPO Lab, 2 threads"
JITTED, REJAX, PUREJAXRL = "PPO in JAX", "rejax", "PureJaxRL"
CHECKOUT = referee.PEER_ENVIRONMENT / "purejaxrl" / "purejaxrl" / "ppo.py"


def compete(
    contenders: dict[str, referee.Contender], config: PPOConfig, steps: int, rounds: int
) -> dict[str, list[referee.Answer]]:
    """Train by turns with one group of settings; the first, uncounted round compiles."""

    def train(name: str, seed: int) -> referee.Answer:
        return contenders[name].train(
            config=config.to_mapping(), steps=steps, schedule_steps=steps, seed=seed,
            kind="compiled environment", threads=2 if name == OURS_TWO else 1,
        )  # fmt: skip

    # Below 256 samples a minibatch PPO Lab keeps to one thread.
    names = [n for n in contenders if n != OURS_TWO or config.minibatch_size >= 256]
    return referee.by_turns(
        {name: lambda seed, name=name: train(name, seed) for name in names}, rounds
    )


def main() -> int:
    """Run the benchmark."""
    options = referee.read_options(__doc__, referee.PEER_ENVIRONMENT / "jax-peers", "JAX")
    if options is None:
        return 2
    load = os.getloadavg()[0]
    rounds, steps = (3, 131_072) if options.quick else (7, 524_288)
    bound = referee.measure_roofs()["bounds"]["compiled"]
    answers = {}
    with ExitStack() as stack:
        ours = referee.ours(stack, "back_ends.py")
        contenders = {OURS: ours, OURS_TWO: ours}
        for name, script in ((JITTED, "jitted_jax.py"), (REJAX, "rejax_ppo.py")):
            contenders[name] = referee.peer(stack, name, script)
        if CHECKOUT.exists():
            contenders[PUREJAXRL] = referee.peer(stack, PUREJAXRL, "purejaxrl_ppo.py")
        else:
            print(f"PureJaxRL is left out: there is no {CHECKOUT}", file=sys.stderr)
        for name, config in CONFIGS.items():
            print(name, file=sys.stderr)
            answers[name] = compete(contenders, config, steps, rounds)
    versions = {k: v for contender in contenders.values() for k, v in contender.versions.items()}
    around = referee.circumstances(options.quick, load, versions)
    base = PUREJAXRL if CHECKOUT.exists() else JITTED
    found = {}
    print(f"\n{around['machine']}, load {load:.1f} at the start")
    for name, own in answers.items():
        bounds = dict.fromkeys(own, 2 * bound) | {OURS: bound}
        found[name] = referee.rows_of(own, base, bounds)
        print(name)
        referee.print_rows(found[name], base, "steps/s")
        for peer, theirs in own.items():
            if "compile_seconds" in theirs[0]:
                seconds = theirs[0]["compile_seconds"]
                found[name][peer]["compile_seconds"] = round(seconds, 1)
                print(f"{peer}: {seconds:.1f} s of compilation before each training, not counted")
    if options.json:
        print(json.dumps({
            **{
                f"ratio_vs_{key}": {
                    name: _median_ratio(own, peer) for name, own in answers.items() if peer in own
                }
                for key, peer in (
                    ("purejaxrl", PUREJAXRL), ("jitted_jax", JITTED), ("rejax", REJAX)
                )
            },
            "rows": found, "bound_of_one_core": bound, **around,
        }))  # fmt: skip
    return 0


def _median_ratio(answers: dict[str, list[referee.Answer]], peer: str) -> dict[str, float]:
    """Of each of our rows to a peer's."""
    return {
        name: round(median(referee.ratios(answers[name], answers[peer])), 2)
        for name in (OURS, OURS_TWO)
        if name in answers
    }


if __name__ == "__main__":
    sys.exit(main())
