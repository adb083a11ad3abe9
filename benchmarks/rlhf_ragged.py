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
import sys
from statistics import mean

import referee
from language_bound import SHAPES, PPOWork
from language_run import Run
from targets import judge, memory_rows, print_judged, print_memory

PADDED, PACKED = "padding computed", "no padding"
TARGET = 1.4
ENDING = 0.0706  # so that responses of at most 32 tokens have 0.4 × 32 on average
WORK = PPOWork()


def race(name: str, dtype: str, run: Run) -> tuple[dict[str, list[referee.Answer]], dict[str, str]]:
    """Answers by kind and round, and the versions of all."""
    rounds, updates = run.plan[name]

    def job(kind: str, seed: int) -> referee.Answer:
        return {
            **dataclasses.asdict(WORK), "shape": dataclasses.asdict(SHAPES[name]), "seed": seed,
            "updates": updates, "dtype": dtype, "shared_trunk": False, "padded": kind == PADDED,
            "ending": ENDING, "threads": run.threads, "learning_rate": 1e-5, "kl_coef": 0.05,
        }  # fmt: skip

    own = (referee.OUR_PYTHON, "language_ragged.py")
    return referee.race({PADDED: own, PACKED: own}, job, rounds, "tokens/s")


def measure(name: str, dtype: str, run: Run) -> tuple[referee.Answer, dict[str, str]]:
    """Both rows of a model and a precision, printed, and the versions of all."""
    shape = SHAPES[name]
    answers, versions = race(name, dtype, run)
    batches = [answer["lengths"] for answer in answers[PACKED]]
    share = mean(mean(lengths) for lengths in batches) / WORK.response
    needed = mean(WORK.learning(shape, lengths) for lengths in batches)
    bound = mean(sum(lengths) for lengths in batches) * run.roofs[dtype] / needed
    rows = referee.rows_of(answers, PADDED, dict.fromkeys(answers, bound))
    judge(rows, {PACKED: TARGET})
    memory = memory_rows(answers, PADDED)
    print(f"\n{name} in {dtype}: {share:.0%} of the positions hold a token")
    print_judged(rows, "padded", "tokens/s")
    print_memory(memory, "padded")
    return {"real_share": round(share, 3), "update": rows, "memory": memory}, versions


def main() -> int:
    """Run the benchmark."""
    # Rounds, and updates in each.
    full, quick = {"A": (7, 2), "B": (5, 1)}, {"A": (3, 1), "B": (2, 1)}
    run = Run.begin(__doc__, full, quick, trl=False)
    assert run is not None
    found: dict[str, referee.Answer] = {}
    versions: dict[str, str] = {}
    for name in run.plan:
        for dtype in run.dtypes:
            found[f"{name}, {dtype}"], versions = measure(name, dtype, run)
    ratios = {name: rows["update"][PACKED]["ratio"] for name, rows in found.items()}
    run.end(versions, ratios_vs_padded=ratios, rows=found, work=dataclasses.asdict(WORK))
    return 0


if __name__ == "__main__":
    sys.exit(main())
