"""Asks SymPy, in a process of its own and for a limited time, whether lines are equal as formulas.

Random cases already found them equal; a proof says more. Where none is found in time, the random
cases stand.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

from ppolab.assessment.derivations.language import (
    LineError,
    Name,
    Negative,
    Node,
    Number,
    Operation,
    parse,
)
from ppolab.assessment.derivations.lines import Chain, split_relation
from ppolab.assessment.derivations.worlds import World

WORKER = Path(__file__).with_name("symbolic_worker.py")
SECONDS = 6.0
WORLDS = frozenset({"episode", "pair"})  # whose lines are formulas in a few letters

# A proof takes a core; further ones wait, and give up when the one before takes all the time.
_at_work = threading.Lock()


def prove_chain(
    world: World, chain: Chain, lines: list[str], seconds: float = SECONDS
) -> list[bool]:
    """Which lines are the same formula as the line before; False where that was not found."""
    texts = [line for line in lines if line.strip()]
    if world.name not in WORLDS or not texts:
        return [False] * len(texts)
    try:
        trees = [parse(chain.start), *(parse(split_relation(text)[1]) for text in texts)]
    except LineError:
        return [False] * len(texts)
    pairs = [[as_lists(a), as_lists(b)] for a, b in pairwise(trees)]
    if not _at_work.acquire(timeout=seconds):
        return [False] * len(texts)
    try:
        said = _ask({"world": world.name, "pairs": pairs}, seconds)
    finally:
        _at_work.release()
    proved = [line == "true" for line in said.split()]
    return (proved + [False] * len(texts))[: len(texts)]


def _ask(asked: dict[str, Any], seconds: float) -> str:
    # -I: it sees neither this package nor anything of the user's.
    command = [sys.executable, "-I", str(WORKER)]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
        return said.decode() if isinstance(said, bytes) else said
    except OSError:
        return ""
    return done.stdout


def as_lists(node: Node) -> list[Any]:
    """A line's tree as JSON can hold it."""
    if isinstance(node, Number):
        return ["number", node.value]
    if isinstance(node, Name):
        return ["name", node.name]
    if isinstance(node, Negative):
        return ["negative", as_lists(node.of)]
    if isinstance(node, Operation):
        return ["operation", node.sign, as_lists(node.left), as_lists(node.right)]
    return ["call", node.name, [as_lists(argument) for argument in node.arguments]]
