"""Certificates: signed records of what a learner passed, on seeds that nobody saw before.

A certificate is a JSON file. Anyone can check it offline: that it is as it was issued, and, knowing
the issuer's public key, that it is theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ppolab.assessment.signing import SigningKey, canonical, verify
from ppolab.errors import ConflictError, InvalidSettingError, PPOLabError

FORMAT, VERSION = "ppolab-certificate", 1
MAX_NAME = 80
TEXT_FIELDS = ("format", "name", "course", "issued_at", "software", "public_key", "signature")


class CertificateError(PPOLabError):
    """A file is signed, and still no certificate of ours."""

    status = 422

    def __init__(self, value: object, problem: str) -> None:
        super().__init__(
            "certificate", value, problem, "Give a file that `certificate issue` wrote."
        )


@dataclass(frozen=True)
class Passed:
    """One thing that was passed."""

    kind: str  # "challenge", "questions", "derivation"
    slug: str
    title: str
    chapter: str
    passed_at: str  # ISO 8601, UTC
    attempts: int  # up to now, right and wrong
    hints: int  # looked at
    evidence: str  # SHA-256 of what was submitted, in hexadecimal


@dataclass(frozen=True)
class Certificate:
    """A certificate whose signature was found to fit."""

    name: str
    course: str
    issued_at: str
    software: str
    public_key: str
    passed: tuple[Passed, ...]


def evidence_of(submitted: Any) -> str:
    """The hash by which what was submitted can be recognised later."""
    return hashlib.sha256(canonical({"submitted": submitted})).hexdigest()


def issue(
    key: SigningKey, name: str, course: str, software: str, passed: Sequence[Passed]
) -> dict[str, Any]:
    """Sign what was passed, in this name. Raises InvalidSettingError or ConflictError."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidSettingError(
            "name", name, "is no name for a certificate", f"Give 1 to {MAX_NAME} visible characters"
        )
    if not passed:
        raise ConflictError(
            "certificate", name, "would be empty", "Pass a challenge, a quiz or a derivation first."
        )
    content = {
        "format": FORMAT,
        "version": VERSION,
        "name": name,
        "course": course,
        "software": software,
        "issued_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "passed": [asdict(item) for item in passed],
    }
    return key.sign(content)


def check(document: dict[str, Any], trusted: str | None = None) -> Certificate:
    """Read a certificate. Raises SignatureError or CertificateError, in words.

    The signature is looked at first: of what is not signed, nothing is worth reading.
    """
    verify(document, trusted)
    if document.get("format") != FORMAT:
        raise CertificateError(document.get("format"), "is signed, but no certificate")
    if document.get("version") != VERSION:
        raise CertificateError(document.get("version"), "is a version that is not known here")
    strange = sorted(set(document) ^ {*TEXT_FIELDS, "version", "passed"})
    if strange or not all(isinstance(document[name], str) for name in TEXT_FIELDS):
        raise CertificateError(strange, "lacks fields, or has some that no certificate has")
    try:
        passed = tuple(Passed(**item) for item in document["passed"])
    except TypeError as error:
        raise CertificateError(document["passed"], "lists something that cannot be read") from error
    names = ("name", "course", "issued_at", "software", "public_key")
    return Certificate(**{name: document[name] for name in names}, passed=passed)
