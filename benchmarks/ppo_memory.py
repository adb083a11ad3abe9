"""What a rollout occupies beside its arithmetic minimum, and what an update needs on top.

For a vector, an image and a mixture of both, each in a process of its own: how much more memory
the process holds once a rollout is allocated and filled, as a multiple of the bytes of its numbers;
and how far the peak rises above that while one epoch learns from it. A second copy of all
observations would show as a rise of about 100 %. The rest is what each sample has beside its
observation (place in the order, advantage, return, ratio) and a minibatch's activations.

    python benchmarks/ppo_memory.py            half a minute
    python benchmarks/ppo_memory.py --quick    the same
    python benchmarks/ppo_memory.py --json     one JSON object on the last line

Linux only: the numbers are the kernel's own, from /proc.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

STEPS, ENVIRONMENTS, MINIBATCH = 512, 8, 64
KINDS = ("vector", "image", "mixture")


class Shapes:
    """What a rollout asks of an environment: copies of a space with two actions."""

    masks = None
    present = None

    def __init__(self, space: Any, copies: int) -> None:
        from ppolab.control.distributions import Categorical
        from ppolab.control.observations import ObservationLayout

        self.layout, self.distribution = ObservationLayout("none", space), Categorical(2)
        self._copies = copies

    def __len__(self) -> int:
        return self._copies


def space_of(kind: str) -> tuple[Any, int, int]:
    """A space, the bytes of one observation, and how many copies act."""
    import numpy as np
    from gymnasium.spaces import Box, Dict

    vector, image = Box(-1.0, 1.0, (64,), np.float32), Box(0, 255, (84, 84, 4), np.uint8)
    if kind == "vector":
        return vector, 4 * 64, 128 * ENVIRONMENTS
    if kind == "image":
        return image, 84 * 84 * 4, ENVIRONMENTS
    return Dict({"camera": image, "speeds": vector}), 84 * 84 * 4 + 4 * 64, ENVIRONMENTS


def measure(kind: str) -> dict[str, float]:
    """Allocate, fill and learn; only this once in a process, for freed memory may be kept."""
    import torch

    from ppolab.control.config import PPOConfig
    from ppolab.control.networks import ActorCritic
    from ppolab.control.optimizer import Adam
    from ppolab.control.parameters import FlatParameters
    from ppolab.control.rollout import Rollout
    from ppolab.control.update import Parts, update

    torch.set_num_threads(1)
    space, observation_bytes, copies = space_of(kind)
    shapes = Shapes(space, copies)
    model = ActorCritic(shapes.layout, shapes.distribution, 64)
    parameters = FlatParameters(model)
    optimizer = Adam(parameters, 1e-4, 1e-5)

    def learn(rollout: Rollout, steps: int, copies: int) -> None:
        config = PPOConfig(environments=copies, rollout_steps=steps, minibatch_size=MINIBATCH,
                           epochs=1, total_steps=steps * copies)  # fmt: skip
        update(model, parameters, optimizer, rollout, config, Parts(), torch.Generator())

    small = Rollout.allocate(MINIBATCH // 8, Shapes(space, 8))
    learn(small, MINIBATCH // 8, 8)  # what a first update loads and keeps is not the rollout's
    before = _status("VmRSS")
    rollout = Rollout.allocate(STEPS, shapes)
    for tensor in vars(rollout).values():
        if tensor is not None:
            tensor.fill_(1)
    held = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    learn(rollout, STEPS, copies)
    peak = _status("VmHWM")
    # An action of 8 bytes, for torch indexes with nothing smaller, and four floats beside it.
    least = STEPS * copies * (observation_bytes + 8 + 16) + 4 * copies
    return {
        "least_megabytes": least / 1e6,
        "ratio_to_minimum": (held - before) / least,
        "rise_during_update": (peak - held) / least,
    }


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the same: it takes half a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        print(json.dumps(measure(options.kind)))
        return 0
    rows = {}
    print(f"{'':<10}{'minimum':>12}{'occupied':>12}{'rise in update':>18}")
    for kind in KINDS:
        done = subprocess.run(
            [sys.executable, __file__, "--kind", kind], stdout=subprocess.PIPE, check=True
        )
        rows[kind] = row = json.loads(done.stdout)
        print(f"{kind:<10}{row['least_megabytes']:>9.1f} MB{row['ratio_to_minimum']:>11.3f}×"
              f"{row['rise_during_update']:>17.1%}")  # fmt: skip
    if options.json:
        most = max(row["ratio_to_minimum"] for row in rows.values())
        print(json.dumps({"ratio_to_minimum": round(most, 4), "rollouts": rows,
                          "minibatch": MINIBATCH}))  # fmt: skip
    return 0


def _status(name: str) -> int:
    """Bytes that the kernel tells of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"no {name} in /proc/self/status")


if __name__ == "__main__":
    sys.exit(main())
