"""`ppolab challenge`: graded tasks in the terminal and in an editor of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from ppolab.cli.options import parse
from ppolab.cli.output import Output
from ppolab.errors import InvalidSettingError, StorageError, UnknownNameError

if TYPE_CHECKING:
    from ppolab.assessment import ChallengeFolder, CheckOutcome, Grade

EXAMPLE = "ppolab challenge submit clipped-objective my_loss.py"
MARKS = {"pass": "✓", "fail": "✗", "not_run": "·", "pending": "…"}  # all others are "!"


@dataclass(frozen=True)
class ChallengeOptions:
    """List the graded tasks, start one in a folder of its own, see its hints, or submit a file."""

    action: Annotated[Literal["list", "start", "hint", "submit"], tyro.conf.Positional] = "list"
    """What to do."""
    slug: Annotated[str | None, tyro.conf.Positional] = None
    """Name of the challenge."""
    file: Annotated[Path | None, tyro.conf.Positional] = None
    """With start, the folder to make, by default one named like the challenge; with submit, the
    file with the solution, by default the one in such a folder."""
    unsafe_local: bool = False
    """Run the file without isolation, where this machine has none. Only for your own code."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""


def run(arguments: list[str], output: Output) -> int:
    """Do what is asked; exit code 1 for a submission that does not pass."""
    options = parse(ChallengeOptions, "challenge", arguments, EXAMPLE)

    from ppolab.assessment import find_challenges
    from ppolab.server.settings import default_content

    challenges = find_challenges(default_content())
    if options.action == "list":
        for slug, challenge in challenges.items():
            output.console.print(f"{slug:<24} {challenge.title}  ({challenge.minutes} minutes)")
        output.result({"challenges": list(challenges)})
        return 0
    if options.slug is None:
        raise InvalidSettingError("challenge", options.slug, "needs a name", EXAMPLE)
    if options.slug not in challenges:
        raise UnknownNameError("challenge", options.slug, list(challenges))
    challenge = challenges[options.slug]
    if options.action == "start":
        return _start(challenge, options.file or Path(challenge.slug), output)
    if options.action == "hint":
        return _hints(challenge, output)
    source = _read(_solution(challenge, options.file))
    return _submit(challenge, source, options.unsafe_local, output)


def _start(challenge: ChallengeFolder, folder: Path, output: Output) -> int:
    from ppolab.assessment.workspace import solution_file, start_workspace

    files = start_workspace(challenge, folder)
    for file in files:
        output.console.print(str(file), markup=False)
    own = folder / solution_file(challenge)
    output.console.print(
        f"Write {own}, or open the notebook; then: ppolab challenge submit {challenge.slug} {own}",
        markup=False,
        soft_wrap=True,
    )
    output.result({"challenge": challenge.slug, "files": [str(file) for file in files]})
    return 0


def _hints(challenge: ChallengeFolder, output: Output) -> int:
    """Show the hints that tries have opened, on the page or here."""
    from ppolab.server.startup import open_records

    records = open_records()
    solved = ("challenge", challenge.chapter.partition("-")[2], challenge.slug) in records.done()
    tries = records.count_tries(challenge.slug, challenge.starter)
    records.close()
    opened = challenge.hints if solved else challenge.hints[:tries]
    for number, hint in enumerate(opened, 1):
        output.console.print(f"Hint {number} of {len(challenge.hints)}\n{hint}\n", markup=False)
    if len(opened) < len(challenge.hints):
        output.console.print(f"The next hint opens after one more try; so far there are {tries}.")
    output.result({"challenge": challenge.slug, "tries": tries, "hints": list(opened)})
    return 0


def _submit(challenge: ChallengeFolder, source: str, unsafe_local: bool, output: Output) -> int:
    from ppolab.assessment import grade
    from ppolab.sandbox import choose_backend
    from ppolab.server.grading import keep_graded
    from ppolab.server.startup import open_records

    backend = choose_backend(unsafe_local)
    console = output.console
    with console.status(f"grading in {backend.name}"):
        result = grade(challenge, source, backend, on_update=_follow(output))
    if result.output:
        console.print(f"\nyour code printed:\n{result.output}", markup=False)
    console.print(f"\n[bold]{result.verdict}[/bold]  ", end="")
    console.print(f"{result.summary}  ({result.seconds:.1f} s, {result.backend})", markup=False)
    records = open_records()
    attempt = keep_graded(records, challenge, source, result)
    records.close()
    output.result(
        {"challenge": challenge.slug, "verdict": result.verdict, "summary": result.summary,
         "checks": [asdict(check) for check in result.checks], "backend": result.backend,
         "attempt": attempt.id, "seconds": round(result.seconds, 3)}
    )  # fmt: skip
    return 0 if result.verdict == "pass" else 1


def _follow(output: Output) -> Callable[[Grade], None]:
    """Print each check once, as soon as it is decided."""
    printed: set[str] = set()

    def update(grade: Grade) -> None:
        for check in grade.checks:
            if check.status != "pending" and check.name not in printed:
                printed.add(check.name)
                _print_check(check, output)

    return update


def _print_check(check: CheckOutcome, output: Output) -> None:
    console = output.console
    console.print(f"{MARKS.get(check.status, '!')} {check.title}", markup=False)
    if check.status == "pass":
        return
    for text in (check.case, check.message):
        if text:
            indented = "\n".join(f"    {line}" for line in text.splitlines())
            console.print(indented, markup=False, soft_wrap=True)


def _solution(challenge: ChallengeFolder, given: Path | None) -> Path:
    """The file to submit: the one that was named, or the one in the challenge's own folder."""
    from ppolab.assessment.workspace import solution_file

    own = solution_file(challenge)
    if given is not None:
        return given / own if given.is_dir() else given
    usual = Path(challenge.slug) / own
    return usual if usual.is_file() else Path(own)


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
