"""The page of pitfalls shows what was measured, and every pitfall was caught."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

from ppolab.language.pitfalls import PITFALLS
from ppolab.runs import RunFolder

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "content" / "runs"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("pitfalls_page")


def test_the_page_of_pitfalls_shows_the_kept_figures_and_those_are_of_the_recorded_runs(
    page: ModuleType,
) -> None:
    rows = json.loads(page.DATA.read_text("utf-8"))
    assert page.table(rows) in page.PAGE.read_text("utf-8")
    kept = {row["name"]: row for row in rows}
    assert set(PITFALLS) <= set(kept)
    for name, stages in (
        ("sound", ("austen-reward-model", "austen-ppo")), ("kl-off", ("austen-kl-off",)),
    ):  # fmt: skip
        folders = [RunFolder(RECORDED / stage, recorded=True) for stage in stages]
        assert kept[name] == page.row(name, folders)


@pytest.mark.parametrize("name", sorted(PITFALLS))
def test_each_pitfall_was_caught_by_the_alert_that_it_names(page: ModuleType, name: str) -> None:
    (row,) = [row for row in json.loads(page.DATA.read_text("utf-8")) if row["name"] == name]
    pitfall = PITFALLS[name]
    assert (pitfall.caught_in, pitfall.caught_by) in {
        (alert["stage"], alert["kind"]) for alert in row["alerts"]
    }


def test_sound_runs_on_the_page_have_no_alert(page: ModuleType) -> None:
    sound = [row for row in json.loads(page.DATA.read_text("utf-8")) if "sound" in row["name"]]
    assert sound
    assert all(row["alerts"] == [] for row in sound)
