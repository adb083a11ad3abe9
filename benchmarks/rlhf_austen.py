"""How long all three stages take on the course's own task, from the base model that comes with it.

`ppolab rlhf` as anyone would call it, in a process of its own: fine-tuning, 6,000 pairs of answers
written and compared and a reward model trained on them, 100 updates of PPO with evaluations along
the way. Everything is counted, imports, reading and writing of files included. PPO's updates per
second are what moves the page's live chart; evaluations between them are counted too.

    python benchmarks/rlhf_austen.py            three seeds, five minutes
    python benchmarks/rlhf_austen.py --quick    a quarter of the work, one seed; half a minute
    python benchmarks/rlhf_austen.py --json     one JSON object on the last line
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from statistics import median

import referee

MOST_SECONDS, LEAST_UPDATES = 100.0, 2.0  # for everything; of PPO per second
WORK = {"sft-updates": 400, "pairs": 6000, "updates": 100}


def run(seed: int, work: dict[str, int]) -> referee.Answer:
    """All stages with a seed: their seconds, updates per second, and what was learnt."""
    amounts = [word for name, amount in work.items() for word in (f"--{name}", str(amount))]
    with tempfile.TemporaryDirectory(prefix="ppolab-") as home:
        command = [sys.executable, "-m", "ppolab", "rlhf", "--seed", str(seed), "--home", home]
        started = time.perf_counter()
        told = subprocess.run([*command, *amounts, "--json"], capture_output=True, text=True)
        seconds = time.perf_counter() - started
    if told.returncode:
        raise SystemExit(f"{told.stderr}\nppolab rlhf ended with {told.returncode}; see above")
    result = json.loads(told.stdout.splitlines()[-1])
    stages = {name: stage["seconds"] for name, stage in result["stages"].items()}
    return {
        "seed": seed, "seconds": seconds, "stages": stages,
        "updates_per_second": work["updates"] / stages["rlhf"],
        **{name: result[name] for name in ("rm_accuracy", "gold_before", "gold_after", "kl")},
    }  # fmt: skip


def main() -> int:
    """Run the benchmark."""
    options = referee.read_options(__doc__, needed=None)
    assert options is not None
    load = os.getloadavg()[0]
    work = {name: amount // 4 for name, amount in WORK.items()} if options.quick else WORK
    answers = []
    for seed in (1,) if options.quick else (1, 2, 3):
        answers.append(run(seed, work))
        print(f"  seed {seed}: {answers[-1]['seconds']:.1f} s", file=sys.stderr)
    seconds = median(answer["seconds"] for answer in answers)
    updates = median(answer["updates_per_second"] for answer in answers)
    verdicts = {
        "seconds": None if options.quick else ("reached" if seconds <= MOST_SECONDS else "missed"),
        "updates_per_second": "reached" if updates >= LEAST_UPDATES else "missed",
    }
    around = referee.circumstances(
        options.quick, load, {name: version(name) for name in ("ppolab", "torch")}
    )
    print(f"\n{around['machine']}, load {load:.1f} at the start; {work}")
    for answer in answers:
        stages = ", ".join(f"{name} {taken:.1f} s" for name, taken in answer["stages"].items())
        print(f"seed {answer['seed']}: {answer['seconds']:.1f} s ({stages}), "
              f"gold {answer['gold_before']:.2f} to {answer['gold_after']:.2f}, "
              f"KL {answer['kl']:.1f}, {answer['updates_per_second']:.2f} updates/s")  # fmt: skip
    whole = verdicts["seconds"] or "not judged, for it was less work"
    print(f"all stages: {seconds:.1f} s, at most {MOST_SECONDS:g} wanted: {whole}")
    print(f"PPO: {updates:.2f} updates/s, {LEAST_UPDATES:g} wanted: "
          f"{verdicts['updates_per_second']}")  # fmt: skip
    if options.json:
        print(json.dumps({
            "seconds": round(seconds, 1), "updates_per_second": round(updates, 2),
            "targets": {"seconds": MOST_SECONDS, "updates_per_second": LEAST_UPDATES},
            "verdicts": verdicts, "seeds": answers, "work": work, **around,
        }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
