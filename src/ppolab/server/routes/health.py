"""Whether the server works and can serve."""

from __future__ import annotations

from fastapi import APIRouter, Response

from ppolab.server import views
from ppolab.server.schema import Health, Readiness
from ppolab.server.services import ServicesDep

router = APIRouter(tags=["health"])


@router.get("/health")
def get_health(services: ServicesDep) -> Health:
    """What works, with what, and why."""
    return views.health(services)


@router.get("/ready", responses={503: {"model": Readiness}})
def get_readiness(services: ServicesDep, response: Response) -> Readiness:
    """Whether pages, runs and progress can be served now; 503 when not."""
    readiness = views.readiness(services)
    if not readiness.ready:
        response.status_code = 503
    return readiness
