"""How fast PPO on CartPole could be on this machine, and which share of that is reached.

Measured are three roofs of one core: multiply-adds per second in a matrix product (the best of
NumPy's, torch's and ours), tanh per second (likewise), and steps per second of the environment
alone. From them follows a bound: the time one environment step would take if acting and learning
were nothing but matrix products and tanh at the roofs, one after the other. The whole loop of the
compiled back end is timed by turns with the roofs. Both count undisturbed repetitions only, so
that other work on the machine does not enter the share.

What the bound leaves out costs time too: the loss with its exponentials, Adam, gathering samples.
No program reaches it; the share tells how much is left to gain.

For an image policy's update (`ppo_image.py`) the bound is its products alone, at the roof of
matrix products and convolutions in the same precision.

    python benchmarks/bound.py [--quick] [--roofs] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from referee import best_rate

from ppolab.control.compiled import CartPole
from ppolab.control.config import PPOConfig
from ppolab.control.environments import VectorEnvironment
from ppolab.machine_code.jit import compiled
from ppolab.machine_code.matrices import add_product, tanh_in_place

CONFIG = PPOConfig()
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
INPUTS, HIDDEN, ACTIONS = 4, CONFIG.hidden_size, 2


@compiled()
def many_products(a: Any, b: Any, c: Any, times: int) -> None:
    """Our product as it is used: small enough for the nearest cache."""
    for _ in range(times):
        add_product(a, b, c)


def product_roofs(seconds: float) -> dict[str, float]:
    """Floating-point operations per second of float32 matrix products, one thread."""
    size = 1024
    a, b = np.ones((size, size), np.float32), np.ones((size, size), np.float32)
    ta, tb = torch.from_numpy(a), torch.from_numpy(b)
    small = [np.zeros(shape, np.float32) for shape in ((32, 64), (64, 64), (32, 64))]
    times = 2000
    return {
        "NumPy": best_rate(lambda: a @ b, 2.0 * size**3, seconds),
        "torch": best_rate(lambda: ta @ tb, 2.0 * size**3, seconds),
        "PPO Lab": best_rate(
            lambda: many_products(*small, times), 2.0 * 32 * 64 * 64 * times, seconds
        ),
    }


def convolution_roofs(seconds: float) -> dict[str, float]:
    """Floating-point operations per second of torch's convolutions and products, by precision."""
    found = {}
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        square = torch.ones(1024, 1024, dtype=kind)
        images = torch.ones(8, 128, 34, 34, dtype=kind).to(memory_format=torch.channels_last)
        filters = torch.ones(128, 128, 3, 3, dtype=kind).to(memory_format=torch.channels_last)
        work = 2.0 * 8 * 32 * 32 * 128 * 128 * 9

        def multiply(square: Any = square) -> Any:
            return square @ square

        def convolve(images: Any = images, filters: Any = filters) -> Any:
            return torch.conv2d(images, filters)

        with torch.inference_mode():
            found[name] = max(
                best_rate(multiply, 2.0 * 1024**3, seconds), best_rate(convolve, work, seconds)
            )
    return found


def tanh_roofs(seconds: float) -> dict[str, float]:
    """Tanh per second, float32, one thread."""
    numbers = np.linspace(-3.0, 3.0, 1 << 14, dtype=np.float32)
    room, tensor = numbers.copy(), torch.from_numpy(numbers.copy())
    return {
        "NumPy": best_rate(lambda: np.tanh(numbers, out=room), numbers.size, seconds),
        "torch": best_rate(lambda: torch.tanh(tensor), numbers.size, seconds),
        "PPO Lab": best_rate(lambda: tanh_in_place(room), numbers.size, seconds),
    }


def environment_roofs(seconds: float) -> dict[str, float]:
    """Steps per second with nobody choosing the actions."""
    actions = np.random.default_rng(0).integers(0, 2, (512, CONFIG.environments))
    roofs = {}
    for name, environment in (
        ("Python", VectorEnvironment("CartPole-v1", CONFIG.environments, 1)),
        ("compiled", CartPole(CONFIG.environments, 1)),
    ):

        def walk(environment: Any = environment) -> None:
            for row in actions:
                environment.step(row)

        roofs[name] = best_rate(walk, actions.size, seconds)
    return roofs


def operations() -> tuple[float, float, float]:
    """Per sample: operations forward, operations forward and backward, and tanh forward."""
    forward = backward = 0.0
    for outputs in (ACTIONS, 1):
        first, second, last = INPUTS * HIDDEN, HIDDEN * HIDDEN, HIDDEN * outputs
        forward += 2.0 * (first + second + last)
        backward += 2.0 * (first + 2 * second + 2 * last)  # inputs need no slope
    return forward, forward + backward, 4.0 * HIDDEN


def bound(flops: float, tanhs: float, environment_steps: float | None) -> float:
    """Steps per second if there were only products, tanh and the environment."""
    acting, learning, activations = operations()
    seconds = acting / flops + activations / tanhs
    seconds += CONFIG.epochs * (learning / flops + activations / tanhs)
    if environment_steps is not None:
        seconds += 1.0 / environment_steps
    return 1.0 / seconds


def image_bound(roofs: dict[str, Any], precision: str) -> float:
    """Samples per second of NatureCNN's forward and backward pass, were there only products."""
    forward, inputs_slope = 0.0, 0.0
    # Units out, and products for each: filters × kernel. The first needs no slope of its inputs.
    layers = ((32 * 20 * 20, 4 * 8 * 8), (64 * 9 * 9, 32 * 4 * 4), (64 * 7 * 7, 64 * 3 * 3),
              (512, 64 * 7 * 7), (7, 512))  # fmt: skip
    for position, (units, products) in enumerate(layers):
        forward += 2.0 * units * products
        inputs_slope += 2.0 * units * products if position else 0.0
    return float(roofs["convolutions"][precision] / (2.0 * forward + inputs_slope))


def loop_rate(kind: str, steps: int) -> float:
    """Whole-loop steps per second of the compiled back end, when it is left alone.

    Of all iterations' times the tenth percentile: the fastest few had fewer episodes to begin.
    """
    import back_ends  # beside the other contenders

    trainer = back_ends.make({
        "config": CONFIG.to_mapping(), "seed": 1, "schedule_steps": steps, "kind": kind,
    })  # fmt: skip
    seconds = []
    while not trainer.finished:
        started = time.perf_counter()
        trainer.iterate()
        seconds.append(time.perf_counter() - started)
    return CONFIG.batch_size / float(np.quantile(seconds, 0.1))


def measure(quick: bool, roofs_only: bool) -> dict[str, Any]:
    """Roofs and loops by turns; the best of each, for both are what the machine can do."""
    seconds, rounds, steps = (0.3, 3, 65_536) if quick else (0.5, 8, 131_072)
    best: dict[str, dict[str, float]] = {}

    def keep(group: str, found: dict[str, float]) -> None:
        known = best.setdefault(group, {})
        for name, rate in found.items():
            known[name] = max(rate, known.get(name, 0.0))

    for _ in range(rounds):
        keep("products", product_roofs(seconds))
        keep("tanh", tanh_roofs(seconds))
        keep("environments", environment_roofs(seconds))
        keep("convolutions", convolution_roofs(seconds))
        if not roofs_only:
            keep("loops", {
                "Python": loop_rate("compiled", steps),
                "compiled": loop_rate("compiled environment", steps),
            })  # fmt: skip
    flops, tanhs = max(best["products"].values()), max(best["tanh"].values())
    # A call from Python costs a compiled environment more than its steps; the loop has none.
    bounds = {
        "Python": bound(flops, tanhs, best["environments"]["Python"]),
        "compiled": bound(flops, tanhs, None),
    }
    shares = {name: rate / bounds[name] for name, rate in best.get("loops", {}).items()}
    return {**best, "bounds": bounds, "shares_of_bound": shares}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="under half a minute; coarser")
    parser.add_argument("--roofs", action="store_true", help="roofs and bounds; train nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    if not os.environ.items() >= ONE_THREAD.items():  # NumPy reads them once, when imported
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    torch.set_num_threads(1)
    sys.path.insert(0, str(Path(__file__).parent / "contenders"))
    load = os.getloadavg()[0]
    result = measure(options.quick, options.roofs)
    for group, unit, scale in (
        ("products", "GFLOP/s", 1e9), ("convolutions", "GFLOP/s", 1e9), ("tanh", "G/s", 1e9),
        ("environments", "steps/s", 1), ("loops", "steps/s", 1), ("bounds", "steps/s", 1),
        ("shares_of_bound", "%", 0.01),
    ):  # fmt: skip
        for name, value in result.get(group, {}).items():
            digits = 1 if scale > 1 else 0
            print(f"{group:<16}{name:<10}{value / scale:>12,.{digits}f} {unit}")
    if options.json:
        print(json.dumps({**result, "load_average_at_start": round(load, 2)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
