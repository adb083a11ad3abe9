"""Proves that the course can be read and that everything it points at is there.

`check_course` is what an author runs: it lists every finding with file, line and mend, and does
not stop at the first.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ppolab.assessment import ChallengeFolder
from ppolab.assessment.derivations import check_derivation
from ppolab.assessment.questions import Question, check_question
from ppolab.course.ast import (
    Block,
    DirectiveBlock,
    HeadingBlock,
    Inline,
    LinkInline,
    ListBlock,
    MathBlock,
    MathInline,
    ParagraphBlock,
    PredictBlock,
    QuoteBlock,
    StyledInline,
    TableBlock,
)
from ppolab.course.lesson import parse_document, read_lesson
from ppolab.course.markdown import parse_inline
from ppolab.course.model import LessonFile
from ppolab.course.reader import Course, Outline
from ppolab.course.source import source_of
from ppolab.errors import PPOLabError

CODE_SECONDS = 60
RUNNABLE = re.compile(r"^```python run\n(.*?)^```", re.MULTILINE | re.DOTALL)
INSTRUMENTS = frozenset({"clip-explorer"})  # the figures that the page has


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with the course."""

    where: str  # file, with the line where it is known
    problem: str
    mend: str


@dataclass(frozen=True)
class Known:
    """What a lesson may point at."""

    outline: Outline
    challenges: dict[str, ChallengeFolder]
    presets: frozenset[str]
    recorded: frozenset[str]
    metrics: frozenset[str]  # what a run records

    @property
    def addresses(self) -> frozenset[str]:
        """Every address within the page that a link may lead to."""
        forms = {
            "lesson": "/learn/{chapter}/{slug}",
            "challenge": "/challenge/{slug}",
            "questions": "/questions/{chapter}",
            "derivation": "/derivation/{slug}",
        }
        items = {
            forms[item.kind].format(chapter=chapter.slug, slug=item.slug)
            for chapter, item in self.outline.walk()
        }
        figures = {f"/instruments/{name}" for name in INSTRUMENTS}
        runs = {f"/runs/{name}" for name in self.recorded}
        return frozenset(items | figures | runs | {"/", "/runs"})


def check_course(content: Path, run_code: bool = True) -> list[Finding]:
    """Check every file of the course; an empty list means that all of it is sound.

    `run_code` also runs each code block marked ```python run```, in a process of its own.
    """
    # These bring the engine along, which reading lessons does not need.
    from ppolab.control.metrics import METRICS
    from ppolab.runs import presets

    course = Course(content)
    findings: list[Finding] = []
    try:
        known = Known(
            outline=course.outline(),
            challenges=course.challenges(),
            presets=frozenset(preset.name for preset in presets()),
            recorded=frozenset(path.parent.name for path in content.glob("runs/*/run.json")),
            metrics=frozenset(metric.key for metric in METRICS),
        )
    except PPOLabError as error:
        return [finding_of(error)]
    for chapter in known.outline.chapters:
        if not 3 <= len(chapter.goals) <= 5:
            findings.append(
                Finding(
                    str(content / "course.yaml"),
                    f"chapter {chapter.number} has {len(chapter.goals)} goals",
                    "Give three to five.",
                )
            )
        for slug, path in course.lesson_files(course.folder(chapter)).items():
            findings += check_lesson(path, chapter.slug, slug, known, run_code)
    for challenge in known.challenges.values():
        findings += check_texts(challenge, known)
    try:
        questions = list(course.questions().values())
    except PPOLabError as error:
        return [*findings, finding_of(error)]
    for question in questions:
        findings += check_questions_texts(question, known)
        findings += [
            Finding(str(question.file), flaw.problem, "Mend the question.")
            for flaw in check_question(question)
        ]
    return findings + check_derivations(course, known)


def check_derivations(course: Course, known: Known) -> list[Finding]:
    """Check that derivations can be read, tell right from wrong, and have sound texts."""
    try:
        derivations = list(course.derivations().values())
    except PPOLabError as error:
        return [finding_of(error)]
    findings: list[Finding] = []
    for derivation in derivations:
        report = Report(str(derivation.folder))
        pieces = [text for _, text in derivation.proof.shown(0)]
        texts = [derivation.prompt, derivation.explanation, *derivation.hints, *pieces]
        for text in [*texts, *(symbol.words for symbol in derivation.world.symbols)]:
            try:
                report.check_blocks(parse_document(text, report.where)[0], known, frozenset())
            except PPOLabError as error:
                report.findings.append(finding_of(error))
        for flaw in check_derivation(derivation):
            report.add(flaw.problem, "Mend derivation.yaml.")
        findings += report.findings
    return findings


def finding_of(error: PPOLabError) -> Finding:
    """Turn an error of reading into a finding."""
    return Finding(error.field, f"{error.value} {error.problem}", error.mend)


def check_lesson(
    path: Path, chapter: str, slug: str, known: Known, run_code: bool
) -> list[Finding]:
    """Check one lesson."""
    try:
        lesson = read_lesson(path, chapter, slug)
    except PPOLabError as error:
        return [finding_of(error)]
    report = Report(str(path))
    report.check_blocks(list(lesson.blocks), known, frozenset(lesson.predictions))
    check_reasons(lesson, report)
    if run_code:
        text = path.read_text(encoding="utf-8")
        for match in RUNNABLE.finditer(text):
            report.check_code(match.group(1), text.count("\n", 0, match.start()) + 1)
    return report.findings


def check_texts(challenge: ChallengeFolder, known: Known) -> list[Finding]:
    """Check the texts of a challenge; its checks are proved elsewhere."""
    report = Report(str(challenge.folder))
    for name, text in [
        ("prompt.md", challenge.prompt),
        *(("hints.md", h) for h in challenge.hints),
        ("explanation.md", challenge.explanation),
    ]:
        try:
            blocks, _ = parse_document(text, f"{challenge.folder}/{name}")
        except PPOLabError as error:
            report.findings.append(finding_of(error))
            continue
        report.check_blocks(blocks, known, frozenset())
    for symbol in challenge.engine:
        try:
            source_of(symbol)
        except PPOLabError as error:
            report.findings.append(finding_of(error))
    return report.findings


def check_questions_texts(question: Question, known: Known) -> list[Finding]:
    """Check the texts of some variants of a question; its marks are proved elsewhere."""
    report = Report(str(question.file))
    for seed in range(3):
        variant = question.variant(seed)
        ask, solution = variant.ask(seed), variant.solution()
        lines = [text for _, text in ask.options] + [*ask.demands, *solution.reasons.values()]
        try:
            for text in (ask.prompt, solution.explanation):
                report.check_blocks(parse_document(text, report.where)[0], known, frozenset())
            for text in lines:
                line = ParagraphBlock(children=parse_inline(text, report.where))
                report.check_blocks([line], known, frozenset())
        except PPOLabError as error:
            report.findings.append(finding_of(error))
    return list(dict.fromkeys(report.findings))


def check_reasons(lesson: LessonFile, report: Report) -> None:
    """Reasons are shown as plain text, so markup in them would be seen raw."""
    for key in lesson.predictions.values():
        for reason in key.reasons.values():
            if any(mark in reason for mark in ("$", "`", "**", "](")):
                report.add(f"the reason {reason!r} holds markup", "Write reasons as plain words.")


class Report:
    """Collects what is wrong with one file."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.findings: list[Finding] = []

    def add(self, problem: str, mend: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(self.where, problem, mend))

    def check_blocks(self, blocks: list[Block], known: Known, predictions: frozenset[str]) -> None:
        """Check every block and inline of a text."""
        anchors = {block.id for block in walk(blocks) if isinstance(block, HeadingBlock)}
        for block in walk(blocks):
            if isinstance(block, DirectiveBlock):
                self.check_directive(block, known, predictions)
            elif isinstance(block, HeadingBlock) and block.level == 1:
                self.add("a heading of level 1 repeats the title", "Begin with ##.")
            elif isinstance(block, MathBlock):
                self.check_formula(block.tex)
            for inline in inlines_of(block):
                if isinstance(inline, MathInline):
                    self.check_formula(inline.tex)
                elif isinstance(inline, LinkInline) and not inline.external:
                    self.check_link(inline.href, known, anchors)

    def check_directive(
        self, block: DirectiveBlock, known: Known, predictions: frozenset[str]
    ) -> None:
        """Check that what a directive names is there."""
        names: dict[tuple[str, str], frozenset[str]] = {
            ("run", "preset"): known.presets,
            ("run", "recorded"): known.recorded,
            ("run", "after"): predictions,
            ("challenge", "slug"): frozenset(known.challenges),
            ("interactive", "name"): INSTRUMENTS,
            ("step", "show"): INSTRUMENTS | {"run"},
        }
        for attribute, value in block.attributes.items():
            allowed = names.get((block.name, attribute))
            if allowed is not None and value not in allowed:
                listed = ", ".join(sorted(allowed)) or "none yet"
                self.add(
                    f":::{block.name} names {attribute} {value!r}, which is not there",
                    f"Known: {listed}.",
                )

        if block.name == "step" and "focus" in block.attributes:
            self.check_focus(block.attributes, known)

    def check_focus(self, attributes: dict[str, str], known: Known) -> None:
        """Check that a step singles out charts that a run has."""
        if attributes["show"] != "run":
            self.add(
                f":::step singles out charts of {attributes['show']!r}, which has none",
                'Write show="run", or take focus away.',
            )
        names = attributes["focus"].split()
        if not names:
            self.add(":::step singles out no chart by its focus", "Name a metric, or remove it.")
        for name in names:
            if name not in known.metrics:
                listed = ", ".join(sorted(known.metrics))
                self.add(f":::step names focus {name!r}, which no run records", f"Known: {listed}.")

    def check_link(self, href: str, known: Known, anchors: set[str]) -> None:
        """Check that a link within the course leads somewhere."""
        address, _, anchor = href.partition("#")
        if not address:
            if anchor not in anchors:
                self.add(f"the link {href} leads to no heading", f"Known: {sorted(anchors)}.")
        elif address.partition("?")[0] not in known.addresses:
            self.add(f"the link {href} leads nowhere", f"Known: {sorted(known.addresses)}.")

    def check_formula(self, tex: str) -> None:
        """Check that braces and environments are balanced and the formula is not empty."""
        fault = tex_fault(tex)
        if fault:
            self.add(f"the formula {tex!r} {fault}", "Mend the formula.")

    def check_code(self, code: str, line: int) -> None:
        """Run a code block, which begins on `line`, in a process of its own."""
        where = f"{self.where}:{line}"
        try:
            done = subprocess.run(
                [sys.executable, "-c", code],
                capture_output=True,
                text=True,
                timeout=CODE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            problem = f"the code block ran for over {CODE_SECONDS} s"
            self.findings.append(Finding(where, problem, "Make it smaller."))
            return
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            problem = f"the code block failed: {last}"
            self.findings.append(Finding(where, problem, "Mend the code."))


def tex_fault(tex: str) -> str | None:
    """What is plainly wrong with a formula, or None. It is not a TeX parser."""
    if not tex.strip():
        return "is empty"
    depth, position = 0, 0
    while position < len(tex):
        character = tex[position]
        if character == "\\":
            position += 1  # an escaped brace is a character, not a group
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth < 0:
                return "closes a brace that was not opened"
        position += 1
    if depth:
        return "leaves a brace open"
    for opening, closing in ((r"\begin{", r"\end{"), (r"\left", r"\right")):
        if count_command(tex, opening) != count_command(tex, closing):
            return f"has unequal numbers of {opening} and {closing}"
    return None


def count_command(tex: str, command: str) -> int:
    r"""How often a command stands in a formula; `\left` is not `\leftarrow`."""
    parts = tex.split(command)[1:]
    return sum(1 for part in parts if command.endswith("{") or not part[:1].isalpha())


def walk(blocks: list[Block]) -> Iterator[Block]:
    """Every block, with those within it."""
    for block in blocks:
        yield block
        if isinstance(block, QuoteBlock | DirectiveBlock):
            yield from walk(block.children)
        elif isinstance(block, ListBlock):
            for item in block.items:
                yield from walk(item)
        elif isinstance(block, PredictBlock):
            yield from walk(block.question)


def inlines_of(block: Block) -> Iterator[Inline]:
    """Every inline that stands in a block itself, with those within it."""
    if isinstance(block, ParagraphBlock | HeadingBlock):
        yield from walk_inlines(block.children)
    elif isinstance(block, PredictBlock):
        for option in block.options:
            yield from walk_inlines(option.children)
    elif isinstance(block, TableBlock):
        for row in [block.header, *block.rows]:
            for cell in row:
                yield from walk_inlines(cell)


def walk_inlines(inlines: list[Inline]) -> Iterator[Inline]:
    """Every inline, with those within it."""
    for inline in inlines:
        yield inline
        if isinstance(inline, StyledInline | LinkInline):
            yield from walk_inlines(inline.children)
