"""Reading and writing the small files that commands take and give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ppolab.errors import InvalidSettingError, StorageError


def read_text(file: Path) -> str:
    """A file's text. Raises InvalidSettingError or StorageError."""
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidSettingError(
            "file", str(file), "is not text in UTF-8", "Give the file as it was written"
        ) from error
    except OSError as error:
        raise StorageError(
            "file", str(file), f"cannot be read ({error.strerror})", "Check the path"
        ) from error


def write_json(file: Path, document: dict[str, Any]) -> None:
    """Write a new file; one that is there is left alone. Raises StorageError."""
    try:
        with file.open("x", encoding="utf-8") as stream:
            json.dump(document, stream, indent=2, ensure_ascii=False)
            stream.write("\n")
    except OSError as error:
        raise StorageError(
            "file",
            str(file),
            f"cannot be written ({error.strerror})",
            "Give the path of a new file",
        ) from error
