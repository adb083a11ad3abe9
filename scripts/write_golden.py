"""Write the values that tie the page's arithmetic to the engine's.

usage: .venv/bin/python scripts/write_golden.py [--check]

Each file below tests/golden is computed here by the engine's own functions and read by the page's
tests. With --check nothing is written; the script fails when a file is out of date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from ppolab.algorithms.policy_losses import clipped_policy_loss

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
RATIOS = (0.25, 0.55, 0.75, 0.85, 0.95, 1.0, 1.05, 1.15, 1.25, 1.35, 2.5)
ADVANTAGES = (-2.0, -1.0, 0.0, 0.5, 1.0)
CLIP_RANGES = (0.1, 0.2, 0.3)


def clip_cases() -> list[dict[str, float | bool]]:
    """The clipped objective of single samples and its slope in the ratio.

    No ratio lies on an end of the range, where the slope is not defined.
    """
    cases: list[dict[str, float | bool]] = []
    for ratio in RATIOS:
        for advantage in ADVANTAGES:
            for clip_range in CLIP_RANGES:
                value = torch.tensor([ratio], dtype=torch.float64, requires_grad=True)
                loss = clipped_policy_loss(
                    value.log(),
                    torch.zeros(1, dtype=torch.float64),
                    torch.tensor([advantage], dtype=torch.float64),
                    clip_range,
                ).loss
                (slope,) = torch.autograd.grad(loss, value)
                gradient = -float(slope)
                cases.append(
                    {
                        "ratio": ratio,
                        "advantage": advantage,
                        "clip_range": clip_range,
                        "objective": round(-float(loss.detach()), 12) + 0.0,
                        "gradient": round(gradient, 12) + 0.0,
                        "clipped": advantage != 0 and gradient == 0,
                    }
                )
    return cases


def main() -> int:
    """Write or check every file."""
    files = {"clip.json": clip_cases()}
    stale = []
    for name, cases in files.items():
        text = "[\n" + ",\n".join(f"  {json.dumps(case)}" for case in cases) + "\n]\n"
        path = GOLDEN / name
        if "--check" in sys.argv:
            if not path.exists() or path.read_text("utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, "utf-8")
    if stale:
        print(f"out of date: {', '.join(stale)}. Run scripts/write_golden.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
