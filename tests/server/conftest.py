from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from scripted import ScriptedGrader, lines

from ppolab.server.app import create_app
from ppolab.server.settings import ServerSettings

# Of the processes that are forked: on a busy machine two threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
SAMPLE = Path(__file__).parents[1] / "course" / "sample"


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    return ServerSettings(
        home=tmp_path / "home",
        content=shutil.copytree(SAMPLE, tmp_path / "content"),
        web=tmp_path / "web",
    )


@pytest.fixture
def grader() -> ScriptedGrader:
    return ScriptedGrader()


@pytest.fixture
def client(settings: ServerSettings, grader: ScriptedGrader) -> Iterator[TestClient]:
    app = create_app(settings, grader)
    with LocalClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


class LocalClient(TestClient):
    """Calls sockets by the name of this machine too; the usual one calls "testserver"."""

    def websocket_connect(self, url: str, *arguments: Any, **keywords: Any) -> Any:
        return super().websocket_connect(f"ws://localhost{url}", *arguments, **keywords)


@pytest.fixture
def write_run(settings: ServerSettings) -> Callable[..., Path]:
    """Write a run folder as an earlier process would have left it."""

    def write(run_id: str, events: list[tuple[int, str, dict[str, Any]]]) -> Path:
        folder = settings.runs_folder / run_id
        folder.mkdir(parents=True)
        manifest = {
            "id": run_id,
            "title": run_id,
            "kind": "control",
            "environment": "CartPole-v1",
            "preset": None,
            "seed": 1,
            "total_steps": 1000,
            "config": {"clip_range": 0.2},
            "created_at": "2026-01-02T03:04:05.000+00:00",
            "versions": {},
        }
        (folder / "run.json").write_text(json.dumps(manifest))
        (folder / "events.jsonl").write_bytes(lines(events))
        return folder

    return write
