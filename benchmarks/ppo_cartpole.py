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

import dataclasses
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import referee
from referee import Answer

from ppolab.control.presets import load_preset

SEEDS = (1, 2, 3)
WARM_UP_STEPS = 1024
QUICK_STEPS = 4096
QUICK_RACE_SEED = 2  # both need about 52,500 steps to 475 with it, the fewest of the three
QUICK_MOST_SECONDS = 18.0  # of that race, so that a busy machine cannot stretch a quick run


@dataclass
class Racer(referee.Contender):
    """A contender and its trainings."""

    rates: list[Answer] = field(default_factory=list)  # trainings timed for steps per second
    races: list[Answer] = field(default_factory=list)  # trainings timed to 475


def compete(contenders: list[Racer], quick: bool) -> None:
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


def summarize(ours: Racer, peer: Racer, quick: bool, load: float) -> Answer:
    """Medians, and medians of the ratios of each seed's pair, which ran one after the other."""
    rates = referee.ratios(ours.rates, peer.rates)
    on_processor = referee.ratios(ours.rates, peer.rates, referee.rate_on_processor)
    races = [
        b["seconds_to_475"] / a["seconds_to_475"]
        for a, b in zip(ours.races, peer.races, strict=True)
        if a["seconds_to_475"] is not None and b["seconds_to_475"] is not None
    ]
    return {
        "ratio_vs_sb3": round(median(rates), 2),
        "ratio_vs_sb3_seconds_to_475": round(median(races), 2) if races else None,
        "ratio_vs_sb3_of_processor_time": round(median(on_processor), 2),
        "ratios_of_each_seed": [round(rate, 2) for rate in rates],
        "contenders": {
            contender.name: {
                "steps_per_second": round(median(map(referee.rate, contender.rates))),
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
        "preset": "cartpole",
        "backend": "compiled",
        "threads": 1,
        **referee.circumstances(quick, load, ours.versions | peer.versions),
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


def _median_of(answers: list[Answer], key: str) -> float | None:
    numbers = [answer[key] for answer in answers if answer[key] is not None]
    return round(median(numbers), 2) if numbers else None


def _words(answer: Answer) -> str:
    solved = answer["seconds_to_475"]
    reached = "475 not reached" if solved is None else f"475 after {solved:.1f} s"
    return f"{answer['count']:>8,} steps in {answer['seconds']:6.1f} s, {reached}"


def main() -> int:
    """Run the benchmark."""
    options = referee.read_options(__doc__)
    if options is None:
        return 2
    load = os.getloadavg()[0]
    contenders: list[Racer] = []
    try:
        contenders.append(Racer.start("PPO Lab", Path(sys.executable), "ours.py"))
        contenders.append(Racer.start("Stable-Baselines3", referee.PEER_PYTHON, "sb3.py"))
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
