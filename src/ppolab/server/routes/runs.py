"""Runs: start, steer, read and delete them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from ppolab.runs.episodes import sheet_file
from ppolab.server import runviews, stageviews
from ppolab.server.schema import (
    Episode,
    EpisodeSummary,
    Preset,
    RunAt,
    RunControl,
    RunDetail,
    RunEvents,
    RunSummary,
    Series,
    Stages,
    StartRun,
)
from ppolab.server.services import ServicesDep
from ppolab.server.static import SECURITY_HEADERS

router = APIRouter(prefix="/api", tags=["runs"])


@router.get("/presets")
def get_presets() -> list[Preset]:
    """The configurations that a run can start from."""
    return runviews.presets()


@router.get("/runs")
def get_runs(services: ServicesDep) -> list[RunSummary]:
    """All runs, newest first, those recorded for the course last."""
    return runviews.summaries(services)


@router.post("/runs", status_code=201)
def start_run(request: StartRun, services: ServicesDep) -> RunDetail:
    """Create a run and start it in a process of its own."""
    return runviews.start(services, request)


@router.get("/runs/{run_id}")
def get_run(run_id: str, services: ServicesDep) -> RunDetail:
    """One run with its settings."""
    return runviews.detail(services, services.runs.get(run_id))


@router.get("/runs/{run_id}/series")
def get_series(
    run_id: str,
    services: ServicesDep,
    keys: Annotated[str | None, Query(description="Comma-separated; all when absent")] = None,
    from_step: Annotated[int | None, Query(ge=0)] = None,
    to_step: Annotated[int | None, Query(ge=0)] = None,
    px: Annotated[int, Query(ge=10, le=10_000, description="Width in pixels")] = 800,
) -> Series:
    """Metrics as columns, reduced to the extremes within each pixel."""
    return runviews.series(services.runs.get(run_id), keys, from_step, to_step, px)


@router.get("/runs/{run_id}/events")
def get_events(
    run_id: str,
    services: ServicesDep,
    cursor: Annotated[int, Query(ge=0, description="Events after this sequence number")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    kinds: Annotated[str | None, Query(description="Comma-separated; all when absent")] = None,
) -> RunEvents:
    """Events that are not metrics, oldest first."""
    return runviews.events(services.runs.get(run_id), cursor, limit, kinds)


@router.get("/runs/{run_id}/at/{step}")
def get_run_at(run_id: str, step: int, services: ServicesDep) -> RunAt:
    """The state of a run folded at a step: what a replay shows there."""
    return runviews.at(services.runs.get(run_id), step)


@router.get("/runs/{run_id}/episodes")
def get_episodes(run_id: str, services: ServicesDep) -> list[EpisodeSummary]:
    """Episodes that were recorded of a run's policy, those of later steps first."""
    return runviews.episodes(services.runs.get(run_id))


@router.get("/runs/{run_id}/episodes/{name}")
def get_episode(run_id: str, name: str, services: ServicesDep) -> Episode:
    """A recorded episode step by step."""
    return runviews.episode(services.runs.get(run_id), name)


@router.get(
    "/runs/{run_id}/episodes/{name}/sheets/{number}",
    response_class=FileResponse,
    responses={200: {"content": {"image/webp": {}}}},
)
def get_episode_sheet(run_id: str, name: str, number: int, services: ServicesDep) -> FileResponse:
    """A sheet of an episode's pictures."""
    file = sheet_file(services.runs.get(run_id), name, number)
    # Recording it again replaces it under the same name.
    headers = {**SECURITY_HEADERS, "cache-control": "no-cache"}
    return FileResponse(file, media_type="image/webp", headers=headers)


@router.post("/runs/{run_id}/control")
def control_run(run_id: str, control: RunControl, services: ServicesDep) -> RunDetail:
    """Pause, step, resume or stop a live run, or set one of its live settings."""
    return runviews.control(services, run_id, control)


@router.post("/runs/{run_id}/resume")
def resume_run(run_id: str, services: ServicesDep) -> RunDetail:
    """Go on from the newest checkpoint of a run that is not live."""
    return runviews.resume(services, run_id)


@router.get("/runs/{run_id}/stages")
def get_stages(run_id: str, services: ServicesDep) -> Stages:
    """The stages of RLHF that a run belongs to, with figures and texts before and after."""
    return stageviews.stages(services, services.runs.get(run_id))


@router.post("/runs/{run_id}/next", status_code=201)
def start_next_stage(run_id: str, services: ServicesDep) -> RunDetail:
    """Begin the stage that follows a finished run, where it did not begin by itself."""
    return runviews.detail(services, stageviews.start_next(services, run_id))


@router.delete("/runs/{run_id}", status_code=204)
def delete_run(run_id: str, services: ServicesDep) -> None:
    """Delete a run that is not live, with everything it recorded."""
    runviews.delete(services, run_id)
