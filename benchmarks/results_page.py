"""The tables and curves of docs/results.md out of docs/results.json, where `results.py` keeps them.

.venv/bin/python benchmarks/results_page.py            puts the tables in docs/results.md and
                                                       draws docs/images/results.svg
.venv/bin/python benchmarks/results_page.py --check    changes nothing; fails if they differ
"""

from __future__ import annotations

import argparse
import json
import sys
from html import escape
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from published import REFERENCES, Published, interval, verdict

DOCS = Path(__file__).parents[1] / "docs"
DATA, PAGE, FIGURE = DOCS / "results.json", DOCS / "results.md", DOCS / "images" / "results.svg"

Rows = list[dict[str, Any]]
Tasks = dict[str, Rows]


def comparison(tasks: Tasks) -> str:
    """One line per published number."""
    lines = [
        "| task | steps | measured in | each seed | mean, 95 % interval | published | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, references in REFERENCES.items():
        rows = tasks.get(name, [])
        for theirs in references if rows else ():
            values = [row[theirs.measure] for row in rows]
            lines.append(
                f"| `{name}` | {rows[0]['steps']:,} | {theirs.measure} "
                f"| {', '.join(number(value) for value in values)} | {with_interval(values)} "
                f"| {reference(theirs)} | **{verdict(values, theirs)}** |"
            )
    return "\n".join(lines)


def trainings(tasks: Tasks) -> str:
    """Both ways of measuring, and what a training took."""
    lines = [
        "| task | seeds | training | evaluation | seconds per training | back end |",
        "|---|---|---|---|---|---|",
    ]
    for name in REFERENCES:
        rows = tasks.get(name, [])
        if rows:
            seconds = [row["seconds"] for row in rows]
            lines.append(
                f"| `{name}` | {len(rows)} | {with_deviation([r['training'] for r in rows])} "
                f"| {with_deviation([r['evaluation'] for r in rows])} "
                f"| {min(seconds):.0f} to {max(seconds):.0f} "
                f"| {', '.join(sorted({row['back_end'] for row in rows}))} |"
            )
    return "\n".join(lines)


def number(value: float, decimals: int = 1) -> str:
    return f"{value:,.{decimals}f}".replace("-", "−")


def with_interval(values: list[float]) -> str:
    between = interval(values)
    if between is None:
        return number(mean(values))
    return f"{number(mean(values))} [{number(between[0])}, {number(between[1])}]"


def with_deviation(values: list[float]) -> str:
    return number(mean(values)) + (f" ± {number(stdev(values))}" if len(values) > 1 else "")


def reference(theirs: Published) -> str:
    spread = "" if theirs.spread is None else f" ± {number(theirs.spread)}"
    return f"{number(theirs.mean)}{spread} ({theirs.source})"


# The figure: a panel per task, four in a row.
WIDTH, HEIGHT, COLUMNS = 230, 170, 4
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 26, 26
COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito (2008)


def figure(tasks: Tasks) -> str:
    """The mean return of the last 100 training episodes as training goes, a line per seed."""
    names = [name for name in REFERENCES if tasks.get(name)]
    rows = -(-len(names) // COLUMNS)
    panels = "\n".join(
        f'<g transform="translate({i % COLUMNS * WIDTH},{i // COLUMNS * HEIGHT})">\n'
        f"{panel(name, tasks[name])}\n</g>"
        for i, name in enumerate(names)
    )
    width, height = COLUMNS * WIDTH, rows * HEIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="10" role="img">\n'
        "<title>Mean return of the last 100 training episodes over environment steps, a line per "
        "seed; dashed: published</title>\n"
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n{panels}\n</svg>\n'
    )


def panel(name: str, rows: Rows) -> str:
    seen = [value for row in rows for _, value in row["curve"] if value is not None]
    room = (max(seen) - min(seen)) / 4
    # One that lies far beyond would press the curves flat.
    theirs = [t for t in REFERENCES[name] if min(seen) - room <= t.mean <= max(seen) + room]
    low, high = (choose(*seen, *(t.mean for t in theirs)) for choose in (min, max))
    last = max(row["steps"] for row in rows)

    def x(step: float) -> float:
        return LEFT + step / last * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<text x="{LEFT}" y="16" font-weight="bold">{escape(name)}</text>',
        f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#777"/>',
        f'<text x="{LEFT - 4}" y="{TOP + 8}" text-anchor="end">{number(high, 0)}</text>',
        f'<text x="{LEFT - 4}" y="{HEIGHT - BOTTOM}" text-anchor="end">{number(low, 0)}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 12}" text-anchor="end">{last:,} steps</text>',
    ]
    for reference_ in theirs:
        at = f"{y(reference_.mean):.1f}"
        parts.append(
            f'<path d="M{LEFT} {at}H{WIDTH - RIGHT}" stroke="#444" stroke-dasharray="4 3">'
            f"<title>{escape(reference(reference_))}</title></path>"
        )
    for i, row in enumerate(rows):
        points = [f"{x(s):.1f},{y(v):.1f}" for s, v in row["curve"] if v is not None]
        parts.append(
            f'<polyline points="{" ".join(points)}" fill="none" '
            f'stroke="{COLOURS[i % len(COLOURS)]}" stroke-width="1.3">'
            f"<title>seed {row['seed']}</title></polyline>"
        )
    return "\n".join(parts)


def with_tables(page: str, tasks: Tasks) -> str:
    """The page with what stands between its marks replaced."""
    tables = {"comparison": comparison(tasks), "trainings": trainings(tasks)}
    for name, table in tables.items():
        start, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        before, rest = page.split(start, 1)
        _, after = rest.split(end, 1)
        page = before + start + table + end + after
    return page


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing, fail if they differ")
    check = parser.parse_args().check
    data = json.loads(DATA.read_text())
    tasks: Tasks = data["tasks"]
    page = PAGE.read_text()
    wanted = {PAGE: with_tables(page, tasks), FIGURE: figure(tasks)}
    stale = [p for p, text in wanted.items() if not p.exists() or p.read_text() != text]
    if check:
        for path in stale:
            print(f"{path.name} does not show docs/results.json: run benchmarks/results_page.py")
        return 1 if stale else 0
    for path, text in wanted.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
