"""How fast language models could be trained on this machine, were there only matrix products.

The roof is the rate of torch's own matrix products, measured in float32 and bfloat16 with so many
threads, the best of many repetitions of several sizes. The work is counted from the models' shapes:
what the linear layers and the vocabulary multiply, and in attention each token with itself and
those before it, no more. From both follow the seconds that no program can do without. Norms, GELU,
softmax, drawing tokens, the optimizer and fetching from memory are left out.

    python benchmarks/language_bound.py [--threads 2] [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass

import torch
from referee import best_rate

BACKWARD = (
    2  # products of the backward pass for each of the forward: one for inputs, one for weights
)
SIZES = ((1024, 1024, 1024), (2048, 512, 2048), (3072, 128, 4096))
WORTHWHILE = 1.3  # times as fast as float32, for bfloat16 to count as what the processor can do


@dataclass(frozen=True)
class Shape:
    """Sizes of a GPT-2."""

    layers: int
    width: int
    heads: int
    vocabulary: int

    def trunk(self, rows: int, length: int) -> float:
        """Operations to read so many rows of so many tokens, all at once or one by one."""
        linear = 2.0 * 12 * self.width**2 * length  # queries, keys, values, output: 4; network: 8
        pairs = length * (length + 1) / 2
        attention = 2.0 * 2 * self.width * pairs  # queries with keys, weights with values
        return rows * self.layers * (linear + attention)

    def head(self, tokens: int) -> float:
        """Operations to give the logits of so many tokens."""
        return 2.0 * tokens * self.width * self.vocabulary


SHAPES = {"A": Shape(4, 128, 4, 4096), "B": Shape(6, 256, 8, 4096)}


@dataclass(frozen=True)
class PPOWork:
    """One update of PPO: responses written, scored and learnt from."""

    prompt: int = 16
    response: int = 32
    batch: int = 64
    epochs: int = 4
    minibatch: int = 16

    @property
    def tokens(self) -> int:
        """Tokens of all responses."""
        return self.batch * self.response

    def rollout(self, shape: Shape) -> float:
        """Operations to write the responses; nothing is read after their last token."""
        context = self.prompt + self.response - 1
        return shape.trunk(self.batch, context) + shape.head(self.tokens)

    def whole(self, shape: Shape, shared_trunk: bool) -> float:
        """Operations of the whole update: rollout, reference, values, reward, gradient steps."""
        context = self.prompt + self.response - 1
        reading = self.rollout(shape)  # the reference reads what was written: as many again
        values = 0.0 if shared_trunk else shape.trunk(self.batch, context)
        reward = shape.trunk(self.batch, context + 1)
        lengths = [self.response] * self.batch
        return 2 * reading + values + reward + self.learning(shape, lengths, shared_trunk)

    def learning(self, shape: Shape, lengths: list[int], shared_trunk: bool = False) -> float:
        """Operations of the gradient steps on responses of these lengths."""
        trunks = 1 if shared_trunk else 2
        trunk = sum(shape.trunk(trunks, self.prompt + length - 1) for length in lengths)
        return self.epochs * (1 + BACKWARD) * (trunk + shape.head(sum(lengths)))


def sft_work(shape: Shape, rows: int, length: int) -> float:
    """Operations of a gradient step on so many texts; their last token is not read."""
    read = length - 1
    return (1 + BACKWARD) * (shape.trunk(rows, read) + shape.head(rows * read))


def reward_work(shape: Shape, pairs: int, length: int) -> float:
    """Operations of a reward model's gradient step on so many pairs of texts."""
    return (1 + BACKWARD) * shape.trunk(2 * pairs, length)


def roofs(threads: int, seconds: float) -> dict[str, float]:
    """Operations per second of matrix products with so many threads, by precision."""
    torch.set_num_threads(threads)
    found = {}
    for name in ("float32", "bfloat16"):
        best = 0.0
        for rows, inner, columns in SIZES:
            a = torch.ones(rows, inner, dtype=getattr(torch, name))
            b = torch.ones(inner, columns, dtype=getattr(torch, name))

            def multiply(a: torch.Tensor = a, b: torch.Tensor = b) -> torch.Tensor:
                return a @ b

            best = max(best, best_rate(multiply, 2.0 * rows * inner * columns, seconds))
        found[name] = best
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of the products")
    parser.add_argument("--quick", action="store_true", help="a few seconds; coarser")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    with torch.inference_mode():
        found = roofs(options.threads, 0.3 if options.quick else 1.0)
    native = found["bfloat16"] > WORTHWHILE * found["float32"]
    for name, rate in found.items():
        print(f"{name:<10}{rate / 1e9:>8,.0f} GFLOP/s with {options.threads} threads")
    print(f"The processor {'multiplies' if native else 'only emulates'} bfloat16.")
    work = PPOWork()
    for name, shape in SHAPES.items():
        for shared in (False, True):
            trunk = "shared trunk" if shared else "separate critic"
            for precision, rate in found.items():
                seconds = work.whole(shape, shared) / rate
                print(f"PPO update, {name}, {trunk:<16}{precision:<10}{seconds:>7.3f} s at least")
    if options.json:
        print(json.dumps({**found, "threads": options.threads, "multiplies_bfloat16": native}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
