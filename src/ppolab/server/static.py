"""Serves the built page: compressed siblings, long caching of hashed files, one page for all views.

Everything the page needs comes from this server; the content security policy says so.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Match

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Formulas and the editor place elements by style attributes and style sheets of their own.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
FOREVER = "public, max-age=31536000, immutable"  # file names carry a hash of the content
NOT_PAGES = ("api", "ws", "assets", "health", "ready")
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>PPO Lab</title>
<h1>The page is not built yet</h1>
<p>The server works, but there is no page to show. In the source folder, <code>make run</code>
builds it and starts the server again.</p></html>"""


def static_routes(web: Path) -> APIRouter:
    """The routes that serve the files of a built page in `web`; they must come last."""
    router = APIRouter(include_in_schema=False)
    methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]

    @router.api_route("/api/{path:path}", methods=methods)
    def unknown_api(path: str, request: Request) -> Response:
        # Any other route of this address would have been taken if the method had fitted.
        matches = [route.matches(request.scope)[0] for route in request.app.routes]
        if Match.PARTIAL in matches:
            raise HTTPException(405, f"{request.method} is not possible here.")
        raise HTTPException(404, "there is nothing here. /api/openapi.json lists what there is.")

    @router.api_route("/{path:path}", methods=["GET", "HEAD"])
    def page(path: str, request: Request) -> Response:
        return answer(web, path, request)

    return router


def answer(web: Path, path: str, request: Request) -> Response:
    """A file of the page, or the page itself for a view's address opened in a browser."""
    file = inside(web, path)
    if file is not None:
        return file_response(file, request, FOREVER if path.startswith("assets/") else "no-cache")
    wants_page = "text/html" in request.headers.get("accept", "")
    if path.split("/")[0] in NOT_PAGES or not (wants_page or path == ""):
        raise HTTPException(404, "there is no such file.")
    index = inside(web, "index.html")
    if index is None:
        return HTMLResponse(NOT_BUILT, status_code=503, headers=SECURITY_HEADERS)
    return file_response(index, request, "no-cache")


def inside(web: Path, path: str) -> Path | None:
    """The file at `path` within `web`; None where there is none or it lies outside."""
    try:
        file = (web / path).resolve()
        found = file.is_relative_to(web.resolve()) and file.is_file()
    except (OSError, ValueError):  # a name too long, or with a null byte
        return None
    return file if found else None


def file_response(file: Path, request: Request, cache: str) -> Response:
    """Send a file, compressed where the browser takes it and a sibling exists."""
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = {**SECURITY_HEADERS, "cache-control": cache, "vary": "accept-encoding"}
    accepted = request.headers.get("accept-encoding", "")
    for encoding, suffix in ENCODINGS:
        sibling = file.with_name(file.name + suffix)
        if encoding in accepted and sibling.is_file():
            headers["content-encoding"] = encoding
            return FileResponse(sibling, media_type=media_type, headers=headers)
    return FileResponse(file, media_type=media_type, headers=headers)
