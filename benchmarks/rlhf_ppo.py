"""How fast PPO improves a language model: PPO Lab against TRL, by turns in one run.

Both write responses of 32 tokens to 64 prompts of 16, score them with a reward model, and take 4
epochs of 4 minibatches, on random GPT-2s with a vocabulary of 4,096: A of 4 layers, 128 wide, B of
6, 256 wide. Reference, reward model and, where it is separate, critic have the policy's shape. No
response ends early, so that nothing is saved by leaving padding out. Two threads each. Counted are
tokens of responses per second of whole updates; the rollout's row counts writing alone. Peak memory
is the most that the process ever held, its imports included, each kind in a process of its own.

TRL is 1.12.0, the last version with PPO; it was removed in 1.13.

Equal: shapes, prompts, lengths, epochs and minibatches, 16 optimizer steps per update (counted),
Adam's rule, clips, a fixed KL coefficient, temperature 1, no evaluation, no files.

Not equal:
- bfloat16 against TRL's float32: `bf16=True` changes nothing on a CPU in TRL, whose PPO makes an
  Accelerator of its own without it. The row says what a user of either gets here.
- A shared trunk is another algorithm: one network instead of two. TRL has none, so the row is
  against its separate critic.
- TRL as documented (`gradient_accumulation_steps` of 4) would take 4 optimizer steps for the 16
  minibatches, which is quicker and learns less. Here it is given the batch as one piece
  (`gradient_accumulation_steps` of 1), and takes all 16.
- TRL collects garbage (`gc.collect`) twice in each update and computes every position's logits and
  a softmax over them for its entropy. That is its own choice and is counted.
- PPO Lab shortens long gradients, which TRL's PPO does not, and decodes the responses to text, for
  its rewards may want to read them.
- TRL's rollout leaves out the log-probabilities of what it wrote, which come later; PPO Lab's has
  them, and with a shared trunk the values as well.

The bound is the time that the matrix products alone would take (`language_bound.py`).

    python benchmarks/rlhf_ppo.py             six to eight minutes
    python benchmarks/rlhf_ppo.py --quick     two minutes; coarser
    python benchmarks/rlhf_ppo.py --only A    the small models alone; --threads 1 with one thread
    python benchmarks/rlhf_ppo.py --json      one JSON object on the last line

TRL lives in a virtual environment of its own: `make bench-env` makes it.
"""

from __future__ import annotations

import dataclasses
import sys

import referee
from language_bound import SHAPES, PPOWork
from language_run import Run
from targets import judge, memory_rows, print_judged, print_memory

TRL = "TRL 1.12.0, float32"
FLOAT32, BFLOAT16, SHARED = (
    "PPO Lab, float32",
    "PPO Lab, bfloat16",
    "PPO Lab, bfloat16, shared trunk",
)
KINDS = {
    TRL: ("float32", False),
    FLOAT32: ("float32", False),
    BFLOAT16: ("bfloat16", False),
    SHARED: ("bfloat16", True),
}
TARGETS = {
    "A": {FLOAT32: 2.0, BFLOAT16: 3.8, SHARED: 6.0},
    "B": {FLOAT32: 1.4, BFLOAT16: 3.3, SHARED: 5.9},
}
ROLLOUT_TARGETS = {"A": {BFLOAT16: 4.5}, "B": {}}
WORK = PPOWork()
SETTINGS = {"learning_rate": 1e-5, "kl_coef": 0.05}


def race(
    name: str, kinds: list[str], run: Run
) -> tuple[dict[str, list[referee.Answer]], dict[str, str]]:
    """Answers by kind and round, and the versions of all."""
    rounds, updates = run.plan[name]

    def job(kind: str, seed: int) -> referee.Answer:
        dtype, shared_trunk = KINDS[kind]
        return {
            **SETTINGS, **dataclasses.asdict(WORK), "shape": dataclasses.asdict(SHAPES[name]),
            "seed": seed, "updates": updates, "dtype": dtype, "shared_trunk": shared_trunk,
            "threads": run.threads,
        }  # fmt: skip

    ours, trl = (referee.OUR_PYTHON, "language_ppo.py"), (referee.TRL_PYTHON, "trl_ppo.py")
    contenders = {kind: trl if kind == TRL else ours for kind in kinds}
    answers, versions = referee.race(contenders, job, rounds, "tokens/s")
    check_work(answers, updates)
    return answers, versions


def check_work(answers: dict[str, list[referee.Answer]], updates: int) -> None:
    """Stop where a side did less than it was asked for."""
    steps = updates * WORK.epochs * (WORK.batch // WORK.minibatch)
    for kind, own in answers.items():
        for answer in own:
            done = (answer["optimizer_steps"], answer["response_length"])
            if done != (steps, WORK.response):
                raise SystemExit(
                    f"{kind} did not do the same work: {done}, not {steps, WORK.response}"
                )


def measure(name: str, run: Run) -> tuple[referee.Answer, dict[str, str]]:
    """All rows of a model, printed, and the versions of all."""
    shape, roofs = SHAPES[name], run.roofs
    kinds = [kind for kind, (dtype, _) in KINDS.items() if dtype in run.dtypes]
    answers, versions = race(name, kinds, run)
    rollouts = {
        kind: [answer["rollout"] | {"count": answer["count"]} for answer in own]
        for kind, own in answers.items()
    }
    whole = {
        kind: WORK.tokens * roofs[KINDS[kind][0]] / WORK.whole(shape, KINDS[kind][1])
        for kind in kinds
    }
    writing = {kind: WORK.tokens * roofs[KINDS[kind][0]] / WORK.rollout(shape) for kind in kinds}
    rows = {
        "update": referee.rows_of(answers, TRL, whole),
        "rollout": referee.rows_of(rollouts, TRL, writing),
        "memory": memory_rows(answers, TRL),
    }
    judge(rows["update"], TARGETS[name])
    judge(rows["rollout"], ROLLOUT_TARGETS[name])
    print(f"\n{name}: {shape}")
    print_judged(rows["update"], "TRL", "tokens/s")
    print("Writing alone")
    print_judged(rows["rollout"], "TRL", "tokens/s")
    print_memory(rows["memory"], "TRL")
    return rows, versions


def main() -> int:
    """Run the benchmark."""
    # Rounds, and updates in each; B takes three times as long.
    run = Run.begin(__doc__, {"A": (7, 2), "B": (5, 1)}, {"A": (3, 1), "B": (2, 1)})
    if run is None:
        return 2
    found, versions = {}, {}
    for name in run.plan:
        found[name], versions = measure(name, run)
    run.end(
        versions,
        ratios_vs_trl={
            name: {kind: row["ratio"] for kind, row in rows["update"].items() if kind != TRL}
            for name, rows in found.items()
        },
        rows=found, work=dataclasses.asdict(WORK),
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
