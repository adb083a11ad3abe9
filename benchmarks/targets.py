"""Rows that have a target: what was reached of it, for people and for JSON."""

from __future__ import annotations

from collections.abc import Mapping

from referee import Answer


def judge(rows: Mapping[str, Answer], targets: Mapping[str, float]) -> None:
    """Write the range of its ratios into each row, and target and verdict where it has one.

    Args:
        rows: as `referee.rows_of` gives them.
        targets: the least median ratio, by row.
    """
    for name, row in rows.items():
        row["range"] = [min(row["ratios"]), max(row["ratios"])]
        target = targets.get(name)
        row["target"] = target
        row["verdict"] = (
            None if target is None else "reached" if row["ratio"] >= target else "missed"
        )


def print_judged(rows: Mapping[str, Answer], base: str, unit: str) -> None:
    """For people."""
    print(
        f"{'':<34}{unit:>12}{'of the bound':>14}{'× ' + base:>10}{'rounds':>16}"
        f"{'by CPU time':>13}{'target':>8}"
    )
    for name, row in rows.items():
        share = "–" if row["share_of_bound"] is None else f"{row['share_of_bound']:.0%}"
        low, high = row["range"]
        target = "" if row["target"] is None else f"{row['target']:g}×"
        print(
            f"{name:<34}{row['rate']:>12,}{share:>14}{row['ratio']:>10.2f}"
            f"{f'{low:.2f} to {high:.2f}':>16}{row['ratio_of_processor_time']:>13.2f}"
            f"{target:>8} {row['verdict'] or ''}"
        )


def memory_rows(answers: Mapping[str, list[Answer]], base: str) -> dict[str, Answer]:
    """Most memory that each contender's process held, and how many times as much the base's did.

    Empty where the kernel does not tell.
    """
    peaks = {
        name: max(answer["peak_memory"] or 0 for answer in own) for name, own in answers.items()
    }
    if not all(peaks.values()):
        return {}
    return {
        name: {
            "megabytes": round(peak / 1e6),
            "ratio": round(peaks[base] / peak, 2),
            "target": None if name == base else "below",
            "verdict": None if name == base else "reached" if peak < peaks[base] else "missed",
        }
        for name, peak in peaks.items()
    }


def print_memory(rows: Mapping[str, Answer], base: str) -> None:
    """For people."""
    print("Peak memory")
    if not rows:
        print("  not known: the kernel does not tell")
    for name, row in rows.items():
        verdict = "" if row["verdict"] is None else f"   below {base}'s: {row['verdict']}"
        print(f"{name:<34}{row['megabytes']:>9,} MB{verdict}")
