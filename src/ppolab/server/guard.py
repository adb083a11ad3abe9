"""Keeps other web pages away from a server that runs code, and bodies within a limit.

A page on any site can make a browser call 127.0.0.1. Two header checks stop that: the Host header
must be a name this server is known by (else a foreign name may have been pointed at loopback), and
a request that changes something, or opens a WebSocket, must come from our own pages (Origin).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ppolab.server.problems import TITLES, problem_response, too_large
from ppolab.server.schema import Problem

BODY_LIMIT = 512 * 1024  # bytes; a source may have 256 KB, and JSON escapes may double it
# A file of progress holds every source that was ever submitted.
LARGER_BODIES = {"/api/progress/import": 32 * 1024 * 1024}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware: refuses unknown hosts, foreign origins and bodies over the limit."""

    def __init__(self, app: ASGIApp, host_names: frozenset[str]) -> None:
        self.app = app
        self.host_names = host_names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = foreign(scope, headers, self.host_names)
        if problem is not None:
            await refuse(problem, scope, receive, send)
        elif scope["type"] == "http":
            await self.limit_body(scope, receive, send, headers)
        else:
            await self.app(scope, receive, send)

    async def limit_body(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers
    ) -> None:
        """Refuse by Content-Length at once, and a body of unknown length after reading it."""
        declared = headers.get("content-length", "")
        limit = LARGER_BODIES.get(scope["path"], BODY_LIMIT)
        if declared.isdigit() and int(declared) > limit:
            await refuse(too_large(int(declared), limit), scope, receive, send)
            return
        if declared or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        body = await read_at_most(receive, limit)
        if body is None:
            await refuse(too_large(None, limit), scope, receive, send)
            return
        await self.app(scope, replay(body, receive), send)


def foreign(scope: Scope, headers: Headers, host_names: frozenset[str]) -> Problem | None:
    """Tell why a request may not come in, or None where it may."""
    host = headers.get("host", "")
    if host_name(host) not in host_names:
        return Problem(
            title=TITLES[403],
            status=403,
            detail=f"host: this server is not known as {host!r}. Known: "
            f"{', '.join(sorted(host_names))}. Add the name to allowed_hosts to serve it.",
            field="host",
            value=host,
            mend="Open the address that the server printed, or add the name to allowed_hosts.",
        )
    changes = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
    origin = headers.get("origin")
    # Programs such as curl send no Origin; browsers do for every request that could change
    # something, and a page cannot forge it.
    if changes and origin is not None and urlsplit(origin).netloc != host:
        return Problem(
            title=TITLES[403],
            status=403,
            detail=f"origin: a page of {origin} may not act on this server. Only pages served "
            f"from {host} may.",
            field="origin",
            value=origin,
            mend=f"Open http://{host} itself.",
        )
    return None


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    return urlsplit(f"//{host}").hostname or ""


async def refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a problem; a WebSocket handshake is denied with the same response."""
    response = problem_response(problem)
    if scope["type"] == "http":
        response.headers["connection"] = "close"  # the rest of an oversized body is not read
        await response(scope, receive, send)
    elif "websocket.http.response" in scope.get("extensions", {}):
        await response(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": problem.title})


async def read_at_most(receive: Receive, limit: int) -> bytes | None:
    """Read a body without a declared length; None when it passes the limit."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        parts.append(chunk)
        if not message.get("more_body", False):
            return b"".join(parts)


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands out a body that was read already, then what follows it."""
    handed = False

    async def again() -> Message:
        nonlocal handed
        if handed:
            return await receive()
        handed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
