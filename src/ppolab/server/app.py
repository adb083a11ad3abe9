"""The application: parts put together, nothing decided here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from ppolab import __version__
from ppolab.server.grading import Grader
from ppolab.server.guard import Guard
from ppolab.server.openapi import openapi_document
from ppolab.server.problems import install_error_handlers
from ppolab.server.routes import (
    challenges,
    course,
    derivations,
    health,
    progress,
    questions,
    runs,
    sockets,
)
from ppolab.server.schema import Problem
from ppolab.server.settings import ServerSettings
from ppolab.server.startup import start_services, stop_services
from ppolab.server.static import static_routes


def create_app(settings: ServerSettings, grader: Grader | None = None) -> FastAPI:
    """Build the application. Files, database and threads are touched only when it starts.

    Submissions go to `grader`, by default the sandboxed one.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = start_services(settings, grader)
        try:
            yield
        finally:
            await stop_services(app.state.services)

    app = FastAPI(
        title="PPO Lab",
        summary="A course on PPO and RLHF whose every picture is a view of a real training run.",
        version=__version__,
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        responses={"default": {"model": Problem, "description": "A problem, in words"}},
        docs_url=None,  # the interactive pages load scripts from another host
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    for area in (health, course, progress, questions, derivations, challenges, runs, sockets):
        app.include_router(area.router)
    app.include_router(static_routes(settings.web))
    app.add_middleware(Guard, host_names=settings.host_names)
    install_error_handlers(app)

    def document() -> dict[str, Any]:
        return openapi_document(app)

    app.openapi = document  # type: ignore[method-assign]
    return app


def operation_id(route: APIRoute) -> str:
    """Name an operation by its function, so that the generated client reads well."""
    return route.name
