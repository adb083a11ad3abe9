"""`ppolab certificate`: signed records of what was passed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ppolab.cli.files import read_text, write_json
from ppolab.cli.options import default_home, parse
from ppolab.cli.output import Output
from ppolab.errors import InvalidSettingError

EXAMPLE = "ppolab certificate verify certificate.json"


@dataclass(frozen=True)
class CertificateOptions:
    """Issue a certificate of what was passed here, verify one offline, or show the public key."""

    action: Annotated[Literal["issue", "verify", "key"], tyro.conf.Positional]
    """What to do."""
    file: Annotated[Path | None, tyro.conf.Positional] = None
    """File to write or to verify."""
    name: str | None = None
    """Whose certificate it is, as it should stand on it."""
    key: str | None = None
    """Public key of the issuer you trust, 64 digits; without it, only that nothing was changed."""
    home: Path = field(default_factory=default_home)
    """Folder of runs, progress and the signing key."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""


def run(arguments: list[str], output: Output) -> int:
    """Do it; exit code 0, or 1 where a certificate cannot be trusted."""
    options = parse(CertificateOptions, "certificate", arguments, EXAMPLE)

    from ppolab.assessment.signing import SigningKey, fingerprint

    if options.action == "key":
        key = SigningKey.of(options.home).public
        output.console.print(f"{key}\n({fingerprint(key)})")
        output.result({"public_key": key, "fingerprint": fingerprint(key)})
        return 0
    if options.file is None:
        raise InvalidSettingError("file", None, "is missing", EXAMPLE)
    if options.action == "verify":
        return _verify(options.file, options.key, output)
    return _issue(options, options.file, output)


def _verify(file: Path, trusted: str | None, output: Output) -> int:
    from ppolab.assessment.certificates import CertificateError, check
    from ppolab.assessment.signing import SignatureError, fingerprint, read_document

    try:
        certificate = check(read_document(read_text(file), "certificate"), trusted)
    except (SignatureError, CertificateError) as error:
        output.error(error)
        return 1
    console = output.console
    console.print(f"✓ {certificate.name}, {certificate.course}", markup=False)
    console.print(f"  issued {certificate.issued_at} by {fingerprint(certificate.public_key)}")
    if trusted is None:
        console.print("  nothing was changed; --key tells whether the issuer is one you trust")
    for entry in certificate.passed:
        console.print(
            f"  {entry.kind:<11} {entry.title}: {entry.passed_at}, {entry.attempts} attempts, "
            f"{entry.hints} hints",
            markup=False,
        )
    output.result(asdict(certificate))
    return 0


def _issue(options: CertificateOptions, file: Path, output: Output) -> int:
    from ppolab import __version__
    from ppolab.assessment.certificates import issue
    from ppolab.assessment.signing import SigningKey
    from ppolab.course import Course
    from ppolab.server.database import open_database
    from ppolab.server.passed import passed
    from ppolab.server.records import Records
    from ppolab.server.settings import ServerSettings

    settings = ServerSettings(home=options.home)
    settings.prepare()
    course, records = Course(settings.content), Records(open_database(settings.database))
    entries = passed(course, records)
    key = SigningKey.of(settings.home)
    document = issue(key, options.name or "", course.outline().title, __version__, entries)
    write_json(file, document)
    output.console.print(f"{file}: {len(entries)} passed, signed by {key.public}", soft_wrap=True)
    output.result({"file": str(file), "passed": len(entries), "public_key": key.public})
    return 0
