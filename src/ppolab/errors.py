"""The errors that a person may see, each naming the field, the value and the mend."""

from __future__ import annotations


class PPOLabError(Exception):
    """Something outside the program is wrong, and the message says what to do about it.

    `field` names what was wrong, `value` is what was given, `problem` says why it cannot be used
    and `mend` what would work. `str(error)` is the whole sentence a person reads.
    """

    status = 400  # the HTTP status the server answers with

    def __init__(self, field: str, value: object, problem: str, mend: str) -> None:
        self.field = field
        self.value = value
        self.problem = problem
        self.mend = mend
        super().__init__(f"{field}: {shorten(value)} {problem}. {mend}")


class InvalidSettingError(PPOLabError):
    """A setting, argument or field of a message that cannot be used."""

    status = 422


class UnknownNameError(PPOLabError):
    """A name that is not in a known list; the message names the list."""

    status = 404

    def __init__(self, field: str, value: object, known: list[str], mend: str = "") -> None:
        names = ", ".join(known) if known else "none yet"
        super().__init__(field, value, "is not known", mend or f"Known: {names}")


class ConflictError(PPOLabError):
    """The request is sound but does not fit the present state."""

    status = 409


class StorageError(PPOLabError):
    """A file or folder that cannot be read or written."""

    status = 500


class UnavailableError(PPOLabError):
    """Something this machine lacks: an isolation backend, a free port, a package."""

    status = 503


def shorten(value: object, limit: int = 80) -> str:
    """Show a value in an error message in at most `limit` characters.

    The middle is left out: of a path the end matters, of a text the beginning.
    """
    text = repr(value)
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[head + 1 - limit :]}"
