"""`ppolab progress`: everything that was done, as one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ppolab.cli.files import read_text, write_json
from ppolab.cli.options import default_home, parse
from ppolab.cli.output import Output

EXAMPLE = "ppolab progress export progress.json"


@dataclass(frozen=True)
class ProgressOptions:
    """Write attempts, answers, predictions, drafts and hints to a file, or take such a file in."""

    action: Annotated[Literal["export", "import"], tyro.conf.Positional]
    """What to do; an import adds and takes nothing away."""
    file: Annotated[Path, tyro.conf.Positional]
    """File to write or to take in."""
    home: Path = field(default_factory=default_home)
    """Folder of runs, progress and the signing key."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""


def run(arguments: list[str], output: Output) -> int:
    """Write or take in."""
    options = parse(ProgressOptions, "progress", arguments, EXAMPLE)

    from ppolab.assessment.signing import read_document
    from ppolab.server import progress
    from ppolab.server.database import open_database
    from ppolab.server.records import Records
    from ppolab.server.settings import ServerSettings

    settings = ServerSettings(home=options.home)
    settings.prepare()
    records = Records(open_database(settings.database))
    if options.action == "export":
        document = progress.write_file(records, settings)
        write_json(options.file, document)
        rows = {name: len(v) for name, v in document.items() if isinstance(v, list)}
        told = ", ".join(f"{count} {name}" for name, count in rows.items())
        output.console.print(f"{options.file}: {told}", soft_wrap=True)
        output.result({"file": str(options.file), **rows})
        return 0
    document = read_document(read_text(options.file), "progress file")
    report = progress.take_in(records, settings, document)
    output.console.print(
        f"{report.added} added, {report.known} known already, {report.kept_beside} kept beside"
    )
    if report.origin:
        output.console.print(f"from {report.origin}: no certificate is issued here for it")
    output.result(report.model_dump())
    return 0
