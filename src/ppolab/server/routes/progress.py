"""Progress as one file, and certificates."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from ppolab import __version__
from ppolab.assessment.certificates import Certificate, check, issue
from ppolab.assessment.signing import SigningKey, fingerprint, public_key_of, read_document
from ppolab.server import progress
from ppolab.server.passed import passed
from ppolab.server.progress_schema import (
    ImportReport,
    IssueCertificate,
    PassedEntry,
    ProgressSummary,
    VerifiedCertificate,
)
from ppolab.server.services import ServicesDep

router = APIRouter(prefix="/api", tags=["progress"])
# The body is read as text: a signature is over the numbers as they were written.
SIGNED_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.get("/progress")
def get_progress(services: ServicesDep) -> ProgressSummary:
    """What was done, and what a certificate would say of it."""
    key = public_key_of(services.settings.home)
    outline = services.course.outline()
    return ProgressSummary(
        total=len(outline.walk()),
        **progress.counts(services.records),
        passed=[PassedEntry(**asdict(e)) for e in passed(services.course, services.records)],
        public_key=key,
        fingerprint=None if key is None else fingerprint(key),
    )


@router.get("/progress/export", response_class=Response)
def export_progress(services: ServicesDep) -> Response:
    """Everything that is kept of the learner, as one signed file."""
    return download(
        progress.write_file(services.records, services.settings), "ppolab-progress.json"
    )


@router.post("/progress/import", openapi_extra=SIGNED_BODY)
async def import_progress(request: Request, services: ServicesDep) -> ImportReport:
    """Add what such a file holds; nothing that is here is lost."""
    document = read_document((await request.body()).decode("utf-8", "replace"), "progress file")
    return progress.take_in(services.records, services.settings, document)


@router.post("/certificate", response_class=Response)
def issue_certificate(asked: IssueCertificate, services: ServicesDep) -> Response:
    """Issue a certificate of what was passed here."""
    entries = passed(services.course, services.records)
    key = SigningKey.of(services.settings.home)
    title = services.course.outline().title
    return download(issue(key, asked.name, title, __version__, entries), "ppolab-certificate.json")


@router.post("/certificate/verify", openapi_extra=SIGNED_BODY)
async def verify_certificate(request: Request, services: ServicesDep) -> VerifiedCertificate:
    """Check a certificate's signature and tell what it says."""
    document = read_document((await request.body()).decode("utf-8", "replace"), "certificate")
    return told(check(document), public_key_of(services.settings.home))


def told(certificate: Certificate, own_key: str | None) -> VerifiedCertificate:
    """A certificate on the wire."""
    return VerifiedCertificate(
        **{**asdict(certificate), "passed": [PassedEntry(**asdict(e)) for e in certificate.passed]},
        fingerprint=fingerprint(certificate.public_key),
        own=certificate.public_key == own_key,
    )


def download(document: dict[str, Any], name: str) -> Response:
    """A document as a file that a browser saves."""
    return Response(
        orjson.dumps(document, option=orjson.OPT_INDENT_2),
        media_type="application/json",
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "no-store",
        },
    )
