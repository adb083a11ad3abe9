"""All runs of one home folder, and those that came with the course."""

from __future__ import annotations

import platform
import re
import secrets
import shutil
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ppolab import __version__
from ppolab.errors import ConflictError, PPOLabError, StorageError, UnknownNameError
from ppolab.runs.folder import LIVE_STATES, MANIFEST_NAME, Manifest, RunFolder, write_manifest
from ppolab.runs.kinds import KIND_NAMES, Configuration, run_kind

_NAMED = 5  # runs that an error about an unknown one names
_SAFE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


class Runs:
    """The runs below `root`, which may be written, and below `recorded`, which may not."""

    def __init__(self, root: Path, recorded: Path | None = None) -> None:
        self.root = root
        self._recorded = recorded
        self._open: dict[str, RunFolder] = {}
        self._mutex = threading.Lock()
        try:
            root.mkdir(parents=True, exist_ok=True)
            probe = root / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StorageError(
                "runs folder", str(root), f"cannot be written ({error.strerror})",
                "Choose another by PPOLAB_HOME or --home, or mend its permissions",
            ) from error  # fmt: skip

    def list(self) -> list[RunFolder]:
        """All readable runs, newest first; a folder that is no run is passed over."""
        found: list[RunFolder] = []
        for run_id in self._ids():
            try:
                found.append(self.get(run_id))
            except PPOLabError:
                continue
        return sorted(found, key=lambda run: run.manifest.created_at, reverse=True)

    def get(self, run_id: str) -> RunFolder:
        """The run of that name.

        Raises:
            UnknownNameError: there is none.
            StorageError: its manifest cannot be read.
        """
        with self._mutex:
            if run_id in self._open and self._open[run_id].path.exists():
                return self._open[run_id]
            if not _SAFE_ID.fullmatch(run_id) or run_id not in self._ids():
                raise UnknownNameError("run", run_id, [], self._known_words())
            own = self.root / run_id
            if own.is_dir():
                run = RunFolder(own)
            else:
                assert self._recorded is not None
                run = RunFolder(self._recorded / run_id, recorded=True)
            if run.manifest.kind not in KIND_NAMES:
                raise StorageError(
                    "run", run_id, f"is of the kind {run.manifest.kind!r}, unknown to this version",
                    "Read it with the version that made it, or a newer one",
                )  # fmt: skip
            self._open[run_id] = run
            return run

    def create(
        self,
        config: Configuration,
        preset: str | None = None,
        title: str | None = None,
        run_id: str | None = None,
        then: Sequence[dict[str, Any]] = (),
        threads: int | None = None,
    ) -> RunFolder:
        """Make the folder of a new run, after making sure that it can do what it is asked for.

        Args:
            config: the settings.
            preset: name of the configuration they came from.
            title: for people; by default the subject, such as the environment, and the seed.
            run_id: the folder's name; by default made of preset or subject, time and chance.
            then: kind and config of each stage that is to follow.
            threads: of the arithmetic; by default as many as are usual for its kind.

        Raises:
            UnknownNameError, InvalidSettingError: a setting cannot be used.
            StorageError: the folder cannot be written.
        """
        plan = run_kind(config.kind).plan(config.to_mapping())
        now = datetime.now(UTC)
        stem = re.sub(r"[^a-z0-9]+", "-", (preset or plan.stem).lower()).strip("-")
        run_id = run_id or f"{stem[:40]}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        path = self.root / run_id
        try:
            path.mkdir()
            write_manifest(
                path,
                Manifest(
                    id=run_id,
                    title=title or f"{plan.subject}, seed {plan.seed}",
                    kind=config.kind,
                    environment=plan.subject,
                    preset=preset,
                    seed=plan.seed,
                    total_steps=plan.total_steps,
                    config=config.to_mapping(),
                    created_at=now.isoformat(timespec="milliseconds"),
                    versions=_versions(),
                    then=list(then),
                    threads=threads,
                ),
            )
        except OSError as error:
            raise StorageError(
                "run folder", str(path), f"cannot be made ({error.strerror})",
                "Check the free space and the folder's permissions",
            ) from error  # fmt: skip
        return self.get(run_id)

    def delete(self, run_id: str) -> None:
        """Remove a run for good.

        Raises:
            ConflictError: it is going, or it came with the course.
        """
        run = self.get(run_id)
        if run.recorded:
            raise ConflictError("run", run_id, "came with the course and is kept", "Leave it")
        status = run.status()
        begun = status.head > 0  # a folder without events is a run that nobody started
        if run.is_live() or (begun and status.state in LIVE_STATES):
            raise ConflictError("run", run_id, "is still going", "Stop it first")
        with self._mutex:
            self._open.pop(run_id, None)
        shutil.rmtree(run.path)

    def settle(self) -> None:
        """Write "interrupted" into every run whose process went away while nobody watched."""
        for run in self.list():
            if not run.recorded:
                run.settle()

    def _ids(self) -> Sequence[str]:
        return [path.name for path in self._paths()]

    def _paths(self) -> Sequence[Path]:
        roots = [root for root in (self.root, self._recorded) if root is not None]
        return [
            path
            for root in roots
            if root.is_dir()
            for path in sorted(root.iterdir())
            if (path / MANIFEST_NAME).is_file()
        ]

    def _known_words(self) -> str:
        """Name the newest runs and count the rest."""
        newest = sorted(
            self._paths(), key=lambda path: (path / MANIFEST_NAME).stat().st_mtime_ns, reverse=True
        )
        if not newest:
            return "There is no run yet"
        names = ", ".join(path.name for path in newest[:_NAMED])
        more = len(newest) - _NAMED
        return f"Newest: {names}" + (f" and {more} more" if more > 0 else "")


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("torch", "numpy", "gymnasium")}
    return {"ppolab": __version__, "python": platform.python_version(), **packages}
