"""One run of a language benchmark that takes A and B in turn: its options, roofs and last words."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import referee
from language_bound import SHAPES

Plan = dict[str, tuple[int, int]]  # by model, rounds and the amount of work in each


@dataclass(frozen=True)
class Run:
    """What the command line asked for, and what the machine can do."""

    options: argparse.Namespace
    plan: Plan
    load: float
    roofs: referee.Answer

    @classmethod
    def begin(
        cls, description: str | None, full: Plan, quick: Plan, trl: bool = True
    ) -> Run | None:
        """Read the options and measure the roofs; None, after saying so, where TRL is missing.

        Args:
            description: the script's docstring.
            full: what to do.
            quick: the same where that is asked for.
            trl: whether TRL is needed.
        """
        needed: Path | None = referee.TRL_INSTALLED if trl else None
        options = referee.read_options(description, needed, "TRL", _add_options)
        if options is None:
            return None
        plan = quick if options.quick else full
        if options.only:
            plan = {options.only: plan[options.only]}
        load = os.getloadavg()[0]
        roofs = referee.measure_roofs("language_bound.py", "--threads", str(options.threads))
        return cls(options, plan, load, roofs)

    @property
    def threads(self) -> int:
        """Threads of each side."""
        return int(self.options.threads)

    @property
    def dtypes(self) -> list[str]:
        """What the processor multiplies."""
        return ["float32"] + ["bfloat16"] * self.roofs["multiplies_bfloat16"]

    def end(self, versions: Mapping[str, str], **result: object) -> None:
        """Say where it was measured, and all of it as JSON if that is asked for."""
        around = referee.circumstances(self.options.quick, self.load, versions)
        many = f"{self.threads} thread{'s' if self.threads > 1 else ''} each"
        print(f"\n{around['machine']}, load {self.load:.1f} at the start, {many}")
        if "bfloat16" not in self.dtypes:
            print("The processor only emulates bfloat16; its rows are left out.")
        if self.options.json:
            print(json.dumps({**result, "roofs": self.roofs, "threads": self.threads, **around}))


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=sorted(SHAPES), help="one model alone")
    words = "threads of each side; 1 disturbs less and is disturbed less on a busy machine"
    parser.add_argument("--threads", type=int, default=2, help=words)
