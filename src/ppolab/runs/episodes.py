"""Recorded episodes in a run's folder: numbers for the page, all arrays, and pictures on sheets."""

from __future__ import annotations

import json
import math
import os
import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ppolab.errors import StorageError, UnknownNameError
from ppolab.runs.folder import RunFolder

if TYPE_CHECKING:
    from PIL.Image import Image

    from ppolab.control.evaluation import RecordedEpisode

EPISODES_NAME = "episodes"
SHEET_SIDE = 2048  # pixels of a sheet's side, at most, unless one picture is larger
LARGEST_SHEET = 1_500_000  # bytes of a sheet without loss; shaded scenes take more
QUALITY = 80  # of 100, of a sheet with loss
DIGITS = 6  # significant ones of numbers for the page; the arrays keep all
_NAME = re.compile(r"step-\d{9}-seed-\d{1,10}(-drawn)?")


def write_episode(
    folder: RunFolder, step: int, seed: int, deterministic: bool, episode: RecordedEpisode
) -> Path:
    """Write an episode so that it is there whole or not at all; return the file of its arrays.

    Three kinds of files share a name: `.npz` with every array, `.webp` sheets of pictures, and
    `.json` with what the page shows, which comes last. An older episode of that name is replaced.

    Args:
        folder: of the run.
        step: of the checkpoint whose policy played.
        seed: of the episode.
        deterministic: whether the likeliest actions were taken.
        episode: what happened.

    Raises:
        StorageError: the folder cannot be written.
    """
    name = f"step-{step:09d}-seed-{seed}" + ("" if deterministic else "-drawn")
    path = folder.path / EPISODES_NAME
    arrays, told = path / f"{name}.npz", path / f"{name}.json"
    try:
        path.mkdir(exist_ok=True)
        for old in (told, *path.glob(f"{name}.*.webp")):
            old.unlink(missing_ok=True)
        kept = BytesIO()
        np.savez_compressed(kept, **episode.arrays())  # type: ignore[arg-type]
        _write(arrays, kept.getvalue())
        frames, absent = _write_frames(path, name, episode)
        facts = {
            "name": name, "step": step, "seed": seed, "deterministic": deterministic,
            **_numbers(episode), "frames": frames, "frames_absent": absent,
        }  # fmt: skip
        text = json.dumps(facts, allow_nan=False, separators=(",", ":"))
        _write(told, text.encode())
    except OSError as error:
        raise StorageError(
            "episode", str(path / name), f"cannot be written ({error.strerror})",
            "Check the free space and the folder's permissions",
        ) from error  # fmt: skip
    return arrays


def list_episodes(folder: RunFolder) -> list[dict[str, Any]]:
    """Every recorded episode as `write_episode` told of it, those of later steps first."""
    path = folder.path / EPISODES_NAME
    names = sorted((file.stem for file in path.glob("*.json")), reverse=True)
    return [read_episode(folder, name) for name in names if _NAME.fullmatch(name)]


def read_episode(folder: RunFolder, name: str) -> dict[str, Any]:
    """What the page shows of an episode.

    Raises:
        UnknownNameError: the run has no episode of that name.
        StorageError: its file cannot be read.
    """
    file = _file(folder, name, ".json")
    try:
        facts: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(
            "episode", name, f"cannot be read ({error})", "Record it again, or delete its file"
        ) from error
    return facts


def sheet_file(folder: RunFolder, name: str, number: int) -> Path:
    """The file of a sheet of pictures; errors as in `read_episode`."""
    return _file(folder, name, f".{number}.webp")


def _file(folder: RunFolder, name: str, ending: str) -> Path:
    """A file of the run's own: the name is one that we give, and nothing lies behind a link."""
    file = folder.path / EPISODES_NAME / f"{name}{ending}"
    if not _NAME.fullmatch(name) or file.is_symlink() or not file.is_file():
        path = folder.path / EPISODES_NAME
        known = sorted(told.stem for told in path.glob("*.json") if _NAME.fullmatch(told.stem))
        raise UnknownNameError("episode", f"{name}{ending}", known)
    return file


def _numbers(episode: RecordedEpisode) -> dict[str, Any]:
    """What the page shows beside the pictures, one entry for each step."""
    alone = not episode.agents
    rewards = episode.rewards
    if episode.present is not None:
        rewards = (rewards * episode.present).sum(1)
    probabilities = episode.policy.get("action_probabilities")
    return {
        "episode_return": _plain(episode.episode_return),
        "length": len(episode.rewards),
        "truncated": episode.truncated,
        "agents": list(episode.agents),
        "actions": _plain(episode.actions),
        "rewards": _plain(rewards),
        "values": _plain(episode.values) if alone else None,
        "action_probabilities": _plain(probabilities)
        if alone and probabilities is not None
        else None,
    }


def _plain(value: Any) -> Any:
    """Numbers as JSON holds them, shortened; null where they are not finite."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def _write_frames(
    path: Path, name: str, episode: RecordedEpisode
) -> tuple[dict[str, Any] | None, str]:
    """Write the pictures on sheets; how they lie there, or None and the reason."""
    if episode.frames is None or episode.frame_steps is None:
        return None, episode.frames_absent
    try:
        from PIL import Image
    except ImportError:
        return None, 'Pillow is not installed: pip install "ppolab[render]"'
    frames = episode.frames
    count, height, width = frames.shape[:3]
    columns, rows = max(1, SHEET_SIDE // width), max(1, SHEET_SIDE // height)
    starts = range(0, count, columns * rows)
    for number, start in enumerate(starts):
        sheet = _webp(Image.fromarray(_sheet(frames[start : start + columns * rows], columns)))
        _write(path / f"{name}.{number}.webp", sheet)
    told = {
        "steps": episode.frame_steps.tolist(), "width": width, "height": height,
        "columns": columns, "rows": rows, "sheets": len(starts),
    }  # fmt: skip
    return told, ""


def _sheet(frames: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Pictures [count, height, width, 3] side by side, row by row; the rest is black."""
    count, height, width, colours = frames.shape
    rows = math.ceil(count / columns)
    columns = min(columns, count)
    filled = np.zeros((rows * columns, height, width, colours), np.uint8)
    filled[:count] = frames
    grid = filled.reshape(rows, columns, height, width, colours).swapaxes(1, 2)
    return np.ascontiguousarray(grid.reshape(rows * height, columns * width, colours))


def _webp(image: Image) -> bytes:
    """A picture as WebP: without loss, which drawn scenes make small; else with some."""
    kept = BytesIO()
    image.save(kept, "WEBP", lossless=True)
    if kept.tell() > LARGEST_SHEET:
        kept = BytesIO()
        image.save(kept, "WEBP", quality=QUALITY)
    return kept.getvalue()


def _write(path: Path, data: bytes) -> None:
    unfinished = path.with_name(f".{path.name}-{os.getpid()}.unfinished")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
