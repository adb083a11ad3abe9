"""Recorded episodes over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NAME = "step-000000020-seed-1000"
EPISODE: dict[str, Any] = {
    "name": NAME, "step": 20, "seed": 1000, "deterministic": True, "episode_return": 2.0,
    "length": 2, "truncated": False, "agents": [], "actions": [0, 1], "rewards": [1.0, 1.0],
    "values": [1.5, None], "action_probabilities": [[0.5, 0.5], [0.25, 0.75]],
    "frames": {"steps": [0, 2], "width": 4, "height": 3, "columns": 2, "rows": 1, "sheets": 1},
    "frames_absent": "",
}  # fmt: skip


@pytest.fixture
def run(write_run) -> str:
    folder: Path = write_run("one", [(20, "state", {"state": "finished", "words": "finished"})])
    episodes = folder / "episodes"
    episodes.mkdir()
    (episodes / f"{NAME}.json").write_text(json.dumps(EPISODE))
    (episodes / f"{NAME}.0.webp").write_bytes(b"RIFF picture")
    (episodes / f"{NAME}.npz").write_bytes(b"arrays")
    return "/api/runs/one/episodes"


def test_a_run_s_episodes_are_listed_without_their_steps(client, run):
    (listed,) = client.get(run).json()
    assert listed == {
        key: EPISODE[key]
        for key in ("name", "step", "seed", "deterministic", "episode_return", "length",
                    "truncated", "agents", "frames_absent")
    }  # fmt: skip


def test_a_run_without_episodes_has_an_empty_list(client, write_run):
    write_run("two", [(0, "state", {"state": "finished", "words": "finished"})])
    assert client.get("/api/runs/two/episodes").json() == []


def test_an_episode_is_told_step_by_step(client, run):
    assert client.get(f"{run}/{NAME}").json() == EPISODE


def test_a_sheet_is_a_picture_and_nothing_else(client, run):
    answer = client.get(f"{run}/{NAME}/sheets/0")
    assert (answer.status_code, answer.content) == (200, b"RIFF picture")
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "step-000000020-seed-7",
        f"{NAME}.npz",
        "..%2f..%2frun",
        f"{NAME}/sheets/1",
        "..%2fepisodes%2f" + NAME + "/sheets/0",
        "../run/sheets/0",
    ],
)
def test_what_is_no_episode_of_the_run_is_not_found(client, run, path):
    answer = client.get(f"{run}/{path}")
    assert answer.status_code == 404
    assert b"RIFF" not in answer.content


def test_a_sheet_s_number_is_a_number(client, run):
    assert client.get(f"{run}/{NAME}/sheets/0.webp").status_code == 422
    assert client.get(f"{run}/{NAME}/sheets/-1").status_code == 404


def test_an_episode_of_an_unknown_run_names_the_run(client, run):
    answer = client.get("/api/runs/nobody/episodes")
    assert (answer.status_code, answer.json()["field"]) == (404, "run")
