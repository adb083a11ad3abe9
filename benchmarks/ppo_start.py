"""How long it takes from the command to the first update, beside Stable-Baselines3, by turns.

Ours is `ppolab train CartPole-v1` as a person types it: a new process, imports, the run's folder,
the machine code, one rollout, one update; over when the log holds that update's metrics. Theirs is
a new process with the imports, the same rollout and the same update. Once with an empty folder of
machine code, where everything is compiled first, then by turns with a full one; the medians over
the rounds are reported, and the median of each round's ratio. Nearly all of it is imports on one
processor, so the processor's time is told as well: on a busy machine only that means anything.

    python benchmarks/ppo_start.py            two minutes
    python benchmarks/ppo_start.py --quick    under a minute; does not compile
    python benchmarks/ppo_start.py --json     one JSON object on the last line

Stable-Baselines3 lives in a virtual environment of its own: `make bench-env` makes it. Without it
ours is measured alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from ppolab.control.presets import load_preset

HERE = Path(__file__).parent
PEER_PYTHON = HERE.parent / ".venv-bench" / "bin" / "python"
PATIENCE = 600.0  # seconds
Measured = tuple[float, float]  # seconds by the clock, and of processor time


def ours(machine_code: Path | None, seed: int) -> Measured:
    """Start the command and wait for the first update in its run's log; then end it."""
    environment = dict(os.environ)
    if machine_code is not None:
        environment["NUMBA_CACHE_DIR"] = str(machine_code)
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "ppolab", "train", "CartPole-v1", "--seed", str(seed),
                   "--home", home]  # fmt: skip
        before, started = _processor_time(), time.perf_counter()
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            while not _updated(Path(home)):
                if process.poll() is not None:
                    assert process.stderr is not None
                    raise SystemExit(f"it ended early: {process.stderr.read().decode()}")
                if time.perf_counter() - started > PATIENCE:
                    raise SystemExit("no update in ten minutes")
                time.sleep(0.002)
            seconds = time.perf_counter() - started
            process.kill()
        return seconds, _processor_time() - before


def peer(seed: int) -> Measured:
    """Start theirs and wait until it says that the first update is done."""
    config = load_preset("cartpole").config
    numbers = (config.environments, config.rollout_steps, config.epochs, config.minibatch_size)
    command = [PEER_PYTHON, HERE / "contenders" / "start_sb3.py", *map(str, (*numbers, seed))]
    before, started = _processor_time(), time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "updated":
            raise SystemExit("Stable-Baselines3 ended without an update; what it said is above")
        seconds = time.perf_counter() - started
    return seconds, _processor_time() - before


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three rounds, nothing compiled")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    load, has_peer = os.getloadavg()[0], PEER_PYTHON.exists()
    if not has_peer:
        print("Stable-Baselines3 is not here; `make bench-env` brings it.", file=sys.stderr)
    cold: float | None = None
    warm: list[Measured] = []
    theirs: list[Measured] = []
    with tempfile.TemporaryDirectory() as folder:
        machine_code = None if options.quick else Path(folder)
        if machine_code is not None:
            cold = ours(machine_code, 0)[0]
            print(f"  nothing compiled yet: {cold:.2f} s", file=sys.stderr)
        ours(machine_code, 0)  # what the system reads from disk for the first time is not counted
        for turn in range(3 if options.quick else 7):
            sides = (warm, theirs) if turn % 2 == 0 else (theirs, warm)
            for side in sides:
                if side is warm:
                    warm.append(ours(machine_code, turn + 1))
                elif has_peer:
                    theirs.append(peer(turn + 1))
            print(f"  round {turn + 1}: {_words(warm)}; {_words(theirs)}", file=sys.stderr)
    result = {
        "seconds_to_first_update": round(median(s for s, _ in warm), 2),
        "processor_seconds_to_first_update": round(median(p for _, p in warm), 2),
        "seconds_to_first_update_cold": None if cold is None else round(cold, 2),
        "sb3_seconds_to_first_update": round(median(s for s, _ in theirs), 2) if theirs else None,
        "ratio_vs_sb3": round(median(b[0] / a[0] for a, b in zip(warm, theirs, strict=True)), 2)
        if theirs else None,
        "ratio_vs_sb3_processor":
            round(median(b[1] / a[1] for a, b in zip(warm, theirs, strict=True)), 2)
            if theirs else None,
        "rounds": {"ours": warm, "sb3": theirs}, "quick": options.quick,
        "machine": f"{os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(), "load_average_at_start": round(load, 2),
    }  # fmt: skip
    print(f"\nload {load:.1f} at the start; seconds to the first update, median")
    for name in ("seconds_to_first_update", "processor_seconds_to_first_update",
                 "seconds_to_first_update_cold", "sb3_seconds_to_first_update",
                 "ratio_vs_sb3", "ratio_vs_sb3_processor"):  # fmt: skip
        print(f"  {name:<36}{result[name] if result[name] is not None else 'not measured':>14}")
    if options.json:
        print(json.dumps(result))
    return 0


def _updated(home: Path) -> bool:
    return any(b'"type":"metrics"' in log.read_bytes() for log in home.glob("runs/*/events.jsonl"))


def _processor_time() -> float:
    """Seconds of processor time that all processes started and ended here have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _words(measured: list[Measured]) -> str:
    return f"{measured[-1][0]:.2f} s ({measured[-1][1]:.2f} s of processor)" if measured else "–"


if __name__ == "__main__":
    sys.exit(main())
