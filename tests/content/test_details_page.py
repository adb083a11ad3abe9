"""The page of PPO's details names places and settings that there are, and all of the details."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path

import pytest

from ppolab.control.atari import AtariOptions
from ppolab.control.config import PPOConfig

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "details.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| (\d+|\+) \|", line)
]
SETTINGS = {field.name for field in dataclasses.fields(PPOConfig)} | {
    f"environment_options.{field.name}" for field in dataclasses.fields(AtariOptions)
}


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


def test_all_thirty_seven_are_there_in_order_and_five_beside_them() -> None:
    assert [row[0] for row in ROWS] == [*map(str, range(1, 38)), *"+++++"]


@pytest.mark.parametrize("row", ROWS, ids=[f"{i + 1}" for i in range(len(ROWS))])
def test_a_detail_names_a_place_that_is_and_settings_that_are(row: list[str]) -> None:
    number, sentence, place, settings = row
    symbols = re.findall(r"`([^`]+)`", place)
    assert symbols, number
    for symbol in symbols:
        assert resolve(symbol) is not None, symbol
    named = set(re.findall(r"`([^`]+)`", settings))
    assert named <= SETTINGS, named - SETTINGS
    assert named or settings == "–"
    assert sentence.endswith(".")


def test_every_setting_whose_words_name_a_detail_is_in_its_row() -> None:
    """The other way round: what --help calls detail 7 stands in row 7."""
    source = Path(str(importlib.import_module("ppolab.control.config").__file__)).read_text("utf-8")
    fields = re.findall(r'^    (\w+): [^\n]+\n    """(.*?)"""', source, re.MULTILINE | re.DOTALL)
    said = [
        (name, number)
        for name, words in fields
        for numbers in re.findall(r"details? ([\d, and]+)", words)
        for number in re.findall(r"\d+", numbers)
    ]
    assert len(said) > 15
    rows = {row[0]: row[3] for row in ROWS}
    missing = [(name, number) for name, number in said if f"`{name}`" not in rows[number]]
    assert not missing
