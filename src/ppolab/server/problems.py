"""Every error leaves as "problem details" (RFC 9457) with the field, the value and the mend."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ppolab.errors import PPOLabError, shorten
from ppolab.server.schema import Problem

log = logging.getLogger("ppolab.server")

TITLES = {
    400: "The request cannot be used",
    403: "Refused",
    404: "Not found",
    405: "Not possible here",
    409: "Does not fit the present state",
    413: "Too large",
    422: "A value cannot be used",
    500: "Something in the server went wrong",
    503: "Not available now",
}


def problem_of(error: PPOLabError) -> Problem:
    """Put one of our errors on the wire."""
    return Problem(
        title=TITLES.get(error.status, "Error"),
        status=error.status,
        detail=str(error),
        field=error.field,
        value=shorten(error.value),
        mend=error.mend,
    )


def problem_of_validation(errors: list[Any], status: int = 422) -> Problem:
    """Describe the first thing a validator refused: where it lies, what came and what would do."""
    first = errors[0]
    where = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    field = ".".join(where) or "the message"
    value = shorten(first.get("input"))
    says = str(first["msg"])
    others = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(
        title=TITLES[status],
        status=status,
        detail=f"{field}: {value} cannot be used. {says}{others}",
        field=field,
        value=value,
        mend=says,
    )


def problem_response(problem: Problem) -> Response:
    """Answer with a problem, under its own media type."""
    return Response(
        problem.model_dump_json(),
        status_code=problem.status,
        media_type="application/problem+json",
    )


def too_large(size: int | None, limit: int, what: str = "the request") -> Problem:
    """Describe a body over the limit. `size` is None where it is only known to be larger."""
    came = f"{size:,} bytes" if size is not None else f"more than {limit:,} bytes"
    mend = f"Send at most {limit:,} bytes: submit the function alone, without data."
    return Problem(
        title=TITLES[413],
        status=413,
        detail=f"{what}: {came} is over the limit of {limit:,} bytes. {mend}",
        field=what,
        value=came,
        mend=mend,
    )


def install_error_handlers(app: FastAPI) -> None:
    """Turn everything that may go wrong in a request into a problem."""

    @app.exception_handler(PPOLabError)
    async def own(request: Request, error: PPOLabError) -> Response:
        return problem_response(problem_of(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return problem_response(problem_of_validation(list(error.errors())))

    @app.exception_handler(ValidationError)
    async def broken_answer(request: Request, error: ValidationError) -> Response:
        log.error("An answer to %s did not fit its type: %s", request.url.path, error)
        return problem_response(unexpected())

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        problem = Problem(
            title=TITLES.get(error.status_code, "Error"),
            status=error.status_code,
            detail=f"{request.method} {request.url.path}: {error.detail}",
            field="path",
            value=request.url.path,
        )
        return problem_response(problem)

    @app.exception_handler(Exception)
    async def anything(request: Request, error: Exception) -> Response:
        return problem_response(unexpected())


def unexpected() -> Problem:
    """Our own fault: no details leave the server, the log has them."""
    return Problem(
        title=TITLES[500],
        status=500,
        detail="The server met an error of its own. Nothing you sent was lost; its log has the "
        "details.",
        mend="Try again; if it stays, report it with the last lines of the server's output.",
    )
