"""A study as a folder: what was asked, the runs that answer it, and the answer."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ppolab.control.config import PPOConfig
from ppolab.control.making import make_environment
from ppolab.errors import ConflictError, InvalidSettingError, StorageError, UnknownNameError
from ppolab.runs.folder import MANIFEST_NAME, RunFolder
from ppolab.runs.registry import Runs

STUDIES_NAME = "studies"
STUDY_NAME = "study.json"
RESULT_NAME = "result.json"


class StudyFolder:
    """One study on disk: `study.json`, `runs/`, `result.json` once it is over.

    It is laid out like a home, so that `ppolab runs`, `eval` and `serve` take it as `--home`: a
    study of a hundred runs does not flood the list of one's own.

    Attributes:
        asked: what was asked, as `study.json` keeps it.
        runs: the study's own runs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked = _read(path)
        self.runs = Runs(path / "runs")

    @property
    def id(self) -> str:
        """The study's name, which is the folder's."""
        return self.path.name

    def run(self, name: str, config: PPOConfig, title: str) -> RunFolder:
        """The run of that name, made if it is not there yet."""
        path = self.runs.root / name
        if not (path / MANIFEST_NAME).is_file():
            shutil.rmtree(path, ignore_errors=True)  # left half made when the power failed
            self.runs.create(config, self.asked.get("preset"), title, run_id=name)
        return self.runs.get(name)

    def write(self, name: str, text: str) -> Path:
        """Write a file of results so that it is there whole or not at all."""
        path = self.path / name
        unfinished = path.with_name(f".{name}.unfinished")
        try:
            unfinished.write_text(text, "utf-8")
            unfinished.replace(path)
        except OSError as error:
            raise StorageError(
                "study", str(path), f"cannot be written ({error.strerror})",
                "Check the free space and the folder's permissions",
            ) from error  # fmt: skip
        return path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the study for this process.

        Raises:
            ConflictError: another process is at work on it.
        """
        descriptor = os.open(self.path / "study.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ConflictError(
                    "study", self.id, "is already going in another process", "Wait for it"
                ) from error
            yield
        finally:
            os.close(descriptor)


def create_study(home: Path, kind: str, asked: Mapping[str, Any]) -> StudyFolder:
    """Make the folder of a new study below `home`/studies.

    Args:
        home: folder of runs and progress.
        kind: "sweep" or "ablation".
        asked: plain data; `environment` and `config` are among it.

    Raises:
        UnknownNameError, InvalidSettingError: the environment cannot be used.
        StorageError: the folder cannot be written.
    """
    make_environment(PPOConfig.from_mapping(asked["config"]), count=1).close()
    now = datetime.now(UTC)
    stem = re.sub(r"[^a-z0-9]+", "-", str(asked["environment"]).lower()).strip("-")
    name = f"{kind}-{stem[:40]}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    path = home / STUDIES_NAME / name
    data = {"kind": kind, **asked, "created_at": now.isoformat(timespec="milliseconds")}
    try:
        path.mkdir(parents=True)
        (path / STUDY_NAME).write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise StorageError(
            "studies folder", str(path.parent), f"cannot be written ({error.strerror})",
            "Choose another by PPOLAB_HOME or --home, or mend its permissions",
        ) from error  # fmt: skip
    return StudyFolder(path)


def open_study(home: Path, kind: str, name: str) -> StudyFolder:
    """The study of that name.

    Raises:
        UnknownNameError: there is none.
        InvalidSettingError: it is of another kind.
    """
    root = home / STUDIES_NAME
    known = sorted((path.parent.name for path in root.glob(f"*/{STUDY_NAME}")), reverse=True)
    if name not in known:
        raise UnknownNameError("study", name, known[:5])
    study = StudyFolder(root / name)
    if study.asked["kind"] != kind:
        command = {"sweep": "sweep", "ablation": "ablate"}.get(study.asked["kind"], "?")
        raise InvalidSettingError(
            "study", name, f"is no {kind}", f"Use: ppolab {command} --resume {name}"
        )
    return study


def _read(path: Path) -> dict[str, Any]:
    file = path / STUDY_NAME
    try:
        data = json.loads(file.read_text("utf-8"))
        PPOConfig.from_mapping(data["config"])
        return dict(data)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(
            "study", str(path), f"has no readable {STUDY_NAME} ({error})",
            "Restore the file, or delete the folder",
        ) from error  # fmt: skip
