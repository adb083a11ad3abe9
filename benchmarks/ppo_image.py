"""How many samples a second an image policy learns from: PPO Lab's update against plain torch.

Both train NatureCNN on four gray frames of 84×84 pixels, 1,024 samples in minibatches of 256.

Equal: network, losses, settings, the samples' numbers (noise; time does not depend on them), torch
and its one thread, the counting of samples (each once per epoch). Both sides compute advantages,
shuffle, gather, go forward and back, shorten the gradient and take Adam's step.

Not equal, for it is what is compared: plain torch keeps observations as floats, computes in
float32 and in torch's default layout, and uses torch.distributions and the default Adam, as most
tutorials write it. PPO Lab keeps bytes, convolves with channels last, and computes either in
float32, its default, or in bfloat16 (`precision: bfloat16`, or `auto` on a processor that
multiplies it). Weights stay float32 on both sides. PPO Lab also counts ratios for its histogram.

    python benchmarks/ppo_image.py            a minute or two
    python benchmarks/ppo_image.py --quick    half a minute
    python benchmarks/ppo_image.py --json     one JSON object on the last line
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import referee
from bound import image_bound

from ppolab.control.precision import multiplies_bfloat16

PLAIN = "plain torch, float32"
NAMES = {PLAIN: "float32", "PPO Lab, float32": "float32", "PPO Lab, bfloat16": "bfloat16"}
THREADS = 1
JOB = {"threads": THREADS, "steps": 128, "environments": 8, "minibatch_size": 256,
       "clip_range": 0.1, "learning_rate": 2.5e-4}  # fmt: skip


def run(
    contender: referee.Contender, precision: str, epochs: int
) -> Callable[[int], referee.Answer]:
    """One update with a seed."""
    return lambda seed: contender.train(**JOB, seed=seed, epochs=epochs, precision=precision)


def main() -> int:
    """Run the benchmark."""
    options = referee.read_options(__doc__, needed=None)
    assert options is not None
    load = os.getloadavg()[0]
    rounds, epochs = (3, 2) if options.quick else (9, 4)
    roofs = referee.measure_roofs()
    with ExitStack() as stack:
        ours = referee.ours(stack, "image.py")
        plain = referee.Contender.start("plain torch", Path(sys.executable), "plain_torch.py")
        stack.callback(plain.end)
        runs = {
            name: run(plain if name == PLAIN else ours, precision, epochs)
            for name, precision in NAMES.items()
        }
        answers = referee.by_turns(runs, rounds, "samples/s")
    bounds = {name: THREADS * image_bound(roofs, precision) for name, precision in NAMES.items()}
    rows = referee.rows_of(answers, PLAIN, bounds)
    around = referee.circumstances(options.quick, load, ours.versions)
    native = multiplies_bfloat16()
    print(f"\n{around['machine']}, load {load:.1f} at the start, {THREADS} thread")
    print(f"The processor {'multiplies' if native else 'only emulates'} bfloat16.")
    referee.print_rows(rows, "plain torch", "samples/s")
    if options.json:
        print(json.dumps({
            "ratio_vs_plain_torch": rows["PPO Lab, bfloat16"]["ratio"],
            "ratio_vs_plain_torch_of_processor_time":
                rows["PPO Lab, bfloat16"]["ratio_of_processor_time"],
            "ratio_vs_plain_torch_float32": rows["PPO Lab, float32"]["ratio"],
            "processor_multiplies_bfloat16": native, "rows": rows, "job": JOB | {"epochs": epochs},
            "bounds": bounds, **around,
        }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
