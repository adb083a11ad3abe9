"""What the routes work with: made once when the server starts, given to each route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

if TYPE_CHECKING:
    from ppolab.course import Course
    from ppolab.runs import LocalExecutor, Runs
    from ppolab.server.grading import GradingQueue
    from ppolab.server.live import Hubs
    from ppolab.server.records import Records
    from ppolab.server.settings import ServerSettings


@dataclass(frozen=True)
class Services:
    """The parts of a running server."""

    settings: ServerSettings
    course: Course
    runs: Runs
    executor: LocalExecutor
    records: Records
    grading: GradingQueue
    hubs: Hubs


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that a request or WebSocket came to."""
    return cast(Services, connection.app.state.services)


ServicesDep = Annotated[Services, Depends(services_of)]
