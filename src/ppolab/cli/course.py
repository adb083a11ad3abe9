"""`ppolab course check`: proves that the course can be trusted."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from ppolab.cli.options import parse
from ppolab.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from ppolab.assessment import ChallengeFolder, MutationReport

EXAMPLE = "ppolab course check --seeds 3"


@dataclass(frozen=True)
class CourseOptions:
    """Check every lesson, link, prediction, challenge, solution and mutant of the course."""

    action: Annotated[Literal["check"], tyro.conf.Positional] = "check"
    """What to do."""
    content: Path | None = None
    """Folder of the course; by default the one that came with the package."""
    seeds: int = 5
    """On how many seeds each solution must pass and each mutant must fail."""
    mutation: bool = False
    """Also make every mutant that a machine can make of each solution, and report how many of them
    the checks refuse."""
    lessons_only: bool = False
    """Leave the challenges out, which need the sandbox."""
    unsafe_local: bool = False
    """Run the course's own solutions without isolation."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""


def run(arguments: list[str], output: Output) -> int:
    """Check; exit code 0 when nothing was found, else 1."""
    options = parse(CourseOptions, "course", arguments, EXAMPLE)

    from ppolab.assessment import find_challenges
    from ppolab.assessment.questions import find_questions
    from ppolab.course import check_course
    from ppolab.server.settings import default_content

    content = options.content or default_content()
    started = time.perf_counter()
    found: list[dict[str, str]] = []
    console = output.console

    def report(where: str, problem: str, mend: str = "") -> None:
        found.append({"where": where, "problem": problem, "mend": mend})
        console.print(f"✗ {where}: {problem}. {mend}", markup=False, soft_wrap=True)

    with console.status("reading lessons"):
        for finding in check_course(content):
            report(finding.where, finding.problem, finding.mend)
    challenges = {} if options.lessons_only else find_challenges(content)
    scores = prove(challenges, options, output, report) if challenges else {}
    seconds = time.perf_counter() - started
    questions = find_questions(content)
    mutants = sum(len(challenge.mutants) for challenge in challenges.values())
    verdict = "nothing wrong" if not found else f"{len(found)} findings"
    console.print(
        f"{verdict}: {len(questions)} questions on 50 seeds each, {len(challenges)} challenges "
        f"with {mutants} mutants on {options.seeds} seeds, {seconds:.1f} s"
    )
    output.result(
        {"findings": found, "challenges": len(challenges), "mutants": mutants,
         "questions": len(questions), "mutation_scores": scores,
         "seconds": round(seconds, 2)}
    )  # fmt: skip
    return 1 if found else 0


def prove(
    challenges: dict[str, ChallengeFolder],
    options: CourseOptions,
    output: Output,
    report: Callable[..., None],
) -> dict[str, float]:
    """Prove every challenge; return the mutation scores of those that were asked for."""
    from ppolab.assessment import check_challenge, mutation_report
    from ppolab.sandbox import choose_backend

    backend = choose_backend(options.unsafe_local)
    console = output.console
    console.print(f"sandbox: {backend.name}")
    seeds = tuple(range(1, options.seeds + 1))
    scores: dict[str, float] = {}
    for slug, challenge in challenges.items():
        with console.status(f"proving {slug}: {len(challenge.mutants)} mutants"):
            for flaw in check_challenge(challenge, backend, seeds):
                report(f"{slug}/{flaw.file}", flaw.problem)
        if not options.mutation:
            continue
        with console.status(f"making mutants of {slug}"):
            made = mutation_report(challenge, backend)
        scores[slug] = round(made.score, 4)
        console.print(mutation_line(made), markup=False, soft_wrap=True)
        for name in made.survivors:
            mend = "Check for it, or say in survivors.yaml why it is right."
            report(f"{slug}/solution", f"no check refuses the mutant {name!r}", mend)
        for name in made.stale:
            report(f"{slug}/survivors.yaml", f"{name!r} is no survivor any more", "Take it out.")
    return scores


def mutation_line(report: MutationReport) -> str:
    """What became of the machine-made mutants of one challenge."""
    argued = f", {len(report.argued)} more are right themselves" if report.argued else ""
    wrong = report.total - len(report.argued)
    return (
        f"{report.challenge}: {report.refused} of {wrong} machine-made mutants refused "
        f"({report.score:.1%}){argued}"
    )
