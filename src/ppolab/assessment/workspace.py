"""A folder in which a learner works on a challenge with an editor of their own, or a notebook."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ppolab.assessment.challenge import ChallengeFolder
from ppolab.assessment.examples import Example, show
from ppolab.assessment.showing import call_of
from ppolab.errors import StorageError

ROLE = re.compile(r":[a-z]+\[([^\]]*)\]")  # a marked word, such as :actor[policy]


def solution_file(challenge: ChallengeFolder) -> str:
    """How the file is called that a learner writes."""
    return f"solution{challenge.suffix}"


def start_workspace(challenge: ChallengeFolder, folder: Path) -> list[Path]:
    """Write the files of a workspace and return them.

    Raises `StorageError` where there is a solution already, which is somebody's work.
    """
    own = folder / solution_file(challenge)
    if own.exists():
        raise StorageError(
            "folder", str(own), "is there already", "Go on with it, or name another folder"
        )
    files = {"README.md": readme(challenge), own.name: challenge.starter, **challenge.given}
    if challenge.suffix == ".py":
        if challenge.examples:
            files["examples.py"] = examples_program(challenge)
        files["notebook.ipynb"] = json.dumps(notebook(challenge), indent=1, ensure_ascii=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(
            "folder", str(folder), f"cannot be written ({error.strerror})", "Name another folder"
        ) from error
    return [folder / name for name in files]


def readme(challenge: ChallengeFolder) -> str:
    """The text of the challenge, what will be checked, and how to submit."""
    checks = "\n".join(f"- {check.title}" for check in challenge.checks)
    own = solution_file(challenge)
    prompt = ROLE.sub(r"\1", challenge.prompt).strip()
    examples = "Try the examples: `python examples.py`. " if challenge.examples else ""
    return (
        f"# {challenge.title}\n\n{prompt}\n\n"
        f"## What will be checked\n\n{checks}\n\n"
        f"## How to go on\n\nWrite `{own}`. {examples}"
        f"Submit it from this folder:\n\n    ppolab challenge submit {challenge.slug} {own}\n\n"
        f"Each different try opens a hint: `ppolab challenge hint {challenge.slug}`.\n"
    )


def examples_program(challenge: ChallengeFolder) -> str:
    """A program that goes through the visible examples, each beside what is to come of it."""
    parts = [
        f'"""The examples of "{challenge.title}": run me beside {solution_file(challenge)}."""'
    ]
    parts.append("import torch\n\nfrom solution import *")
    parts += [_example(challenge, example) for example in challenge.examples]
    return "\n\n".join(parts)


def _example(challenge: ChallengeFolder, example: Example) -> str:
    if challenge.kind == "class":
        *steps, last = call_of(challenge, example).splitlines()
        lines = [*steps, f"print({last})"]
    else:
        entry, *args = [challenge.entry, *example.args]
        if "," in challenge.entry:
            entry, *args = example.args
        lines = [f"print({entry}({', '.join(map(_written, args))}))"]
    expected = example.expected[-1] if challenge.kind == "class" else example.expected
    return "\n".join([f"# {example.name}: expected {show(expected)}", *lines])


def _written(value: Any) -> str:
    """An argument as Python: lists of numbers are tensors."""
    numeric = isinstance(value, list) and re.fullmatch(r"[\[\]\d\s.,eTrualsF+-]+", repr(value))
    return f"torch.tensor({value!r})" if value and numeric else repr(value)


def notebook(challenge: ChallengeFolder) -> dict[str, Any]:
    """A notebook that writes the solution file, tries the examples and submits."""
    own = solution_file(challenge)
    cells = [
        _cell("markdown", readme(challenge)),
        _cell("code", f"%%writefile {own}\n{challenge.starter}"),
    ]
    if challenge.examples:
        cells.append(_cell("code", "!python examples.py"))
    cells.append(_cell("code", f"!ppolab challenge submit {challenge.slug} {own}"))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _cell(kind: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}}
    cell["source"] = text.rstrip("\n").splitlines(keepends=True)
    if kind == "code":
        cell |= {"outputs": [], "execution_count": None}
    return cell
