"""`ppolab challenge`: graded tasks in the terminal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console

from ppolab.cli.options import parse
from ppolab.cli.output import Output
from ppolab.errors import InvalidSettingError, StorageError, UnknownNameError

if TYPE_CHECKING:
    from ppolab.assessment import ChallengeFolder

EXAMPLE = "ppolab challenge submit clipped-objective my_loss.py"
MARKS = {"pass": "✓", "fail": "✗", "error": "✗", "not_run": "·", "pending": "…"}


@dataclass(frozen=True)
class ChallengeOptions:
    """List the graded tasks, or have a file graded in the sandbox."""

    action: Annotated[Literal["list", "submit"], tyro.conf.Positional] = "list"
    """What to do."""
    slug: Annotated[str | None, tyro.conf.Positional] = None
    """Name of the challenge."""
    file: Annotated[Path | None, tyro.conf.Positional] = None
    """Python file with the solution."""
    unsafe_local: bool = False
    """Run the file without isolation, where this machine has none. Only for your own code."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""


def run(arguments: list[str], output: Output) -> int:
    """Grade or list; exit code 0 for a pass, 1 for any other verdict."""
    options = parse(ChallengeOptions, "challenge", arguments, EXAMPLE)

    from ppolab.assessment import find_challenges
    from ppolab.server.settings import default_content

    challenges = find_challenges(default_content())
    if options.action == "list":
        for slug, challenge in challenges.items():
            output.console.print(f"{slug:<24} {challenge.title}  ({challenge.minutes} minutes)")
        output.result({"challenges": list(challenges)})
        return 0
    if options.slug is None or options.file is None:
        raise InvalidSettingError("challenge", options.slug, "needs a name and a file", EXAMPLE)
    if options.slug not in challenges:
        raise UnknownNameError("challenge", options.slug, list(challenges))
    return _submit(challenges[options.slug], _read(options.file), options.unsafe_local, output)


def _submit(challenge: ChallengeFolder, source: str, unsafe_local: bool, output: Output) -> int:
    from ppolab.assessment import grade
    from ppolab.sandbox import choose_backend

    backend = choose_backend(unsafe_local)
    console: Console = output.console
    with console.status(f"grading in {backend.name}"):
        result = grade(challenge, source, backend)
    for check in result.checks:
        console.print(f"{MARKS[check.status]} {check.title}", markup=False)
        if check.message and check.status != "pass":
            console.print(f"    {check.message}", markup=False, soft_wrap=True)
    if result.output:
        console.print(f"\nyour code printed:\n{result.output}", markup=False)
    console.print(f"\n[bold]{result.verdict}[/bold]  ", end="")
    console.print(f"{result.summary}  ({result.seconds:.1f} s, {result.backend})", markup=False)
    output.result(
        {"challenge": challenge.slug, "verdict": result.verdict, "summary": result.summary,
         "checks": [asdict(check) for check in result.checks], "backend": result.backend,
         "seconds": round(result.seconds, 3)}
    )  # fmt: skip
    return 0 if result.verdict == "pass" else 1


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidSettingError(
            "file", str(file), "is not text in UTF-8", "Give a Python source file"
        ) from error
    except OSError as error:
        raise StorageError(
            "file", str(file), f"cannot be read ({error.strerror})", "Check the path"
        ) from error
