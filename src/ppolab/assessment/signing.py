"""Signs documents with a key of this installation (Ed25519, RFC 8032), and checks signatures.

A signature says that a document is as it was when the holder of a key signed it. Whether that
holder is to be trusted, it cannot say: on a learner's own machine the key is the learner's.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ppolab.errors import InvalidSettingError, PPOLabError, StorageError

KEY_FILE = "certificate.key"
KEY_BYTES, SIGNATURE_BYTES = 32, 64
FIELDS = ("public_key", "signature")


class SignatureError(PPOLabError):
    """A document is not what its key signed; the message says what is wrong."""

    status = 422

    def __init__(self, value: object, problem: str, mend: str) -> None:
        super().__init__("signature", value, problem, mend)


class SigningKey:
    """The private key of an installation. It is never shown, sent or exported."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @classmethod
    def of(cls, home: Path) -> SigningKey:
        """Read the key in a home folder; the first time it is made, readable by its owner alone."""
        file = home / KEY_FILE
        try:
            if not file.exists():
                _write_once(file, Ed25519PrivateKey.generate().private_bytes_raw())
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & 0o077:
                raise StorageError(
                    "certificate key",
                    str(file),
                    f"can be read by others (mode {mode:o}), so its signature would say nothing",
                    f"Run: chmod 600 {file}. If others may have read it, delete it.",
                )
            seed = bytes.fromhex(file.read_text("ascii"))
            return cls(Ed25519PrivateKey.from_private_bytes(seed))
        except OSError as error:
            raise StorageError(
                "certificate key",
                str(file),
                f"cannot be used ({error.strerror})",
                "Mend its folder",
            ) from error
        except ValueError as error:
            raise StorageError(
                "certificate key",
                str(file),
                "is not a key",
                "Restore it from a copy, or delete it: a new one is made, by another name.",
            ) from error

    @property
    def public(self) -> str:
        """The public key, 64 hexadecimal digits."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, content: dict[str, Any]) -> dict[str, Any]:
        """The content with the public key and the signature over both."""
        document = {**content, "public_key": self.public}
        return {**document, "signature": self._private.sign(canonical(document)).hex()}


def public_key_of(home: Path) -> str | None:
    """The public key of a home folder; None where no key was made yet."""
    return SigningKey.of(home).public if (home / KEY_FILE).exists() else None


def _write_once(file: Path, seed: bytes) -> None:
    """Write a key under its final mode from the first byte on; an existing one is left alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process was first
        return
    with os.fdopen(descriptor, "w") as stream:
        stream.write(seed.hex())


def canonical(content: dict[str, Any]) -> bytes:
    """The one way in which a document is written for signing. Raises ValueError for NaN."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "strict")


def verify(document: dict[str, Any], trusted: str | None = None) -> str:
    """Check a document's signature and return the public key that made it.

    With `trusted`, that must be the key. Raises SignatureError in words.
    """
    key, signature = (document.get(name) for name in FIELDS)
    key_bytes = _hex(key, KEY_BYTES)
    signed = _hex(signature, SIGNATURE_BYTES)
    if key_bytes is None or signed is None:
        raise SignatureError(
            key if key_bytes is None else signature,
            "is no key or signature, so nothing vouches for this file",
            "Ask for the file as it was issued.",
        )
    content = {name: value for name, value in document.items() if name != "signature"}
    try:
        Ed25519PublicKey.from_public_bytes(key_bytes).verify(signed, canonical(content))
    except (InvalidSignature, ValueError) as error:
        raise SignatureError(
            signature,
            "does not fit: the content was changed after it was signed, or another key signed it",
            "Ask for the file as it was issued.",
        ) from error
    if trusted is not None and str(key) != check_public_key(trusted):
        raise SignatureError(
            key,
            f"is not the key that you trust ({fingerprint(trusted)})",
            "It is intact, but someone else issued it.",
        )
    return str(key)


def check_public_key(text: str) -> str:
    """A public key as it was typed, in small letters. Raises InvalidSettingError."""
    plain = text.strip().lower()
    if _hex(plain, KEY_BYTES) is None:
        raise InvalidSettingError(
            "key",
            text,
            "is not a public key",
            "Give the 64 digits that `ppolab certificate key` shows",
        )
    return plain


def fingerprint(public_key: str) -> str:
    """A public key's short name, for people to compare."""
    digest = hashlib.sha256(bytes.fromhex(check_public_key(public_key))).hexdigest()[:16]
    return ":".join(digest[place : place + 4] for place in range(0, 16, 4))


def read_document(text: str, what: str) -> dict[str, Any]:
    """Read a signed document's JSON; a name that stands twice in it is refused.

    Of two values under one name, programs disagree which one counts. Raises InvalidSettingError.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name stands twice in it")
        return found

    try:
        document = json.loads(text, object_pairs_hook=once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidSettingError(
            what, text[:40], f"cannot be read as JSON ({error})", "Give the file as it was issued"
        ) from error
    if not isinstance(document, dict):
        raise InvalidSettingError(what, text[:40], "is no JSON object", "Give the file itself")
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _hex(text: object, size: int) -> bytes | None:
    """Bytes from small hexadecimal digits, and from nothing else that would read as the same."""
    if not isinstance(text, str) or len(text) != 2 * size or set(text) - set("0123456789abcdef"):
        return None
    return bytes.fromhex(text)
