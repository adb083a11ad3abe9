"""Builds what a box gets to run: the submission, followed by what drives it where one is needed."""

from __future__ import annotations

from pathlib import Path

from ppolab.assessment.challenge import ChallengeFolder

INSIDE = Path(__file__).parent / "inside"
ENTRY = "_ppolab_answer"  # what the box calls where a program of ours drives the submission
PROGRAMS = {
    "class": "plugin.py",
    "training": "training.py",
    "distributed": "ranks.py",
    "speed": "speed.py",
    "several": "several.py",
}


def program_of(challenge: ChallengeFolder) -> str | None:
    """The program that drives submissions of a challenge; None where the function is called."""
    if challenge.kind == "function" and challenge.entry.count(",") > 0:
        return PROGRAMS["several"]
    return PROGRAMS.get(challenge.kind)


def names_of(challenge: ChallengeFolder) -> list[str]:
    """What a submission must define."""
    return [name.strip() for name in challenge.entry.split(",")]


def boxed(challenge: ChallengeFolder, source: str) -> tuple[str, str]:
    """What the box is to load, and the name it is to call.

    The submission comes first and untouched, so that the lines in its errors are its own.
    """
    program = program_of(challenge)
    if program is None:
        return source, challenge.entry
    given = dict(challenge.given)
    if challenge.kind == "speed":
        given["slow.py"] = challenge.starter
    text = (INSIDE / program).read_text(encoding="utf-8")
    glue = _glue(text, program, names_of(challenge), given)
    return f"{source}\n\n{glue}", ENTRY


def _glue(text: str, program: str, names: list[str], given: dict[str, str]) -> str:
    return f"""
for _ppolab_name in {names!r}:
    if not callable(globals().get(_ppolab_name)):
        raise NameError(f"there is no function or class called {{_ppolab_name}}")
_ppolab_program = {{"__name__": "program"}}
exec(compile({text!r}, {program!r}, "exec"), _ppolab_program)


def {ENTRY}(*args):
    return _ppolab_program["answer"](globals(), {names[0]!r}, {given!r}, *args)
"""
