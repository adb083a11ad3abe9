"""How fast PPO trains CartPole-v1: PPO Lab against Stable-Baselines3, side by side in one run.

Both get the settings of the preset "cartpole", one torch thread and the same seeds, take turns
seed by seed, and live in a process each, so that neither import nor start is counted; each warms
up first. Measured are environment steps per second of the whole loop (acting and learning), and
seconds until the mean return of the last 100 training episodes reaches 475.

    python benchmarks/ppo_cartpole.py            three to four minutes
    python benchmarks/ppo_cartpole.py --quick    under a minute
    python benchmarks/ppo_cartpole.py --json     one JSON object on the last line

Stable-Baselines3 lives in a virtual environment of its own: `make bench-env` makes it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from ppolab.control.presets import load_preset

HERE = Path(__file__).parent
PEER_PYTHON = HERE.parent / ".venv-bench" / "bin" / "python"
SEEDS = (1, 2, 3)
WARM_UP_STEPS = 1024
QUICK_STEPS = 4096
QUICK_RACE_SEED = 2  # both need about 52,500 steps to 475 with it, the fewest of the three
QUICK_MOST_SECONDS = 18.0  # of that race, so that a busy machine cannot stretch a quick run

Answer = dict[str, Any]


@dataclass
class Contender:
    """A long-lived process that trains when it is told to."""

    name: str
    process: subprocess.Popen[str]
    versions: dict[str, str]
    rates: list[Answer] = field(default_factory=list)  # trainings timed for steps per second
    races: list[Answer] = field(default_factory=list)  # trainings timed to 475

    @classmethod
    def start(cls, name: str, python: Path, script: str) -> Contender:
        """Bring the process up and wait until it has imported everything."""
        process = subprocess.Popen(
            [python, HERE / "contenders" / script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return cls(name, process, cls._read(name, process)["versions"])

    def train(self, **job: Any) -> Answer:
        """Have it train once."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return self._read(self.name, self.process)

    def end(self) -> None:
        """Let the process go."""
        self.process.kill()
        self.process.wait()

    @staticmethod
    def _read(name: str, process: subprocess.Popen[str]) -> Answer:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"{name} ended without an answer; what it said is above")
        answer: Answer = json.loads(line)
        return answer


def compete(contenders: list[Contender], quick: bool) -> None:
    """Train by turns, seed by seed; results are kept with each contender."""
    # What `ppolab train CartPole-v1` does; the preset itself asks for the lessons' back end.
    config = dataclasses.replace(load_preset("cartpole").config, backend="auto")
    whole = config.planned_steps
    job = {"config": config.to_mapping(), "schedule_steps": whole}
    endless = {"stop_when_solved": False, "most_seconds": 1e9}
    for contender in contenders:
        contender.train(**job, **endless, seed=99, steps=WARM_UP_STEPS)
    for turn, seed in enumerate(SEEDS):
        for contender in contenders[:: 1 if turn % 2 == 0 else -1]:
            steps = QUICK_STEPS if quick else whole
            answer = contender.train(**job, **endless, seed=seed, steps=steps)
            contender.rates.append({"seed": seed, **answer})
            print(f"  {contender.name:<18} {_words(answer)}", file=sys.stderr)
    for contender in contenders:
        if not quick:
            contender.races = contender.rates  # a whole training passes 475 on its way
            continue
        brief = {"stop_when_solved": True, "most_seconds": QUICK_MOST_SECONDS}
        answer = contender.train(**job, **brief, seed=QUICK_RACE_SEED, steps=whole)
        contender.races.append({"seed": QUICK_RACE_SEED, **answer})
        print(f"  {contender.name:<18} {_words(answer)}", file=sys.stderr)


def summarize(ours: Contender, peer: Contender, quick: bool, load: float) -> Answer:
    """Medians, and medians of the ratios of each seed's pair, which ran one after the other."""
    rates = [_rate(a) / _rate(b) for a, b in zip(ours.rates, peer.rates, strict=True)]
    races = [
        b["seconds_to_475"] / a["seconds_to_475"]
        for a, b in zip(ours.races, peer.races, strict=True)
        if a["seconds_to_475"] is not None and b["seconds_to_475"] is not None
    ]
    return {
        "ratio_vs_sb3": round(median(rates), 2),
        "ratio_vs_sb3_seconds_to_475": round(median(races), 2) if races else None,
        "ratios_of_each_seed": [round(rate, 2) for rate in rates],
        "contenders": {
            contender.name: {
                "steps_per_second": round(median(map(_rate, contender.rates))),
                "seconds_to_475": _median_of(contender.races, "seconds_to_475"),
                "steps_to_475": _median_of(contender.races, "steps_to_475"),
                "reached_475": sum(a["seconds_to_475"] is not None for a in contender.races),
                "raced_to_475": len(contender.races),
                "versions": contender.versions,
                "rates": contender.rates,
                "races": contender.races,
            }
            for contender in (ours, peer)
        },
        "seeds": list(SEEDS),
        "quick": quick,
        "preset": "cartpole",
        "backend": "compiled",
        "threads": 1,
        "python": platform.python_version(),
        "machine": f"{processor()}, {os.cpu_count()} cores, {platform.system()}",
        "load_average_at_start": round(load, 2),
    }


def print_table(result: Answer) -> None:
    """For people."""
    print(f"\n{result['machine']}, load {result['load_average_at_start']} at the start")
    print(f"{'':<20}{'steps/s':>10}{'s to 475':>12}{'steps to 475':>15}{'reached':>10}")
    for name, row in result["contenders"].items():
        seconds = "–" if row["seconds_to_475"] is None else f"{row['seconds_to_475']:.1f}"
        steps = "–" if row["steps_to_475"] is None else f"{row['steps_to_475']:,.0f}"
        reached = f"{row['reached_475']}/{row['raced_to_475']}"
        print(f"{name:<20}{row['steps_per_second']:>10,}{seconds:>12}{steps:>15}{reached:>10}")
    to_475 = result["ratio_vs_sb3_seconds_to_475"]
    also = "" if to_475 is None else f", {to_475}× as soon at 475"
    print(f"PPO Lab takes {result['ratio_vs_sb3']}× as many steps a second{also}.")


def _rate(answer: Answer) -> float:
    return float(answer["steps"] / answer["seconds"])


def _median_of(answers: list[Answer], key: str) -> float | None:
    numbers = [answer[key] for answer in answers if answer[key] is not None]
    return round(median(numbers), 2) if numbers else None


def _words(answer: Answer) -> str:
    solved = answer["seconds_to_475"]
    reached = "475 not reached" if solved is None else f"475 after {solved:.1f} s"
    return f"{answer['steps']:>8,} steps in {answer['seconds']:6.1f} s, {reached}"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def read_options(description: str | None) -> argparse.Namespace | None:
    """What the command line asks for; None, after saying so, where the peer is missing."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="under a minute; coarser")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    if PEER_PYTHON.exists():
        return options
    words = f"{PEER_PYTHON} is missing, where Stable-Baselines3 lives. Run: make bench-env"
    print(words, file=sys.stderr)
    if options.json:
        print(json.dumps({"error": words}))
    return None


def main() -> int:
    """Run the benchmark."""
    options = read_options(__doc__)
    if options is None:
        return 2
    load = os.getloadavg()[0]
    contenders: list[Contender] = []
    try:
        contenders.append(Contender.start("PPO Lab", Path(sys.executable), "ours.py"))
        contenders.append(Contender.start("Stable-Baselines3", PEER_PYTHON, "sb3.py"))
        compete(contenders, options.quick)
    finally:
        for contender in contenders:
            contender.end()
    result = summarize(contenders[0], contenders[1], options.quick, load)
    print_table(result)
    if options.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
