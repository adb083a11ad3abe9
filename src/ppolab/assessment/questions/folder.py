"""A question as a file: `chapters/NN-slug/questions/NN-name.py`, a module of ours.

It says `TITLE`, `MINUTES`, `MISCONCEPTIONS` (as the curriculum numbers them, may be empty) and
`generate(rng)`, which draws a variant from a NumPy generator and from nothing else.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import numpy as np

from ppolab.assessment.questions.variant import Variant
from ppolab.errors import InvalidSettingError

NUMBERED = re.compile(r"^\d+-")


@dataclass(frozen=True)
class Question:
    """A question that draws its variants from seeds."""

    slug: str
    chapter: str  # slug of the chapter
    title: str
    minutes: int
    misconceptions: tuple[str, ...]
    generate: Callable[[np.random.Generator], Variant]
    file: Path

    def variant(self, seed: int) -> Variant:
        """The variant of a seed: the same for the same seed."""
        return self.generate(np.random.default_rng(seed))


def find_questions(content_root: Path) -> dict[str, Question]:
    """Read every question under `content_root`, by slug, in the order of chapters and files."""
    found: dict[str, Question] = {}
    for file in sorted(content_root.glob("chapters/*/questions/*.py")):
        question = load_question(file)
        if question.slug in found:
            raise InvalidSettingError(
                "question file",
                question.slug,
                f"is the name of two questions: {found[question.slug].file} and {file}",
                "Rename one of the files",
            )
        found[question.slug] = question
    return found


def load_question(file: Path) -> Question:
    """Read one question. Raises `InvalidSettingError` for what it lacks."""
    module = _module(file.resolve(), file.stat().st_mtime_ns)
    title = getattr(module, "TITLE", None)
    if not isinstance(title, str) or not title.strip():
        raise InvalidSettingError(f"{file} TITLE", title, "is no text", 'Write TITLE = "…"')
    minutes = getattr(module, "MINUTES", None)
    if not isinstance(minutes, int) or minutes < 1:
        raise InvalidSettingError(
            f"{file} MINUTES", minutes, "is no length of time", "Give whole minutes"
        )
    generate = getattr(module, "generate", None)
    if not callable(generate):
        raise InvalidSettingError(
            f"{file} generate", generate, "is no function", "Write `def generate(rng)`"
        )
    return Question(
        slug=NUMBERED.sub("", file.stem),
        chapter=NUMBERED.sub("", file.parent.parent.name),
        title=title,
        minutes=minutes,
        misconceptions=tuple(getattr(module, "MISCONCEPTIONS", ())),
        generate=generate,
        file=file,
    )


@lru_cache(maxsize=256)
def _module(file: Path, changed: int) -> ModuleType:
    """Import a file; again only when it has changed."""
    spec = importlib.util.spec_from_file_location(f"question {file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a fault of the file, whatever it is, told by its name
        raise InvalidSettingError(
            "question file", str(file), f"cannot be read: {error!r}", "Mend the file"
        ) from error
    return module
