"""What it gains to compute nothing on padding: PPO Lab's update beside itself, by turns.

Responses to 64 prompts of 16 tokens end at each token with a probability of 7 %, and after 32 at
the latest: about 40 % of the positions for responses hold a token. One side takes the engine's
update as it is. The other takes the same update on the same rows, told that all positions hold
tokens, and so computes the padding as well, both in the linear layers and in the vocabulary's
softmax. Counted on both sides are the real tokens. 4 epochs of 4 minibatches, a separate critic,
random GPT-2s (A: 4 layers, 128 wide; B: 6, 256), two threads. That both ways have the same gradient
is a matter for the tests.

The bound is the time that the matrix products of the real tokens alone would take
(`language_bound.py`).

    python benchmarks/rlhf_ragged.py             three minutes
    python benchmarks/rlhf_ragged.py --quick     one minute; coarser
    python benchmarks/rlhf_ragged.py --only A    the small model alone
    python benchmarks/rlhf_ragged.py --json      one JSON object on the last line
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from statistics import mean

import referee
from language_bound import SHAPES, PPOWork, Shape, add_only
from targets import judge, memory_rows, print_judged, print_memory

PADDED, PACKED = "padding computed", "no padding"
TARGET = 1.4
ENDING = 0.0706  # so that responses of at most 32 tokens have 0.4 × 32 on average
WORK = PPOWork()
THREADS = 2


def race(
    shape: Shape, dtype: str, rounds: int, updates: int
) -> tuple[dict[str, list[referee.Answer]], dict[str, str]]:
    """Answers by kind and round, and the versions of all."""

    def job(kind: str, seed: int) -> referee.Answer:
        return {
            **dataclasses.asdict(WORK), "shape": dataclasses.asdict(shape), "seed": seed,
            "updates": updates, "dtype": dtype, "shared_trunk": False, "padded": kind == PADDED,
            "ending": ENDING, "threads": THREADS, "learning_rate": 1e-5, "kl_coef": 0.05,
        }  # fmt: skip

    own = (referee.OUR_PYTHON, "language_ragged.py")
    return referee.race({PADDED: own, PACKED: own}, job, rounds, "tokens/s")


def measure(
    name: str, dtype: str, rounds: int, updates: int, roofs: referee.Answer
) -> tuple[referee.Answer, dict[str, str]]:
    """Both rows of a model and a precision, printed, and the versions of all."""
    shape = SHAPES[name]
    answers, versions = race(shape, dtype, rounds, updates)
    batches = [answer["lengths"] for answer in answers[PACKED]]
    share = mean(mean(lengths) for lengths in batches) / WORK.response
    needed = mean(WORK.learning(shape, lengths) for lengths in batches)
    bound = mean(sum(lengths) for lengths in batches) * roofs[dtype] / needed
    rows = referee.rows_of(answers, PADDED, dict.fromkeys(answers, bound))
    judge(rows, {PACKED: TARGET})
    memory = memory_rows(answers, PADDED)
    print(f"\n{name} in {dtype}: {share:.0%} of the positions hold a token")
    print_judged(rows, "padded", "tokens/s")
    print("Peak memory")
    print_memory(memory, "padded")
    return {"real_share": round(share, 3), "update": rows, "memory": memory}, versions


def main() -> int:
    """Run the benchmark."""
    options = referee.read_options(__doc__, needed=None, add=add_only)
    assert options is not None
    load = os.getloadavg()[0]
    roofs = referee.measure_roofs("language_bound.py", "--threads", str(THREADS))
    plan = {"A": (3, 1), "B": (2, 1)} if options.quick else {"A": (7, 2), "B": (5, 1)}
    dtypes = ["float32"] + ["bfloat16"] * roofs["multiplies_bfloat16"]
    found: dict[str, referee.Answer] = {}
    versions: dict[str, str] = {}
    for name in [options.only] if options.only else list(plan):
        for dtype in dtypes:
            found[f"{name}, {dtype}"], versions = measure(name, dtype, *plan[name], roofs)
    around = referee.circumstances(options.quick, load, versions)
    print(f"\n{around['machine']}, load {load:.1f} at the start, {THREADS} threads")
    if options.json:
        print(json.dumps({
            "ratios_vs_padded": {
                name: rows["update"][PACKED]["ratio"] for name, rows in found.items()
            },
            "rows": found, "roofs": roofs, "threads": THREADS,
            "work": dataclasses.asdict(WORK), **around,
        }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
