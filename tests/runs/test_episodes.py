"""Recorded episodes on disk."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppolab.control.config import PPOConfig
from ppolab.control.evaluation import RecordedEpisode
from ppolab.errors import StorageError, UnknownNameError
from ppolab.runs import RunFolder, Runs, episodes
from ppolab.runs.episodes import list_episodes, read_episode, sheet_file, write_episode

needs_pillow = pytest.mark.skipif(
    importlib.util.find_spec("PIL") is None, reason="Pillow is not installed"
)
NAME = "step-000000512-seed-4"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return Runs(tmp_path / "runs").create(PPOConfig())


def episode(**changes: Any) -> RecordedEpisode:
    """Three steps; its pictures are of one brightness each."""
    frames = np.zeros((4, 20, 30, 3), np.uint8)
    frames[:] = np.array([0, 80, 160, 240], np.uint8)[:, None, None, None]
    fields: dict[str, Any] = {
        "observations": np.zeros((4, 2), np.float32),
        "actions": np.array([0, 1, 1]),
        "rewards": np.array([1.0, 1 / 3, 0.0], np.float32),
        "values": np.array([2.0, np.nan, 0.5], np.float32),
        "policy": {"action_probabilities": np.full((3, 2), 0.5, np.float32)},
        "truncated": True,
        "frames": frames,
        "frame_steps": np.arange(4),
        "frames_absent": "",
    }
    return RecordedEpisode(**{**fields, **changes})


def test_the_page_gets_every_step_s_numbers_and_the_arrays_lie_beside(folder: RunFolder) -> None:
    arrays = write_episode(folder, 512, 4, True, episode())
    assert arrays == folder.path / "episodes" / f"{NAME}.npz"
    with np.load(arrays) as kept:
        assert kept["rewards"].tolist() == episode().rewards.tolist()
        assert "frames" not in kept
    told = read_episode(folder, NAME)
    assert (told["name"], told["step"], told["seed"], told["deterministic"]) == (NAME, 512, 4, True)
    assert told["episode_return"] == pytest.approx(4 / 3, rel=1e-5)
    assert (told["length"], told["truncated"], told["agents"]) == (3, True, [])
    assert told["actions"] == [0, 1, 1]
    assert told["rewards"] == [1.0, 0.333333, 0.0]
    assert told["values"] == [2.0, None, 0.5]  # never a number that JSON does not know
    assert told["action_probabilities"] == [[0.5, 0.5]] * 3


@needs_pillow
def test_each_picture_lies_where_the_sheets_say(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    monkeypatch.setattr(episodes, "SHEET_SIDE", 60)  # two pictures wide, three high
    frames = np.repeat(np.arange(0, 240, 30, np.uint8), 20 * 30 * 3).reshape(8, 20, 30, 3)
    write_episode(folder, 512, 4, True, episode(frames=frames, frame_steps=np.arange(0, 16, 2)))
    told = read_episode(folder, NAME)["frames"]
    assert told["steps"] == list(range(0, 16, 2))
    sizes = (told["width"], told["height"], told["columns"], told["rows"], told["sheets"])
    assert sizes == (30, 20, 2, 3, 2)
    for k in range(8):
        number, place = divmod(k, 6)
        row, column = divmod(place, 2)
        with Image.open(sheet_file(folder, NAME, number)) as sheet:
            pixel = sheet.convert("RGB").getpixel((column * 30 + 15, row * 20 + 10))
        assert pixel == (30 * k,) * 3


@needs_pillow
def test_a_picture_that_would_be_large_loses_a_little(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    noise = np.random.default_rng(1).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    write_episode(folder, 512, 4, True, episode(frames=noise))
    whole = sheet_file(folder, NAME, 0).stat().st_size
    monkeypatch.setattr(episodes, "LARGEST_SHEET", whole - 1)
    write_episode(folder, 512, 4, True, episode(frames=noise))
    assert sheet_file(folder, NAME, 0).stat().st_size < whole / 2
    with Image.open(sheet_file(folder, NAME, 0)) as sheet:
        assert sheet.size == (4 * 64, 64)


def test_drawn_and_likeliest_actions_are_kept_apart_and_listed_newest_first(
    folder: RunFolder,
) -> None:
    for step, deterministic in ((64, True), (512, True), (512, False)):
        write_episode(folder, step, 4, deterministic, episode())
    names = [told["name"] for told in list_episodes(folder)]
    assert names == [f"{NAME}-drawn", NAME, "step-000000064-seed-4"]


@needs_pillow
def test_a_shorter_one_leaves_no_sheet_of_the_one_it_replaces(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(episodes, "SHEET_SIDE", 30)
    write_episode(folder, 512, 4, True, episode())
    assert sheet_file(folder, NAME, 3).is_file()
    absent = {"frames": None, "frame_steps": None, "frames_absent": "no pencil"}
    write_episode(folder, 512, 4, True, episode(**absent))
    assert (read_episode(folder, NAME)["frames"], read_episode(folder, NAME)["frames_absent"]) == (
        None, "no pencil",
    )  # fmt: skip
    kept = sorted(path.name for path in (folder.path / "episodes").iterdir())
    assert kept == [f"{NAME}.json", f"{NAME}.npz"]


def test_several_agents_are_told_by_their_team_s_rewards(folder: RunFolder) -> None:
    several = episode(
        actions=np.zeros((3, 2), np.int64), values=np.zeros((3, 2), np.float32), agents=("a", "b"),
        rewards=np.array([[1, 2], [3, 4], [5, 6]], np.float32),
        present=np.array([[True, True], [True, True], [True, False]]),
    )  # fmt: skip
    write_episode(folder, 512, 4, True, several)
    told = read_episode(folder, NAME)
    assert told["rewards"] == [3.0, 7.0, 5.0]
    assert (told["values"], told["action_probabilities"]) == (None, None)
    assert told["agents"] == ["a", "b"]


@pytest.mark.parametrize(
    "name", ["step-000000512-seed-5", "../../run", "step-000000512-seed-4.npz"]
)
def test_a_name_that_is_none_of_ours_is_refused(folder: RunFolder, name: str) -> None:
    write_episode(folder, 512, 4, True, episode())
    with pytest.raises(UnknownNameError, match=NAME):
        read_episode(folder, name)


def test_a_link_out_of_the_folder_is_not_followed(folder: RunFolder, tmp_path: Path) -> None:
    write_episode(folder, 512, 4, True, episode())
    secret = tmp_path / "secret.webp"
    secret.write_bytes(b"secret")
    (folder.path / "episodes" / f"{NAME}.77.webp").symlink_to(secret)
    with pytest.raises(UnknownNameError):
        sheet_file(folder, NAME, 77)


def test_a_damaged_file_is_named(folder: RunFolder) -> None:
    write_episode(folder, 512, 4, True, episode())
    (folder.path / "episodes" / f"{NAME}.json").write_text("{")
    with pytest.raises(StorageError, match="Record it again"):
        read_episode(folder, NAME)


def test_without_pillow_the_reason_says_what_to_install(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    write_episode(folder, 512, 4, True, episode())
    told = json.loads((folder.path / "episodes" / f"{NAME}.json").read_text())
    assert told["frames"] is None
    assert 'pip install "ppolab[render]"' in told["frames_absent"]
