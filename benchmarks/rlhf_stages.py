"""How fast models are fine-tuned and reward models trained: PPO Lab against TRL, by turns.

Fine-tuning takes gradient steps on 32 texts of 48 tokens, a reward model on 32 pairs of such texts,
on random GPT-2s with a vocabulary of 4,096: A of 4 layers, 128 wide, B of 6, 256 wide. No text is
shorter, so that nothing is saved by leaving padding out. Two threads each. Counted are tokens of
texts, or pairs, per second of gradient steps alone, without what a training does before the first
and after the last. Peak memory is the most that the process ever held, its imports included, each
kind in a process of its own.

TRL is 1.16.0, in float32 and with `bf16=True`, which on a CPU is autocast; ratios are to whichever
of the two was quicker here.

Equal: shapes, texts, batches, AdamW, the gradient shortened to 1, no dropout, no evaluation, no
files. Gradient checkpointing, on by default in TRL, is off: it computes twice to save memory.

Not equal: TRL logs entropy and accuracy of every token, and reads each text's last token, after
which nothing is to be foretold. PPO Lab's schedule of the learning rate is a cosine and TRL's a
line, which takes no time on either side.

The bound is the time that the matrix products alone would take (`language_bound.py`).

    python benchmarks/rlhf_stages.py             five minutes
    python benchmarks/rlhf_stages.py --quick     two minutes; coarser
    python benchmarks/rlhf_stages.py --only A    the small models alone
    python benchmarks/rlhf_stages.py --json      one JSON object on the last line

TRL lives in a virtual environment of its own: `make bench-env` makes it.
"""

from __future__ import annotations

import dataclasses
import sys
from statistics import median

import referee
from language_bound import SHAPES, reward_work, sft_work
from language_run import Run
from targets import judge, memory_rows, print_judged, print_memory

OURS = "PPO Lab, bfloat16"
KINDS = {
    "TRL 1.16.0, float32": "float32",
    "TRL 1.16.0, bfloat16": "bfloat16",
    "PPO Lab, float32": "float32",
    OURS: "bfloat16",
}
STAGES = {"sft": "tokens/s", "reward": "pairs/s"}
WORDS = {"sft": "fine-tuning", "reward": "reward model"}
TARGET = 2.5
ROWS, LENGTH = 32, 48


def race(
    stage: str, name: str, kinds: list[str], run: Run
) -> tuple[dict[str, list[referee.Answer]], dict[str, str]]:
    """Answers by kind and round, and the versions of all."""
    rounds, updates = run.plan[name]

    def job(kind: str, seed: int) -> referee.Answer:
        return {
            "stage": stage, "shape": dataclasses.asdict(SHAPES[name]), "dtype": KINDS[kind],
            "rows": ROWS, "length": LENGTH, "updates": updates, "seed": seed,
            "threads": run.threads, "learning_rate": 1e-5,
        }  # fmt: skip

    ours = (referee.OUR_PYTHON, "language_stages.py")
    trl = (referee.TRL_PYTHON, "trl_stages.py")
    contenders = {kind: trl if kind.startswith("TRL") else ours for kind in kinds}
    answers, versions = referee.race(contenders, job, rounds, STAGES[stage])
    for kind, own in answers.items():
        if any(answer["steps"] != updates for answer in own):
            raise SystemExit(f"{kind} did not take the {updates} steps it was asked for")
    return answers, versions


def measure(stage: str, name: str, run: Run) -> tuple[referee.Answer, dict[str, str]]:
    """All rows of a stage and a model, printed, and the versions of all."""
    shape = SHAPES[name]
    kinds = [kind for kind, dtype in KINDS.items() if dtype in run.dtypes]
    answers, versions = race(stage, name, kinds, run)
    theirs = [kind for kind in kinds if kind.startswith("TRL")]
    base = max(theirs, key=lambda kind: median(map(referee.rate, answers[kind])))
    per_step, work = (
        (ROWS * LENGTH, sft_work(shape, ROWS, LENGTH))
        if stage == "sft"
        else (ROWS, reward_work(shape, ROWS, LENGTH))
    )
    bounds = {kind: per_step * run.roofs[KINDS[kind]] / work for kind in kinds}
    rows = referee.rows_of(answers, base, bounds)
    judge(rows, {OURS: TARGET})
    memory = memory_rows(answers, base)
    print(f"\n{WORDS[stage]}, {name}: {shape}; TRL's quicker is {base}")
    print_judged(rows, "TRL", STAGES[stage])
    print_memory(memory, base)
    return {"base": base, "steps": rows, "memory": memory}, versions


def main() -> int:
    """Run the benchmark."""
    # Rounds, and gradient steps in each; B takes four times as long.
    run = Run.begin(__doc__, {"A": (7, 15), "B": (5, 6)}, {"A": (3, 6), "B": (2, 3)})
    if run is None:
        return 2
    found: dict[str, referee.Answer] = {stage: {} for stage in STAGES}
    versions: dict[str, str] = {}
    for stage in STAGES:
        for name in run.plan:
            found[stage][name], versions = measure(stage, name, run)
    ratios_vs_trl = {
        stage: {
            name: {kind: row["ratio"] for kind, row in rows["steps"].items()}
            for name, rows in by_name.items()
        }
        for stage, by_name in found.items()
    }
    work = {"rows": ROWS, "length": LENGTH}
    run.end(versions, ratios_vs_trl=ratios_vs_trl, rows=found, work=work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
