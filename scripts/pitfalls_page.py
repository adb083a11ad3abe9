"""Put what pitfalls came to into docs/pitfalls.json and the table of docs/pitfalls.md.

Alerts are those that today's monitors raise on the numbers that the runs recorded.

usage: .venv/bin/python scripts/pitfalls_page.py NAME=RUN[,RUN] …    read runs, write both
       .venv/bin/python scripts/pitfalls_page.py                    write the table again

NAME is a pitfall's, or "sound", or "sound, seed 2". RUN is the folder of a finished run of
reinforcement; before it, where the mistake is made there, that of its reward model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ppolab.runs import RunFolder
from ppolab.runs.kinds import run_kind
from ppolab.runs.monitors import alerts_of, rows_of

DOCS = Path(__file__).resolve().parent.parent / "docs"
DATA, PAGE = DOCS / "pitfalls.json", DOCS / "pitfalls.md"
HEAD = (
    "| | alerts, with the step of the first | updates | gold | reward | KL | distinct-2 |\n"
    "|---|---|---|---|---|---|---|\n"
)
MEASURED = ("eval_gold", "eval_reward", "eval_kl", "eval_distinct_2")


def row(name: str, folders: list[RunFolder]) -> dict[str, Any]:
    """What the runs of one pitfall came to."""
    policy = folders[-1]
    columns = policy.fold().columns
    if policy.status().state != "finished" or policy.manifest.kind != "rlhf":
        raise SystemExit(f"{policy.path} is no finished run of reinforcement")
    return {
        "name": name,
        "updates": policy.manifest.total_steps,
        "seed": policy.manifest.seed,
        "alerts": [
            {"stage": folder.manifest.kind, "kind": kind, "step": step}
            for folder in folders
            for kind, step in first_alerts(folder)
        ],
        "before": {key: columns[key].values[0] for key in MEASURED},
        "after": {key: columns[key].values[-1] for key in MEASURED},
    }


def first_alerts(folder: RunFolder) -> list[tuple[str, int]]:
    """Each kind of alert with the step at which it first came, in order."""
    manifest = folder.manifest
    monitors = run_kind(manifest.kind).monitors(manifest.config)
    found: dict[str, int] = {}
    for alert in alerts_of(monitors, rows_of(folder.fold().columns)):
        found.setdefault(alert.kind, alert.step)
    return list(found.items())


def table(rows: list[dict[str, Any]]) -> str:
    """The page's table."""
    return HEAD + "".join(_line(row) for row in rows)


def _line(row: dict[str, Any]) -> str:
    before, after = row["before"], row["after"]
    alerts = "; ".join(
        f"{alert['kind']} ({'reward model, ' if alert['stage'] == 'reward-model' else ''}"
        f"{alert['step']})"
        for alert in row["alerts"]
    )
    cells = (
        row["name"], alerts or "none", str(row["updates"]),
        f"{before['eval_gold']:.2f} → {after['eval_gold']:.2f}",
        f"{before['eval_reward']:.2f} → {after['eval_reward']:.2f}",
        f"{after['eval_kl']:.1f}",
        f"{before['eval_distinct_2']:.2f} → {after['eval_distinct_2']:.2f}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def main(arguments: list[str]) -> None:
    """Read the runs that are named, write data and table."""
    if arguments:
        named = [argument.split("=", 1) for argument in arguments]
        rows = [row(name, [RunFolder(Path(p)) for p in paths.split(",")]) for name, paths in named]
        DATA.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
    rows = json.loads(DATA.read_text("utf-8"))
    before, _, rest = PAGE.read_text("utf-8").partition(HEAD)
    lines = rest.splitlines(keepends=True)
    after = next((place for place, line in enumerate(lines) if not line.startswith("|")), 0)
    PAGE.write_text(before + table(rows) + "".join(lines[after:]), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
