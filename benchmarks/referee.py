"""What the benchmarks share: contenders in processes of their own that take turns, and the report.

A contender is a script of the folder "contenders". It lives in a process of its own, possibly with
another environment's interpreter, so that neither its imports nor its start are counted, and does
the jobs it is sent one at a time while the others wait.

Ratios are medians over the rounds of each round's own ratio, whose two sides ran one right after
the other: what else the machine is doing then slows both.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Self

HERE = Path(__file__).parent
OUR_PYTHON = Path(sys.executable)
PEER_ENVIRONMENT = HERE.parent / ".venv-bench"
PEER_PYTHON = PEER_ENVIRONMENT / "bin" / "python"
TRL_ENVIRONMENT = HERE.parent / ".venv-bench-trl"
TRL_PYTHON = TRL_ENVIRONMENT / "bin" / "python"
TRL_INSTALLED = TRL_ENVIRONMENT / "trl-1.16.0-and-1.12.0"  # put there by make bench-env

Answer = dict[str, Any]


@dataclass
class Contender:
    """A long-lived process that trains when it is told to."""

    name: str
    process: subprocess.Popen[str]
    versions: dict[str, str]

    @classmethod
    def start(cls, name: str, python: Path, script: str) -> Self:
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


def ours(stack: ExitStack, script: str) -> Contender:
    """A contender of ours, ended with the stack."""
    return _started(stack, "PPO Lab", OUR_PYTHON, script)


def peer(stack: ExitStack, name: str, script: str) -> Contender:
    """A contender of the peers' environment, ended with the stack."""
    return _started(stack, name, PEER_PYTHON, script)


def _started(stack: ExitStack, name: str, python: Path, script: str) -> Contender:
    contender = Contender.start(name, python, script)
    stack.callback(contender.end)
    return contender


def by_turns(
    runs: Mapping[str, Callable[[int], Answer]], rounds: int, unit: str = "steps/s"
) -> dict[str, list[Answer]]:
    """Answers of each run in each round; a round before the first warms up and is not kept.

    Args:
        runs: by name, what takes a seed, trains and returns the contender's answer.
        rounds: to keep; the order is reversed from one to the next.
        unit: of the rates.
    """
    answers: dict[str, list[Answer]] = {name: [] for name in runs}
    for turn in range(-1, rounds):
        for name in list(runs)[:: 1 if turn % 2 == 0 else -1]:
            answer = runs[name](turn + 2)
            if turn >= 0:
                answers[name].append(answer)
                words = f"{name:<36} {rate(answer):>12,.0f} {unit}"
                print(f"  round {turn + 1}: {words}", file=sys.stderr)
    return answers


def race(
    contenders: Mapping[str, tuple[Path, str]],
    job: Callable[[str, int], Answer],
    rounds: int,
    unit: str,
) -> tuple[dict[str, list[Answer]], dict[str, str]]:
    """A process for each contender, and all of them by turns: answers, and everybody's versions.

    Args:
        contenders: by name, the interpreter and the script.
        job: takes a name and a seed; what that contender is to do.
        rounds: to keep.
        unit: of the rates.
    """
    versions: dict[str, str] = {}
    with ExitStack() as stack:
        runs: dict[str, Callable[[int], Answer]] = {}
        for name, (python, script) in contenders.items():
            started = _started(stack, name, python, script)
            versions |= started.versions

            def run(seed: int, started: Contender = started, name: str = name) -> Answer:
                return started.train(**job(name, seed))

            runs[name] = run
        return by_turns(runs, rounds, unit), versions


def rate(answer: Answer) -> float:
    """Steps, or samples, per second."""
    return float(answer["count"] / answer["seconds"])


def rate_on_processor(answer: Answer) -> float:
    """The same per second of the processor, summed over threads."""
    return float(answer["count"] / answer["processor_seconds"])


def ratios(
    own: list[Answer], other: list[Answer], measure: Callable[[Answer], float] = rate
) -> list[float]:
    """Each round's ratio."""
    return [measure(a) / measure(b) for a, b in zip(own, other, strict=True)]


def rows_of(
    answers: Mapping[str, list[Answer]], base: str, bounds: Mapping[str, float] | None = None
) -> dict[str, Answer]:
    """For each run its median rate, its ratios to the run `base`, and its share of a bound."""
    rows: dict[str, Answer] = {}
    for name, own in answers.items():
        middle, each = median(map(rate, own)), ratios(own, answers[base])
        on_processor = ratios(own, answers[base], rate_on_processor)
        known = bounds is not None and name in bounds
        rows[name] = {
            "rate": round(middle),
            "rates": [round(rate(answer)) for answer in own],
            "ratio": round(median(each), 2),
            "ratios": [round(r, 2) for r in each],
            "ratio_of_processor_time": round(median(on_processor), 2),
            "share_of_bound": round(middle / bounds[name], 3) if bounds and known else None,
        }
    return rows


def print_rows(rows: Mapping[str, Answer], base: str, unit: str) -> None:
    """For people."""
    print(f"{'':<38}{unit:>12}{'× ' + base:>24}{'by CPU time':>13}{'of the bound':>14}")
    for name, row in rows.items():
        share = row["share_of_bound"]
        shown = "–" if share is None else f"{share:.0%}"
        on_processor = f"{row['ratio_of_processor_time']:.2f}"
        print(f"{name:<38}{row['rate']:>12,}{row['ratio']:>24.2f}{on_processor:>13}{shown:>14}")


def best_rate(work: Callable[[], object], amount: float, seconds: float) -> float:
    """The best of many repetitions: what the machine can do when it is left alone."""
    work()
    fastest, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - started)
    return amount / fastest


def measure_roofs(script: str = "bound.py", *arguments: str) -> Answer:
    """This machine's roofs, of one core if not said otherwise, by a script in its own process."""
    command = [sys.executable, HERE / script, *(arguments or ("--roofs", "--quick")), "--json"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: Answer = json.loads(told.stdout.splitlines()[-1])
    return answer


def circumstances(quick: bool, load: float, versions: Mapping[str, str]) -> Answer:
    """Where, when and with what it was measured."""
    return {
        "quick": quick,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{processor()}, {os.cpu_count()} cores, {platform.system()}",
        "load_average_at_start": round(load, 2),
        "load_average_at_end": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": dict(versions),
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def read_options(
    description: str | None,
    needed: Path | None = PEER_PYTHON,
    peers: str = "Stable-Baselines3",
    add: Callable[[argparse.ArgumentParser], object] = lambda parser: None,
) -> argparse.Namespace | None:
    """What the command line asks for; None, after saying so, where the peer is missing.

    Args:
        description: the script's docstring.
        needed: a file that is there when the peer is installed; None: nothing is needed.
        peers: what is missing without it.
        add: given the parser, adds the script's own options.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="under a minute; coarser")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    add(parser)
    options = parser.parse_args()
    if needed is None or needed.exists():
        return options
    words = f"{needed} is missing, where {peers} lives. Run: make bench-env"
    print(words, file=sys.stderr)
    if options.json:
        print(json.dumps({"error": words}))
    return None
