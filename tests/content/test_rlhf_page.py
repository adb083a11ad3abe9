"""The page of RLHF names places, settings, alerts and pitfalls that there are, and all of them."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path

import pytest

from ppolab.language.config import RLHFConfig
from ppolab.language.pitfalls import PITFALLS
from ppolab.runs.language_monitors import policy_monitors, reward_monitors, sft_monitors

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rlhf.md").read_text("utf-8")
LINES = PAGE.splitlines()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in LINES
    if re.match(r"\| (\d+|\+) \|", line)
]
SETTINGS = {field.name for field in dataclasses.fields(RLHFConfig)}


def resolve(symbol: str) -> object:
    """The object at a dotted path below `ppolab`; its first parts are modules."""
    parts = symbol.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(("ppolab", *parts[:count])))
        except ModuleNotFoundError:
            continue
        for name in parts[count:]:
            found = getattr(found, name)
        return found
    raise ModuleNotFoundError(symbol)


def table(heading: str) -> list[list[str]]:
    """The rows of the table in a section, without its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_all_twenty_one_are_there_in_order_and_those_that_came_later() -> None:
    assert [row[0] for row in ROWS] == [*map(str, range(1, 22)), *"++++++"]


@pytest.mark.parametrize("row", ROWS, ids=[f"{i + 1}" for i in range(len(ROWS))])
def test_a_detail_names_a_place_that_is_and_settings_that_are(row: list[str]) -> None:
    _, sentence, place, settings = row
    symbols = re.findall(r"`([^`]+)`", place)
    assert symbols
    for symbol in symbols:
        assert resolve(symbol) is not None, symbol
    named = set(re.findall(r"`([^`]+)`", settings))
    assert named <= SETTINGS, named - SETTINGS
    assert named or settings == "–"
    assert sentence.endswith(".")


def test_every_alert_is_in_the_table_and_no_other() -> None:
    monitors = (*policy_monitors(8.0), *reward_monitors(600), *sft_monitors())
    assert {row[0] for row in table("Monitors")} == {monitor.kind for monitor in monitors}


def test_every_pitfall_is_in_the_table_with_its_alert() -> None:
    said = {row[0].strip("`"): row[2] for row in table("Pitfalls by name")}
    assert said == {name: pitfall.caught_by for name, pitfall in PITFALLS.items()}
