"""Splits a lesson into Markdown and directives.

    :::run{preset="cartpole" after="first-run"}        one line, no body
    :::note{title="Why so small?"}                     a body, closed by a line with ":::" alone
    …
    :::

Directives begin a line, may be nested, and are not looked for inside fenced code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ppolab.course.model import ContentError

OPENING = re.compile(r"^:::\s*([a-z]+)\s*(?:\{(.*)\})?\s*$")
CLOSING = re.compile(r"^:::\s*$")
FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})")
ATTRIBUTE = re.compile(r"""\s*([a-z][a-z0-9_-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'}]+))\s*""")


@dataclass(frozen=True)
class Rule:
    """What a directive may say."""

    body: bool
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    any_attribute: bool = False  # further attributes are the state of a figure


RULES = {
    "predict": Rule(body=True, required=frozenset({"id"})),
    "run": Rule(
        body=False, required=frozenset({"preset"}), optional=frozenset({"after", "recorded"})
    ),
    "step": Rule(body=True, required=frozenset({"show"}), any_attribute=True),
    "note": Rule(body=True, optional=frozenset({"title"})),
    "challenge": Rule(body=False, required=frozenset({"slug"})),
    "interactive": Rule(body=False, required=frozenset({"name"}), any_attribute=True),
    "source": Rule(body=False, required=frozenset({"symbol"})),
}


@dataclass(frozen=True)
class Text:
    """A piece of Markdown that begins on `line` of its file."""

    text: str
    line: int


@dataclass(frozen=True)
class Directive:
    """A directive with its attributes and what lies within it."""

    name: str
    attributes: dict[str, str]
    line: int
    children: list[Piece] = field(default_factory=list)


Piece = Text | Directive


def split(text: str, where: str, first_line: int = 1) -> list[Piece]:
    """Split a document. Raises ContentError for a directive that is wrong, with file and line."""
    top: list[Piece] = []
    open_directives: list[Directive] = []
    lines: list[str] = []
    fence: str | None = None
    number = first_line

    def flush() -> None:
        if any(line.strip() for line in lines):
            target = open_directives[-1].children if open_directives else top
            target.append(Text("\n".join(lines) + "\n", number - len(lines)))
        lines.clear()

    for number, line in enumerate(text.splitlines(), first_line):
        mark = FENCE.match(line)
        if fence is None and mark:
            fence = mark.group(1)
        elif fence is not None and mark and line.strip().startswith(fence):
            fence = None
        if fence is not None or not line.startswith(":::"):
            lines.append(line)
            continue
        flush()
        if CLOSING.match(line):
            if not open_directives:
                raise ContentError(
                    f"{where}:{number}", line, "closes nothing", "Remove it, or open a directive."
                )
            open_directives.pop()
            continue
        directive = opened(line, where, number)
        (open_directives[-1].children if open_directives else top).append(directive)
        if RULES[directive.name].body:
            open_directives.append(directive)
    number += 1
    flush()
    if open_directives:
        still = open_directives[-1]
        raise ContentError(
            f"{where}:{still.line}", f":::{still.name}", "is never closed", "Close it with :::"
        )
    return top


def opened(line: str, where: str, number: int) -> Directive:
    """Read an opening line and hold it against the rules."""
    place = f"{where}:{number}"
    match = OPENING.match(line)
    if match is None:
        raise ContentError(
            place, line, "is no directive", 'Write :::name{attribute="value"} on a line of its own.'
        )
    name, inner = match.group(1), match.group(2) or ""
    if name not in RULES:
        raise ContentError(
            place, f":::{name}", "is not a known directive", f"Known: {', '.join(sorted(RULES))}."
        )
    found = attributes(inner, place)
    rule = RULES[name]
    missing = sorted(rule.required - found.keys())
    if missing:
        raise ContentError(
            place, line, f"lacks {', '.join(missing)}", f'Add {missing[0]}="…" to the directive.'
        )
    unknown = sorted(found.keys() - rule.required - rule.optional)
    if unknown and not rule.any_attribute:
        allowed = ", ".join(sorted(rule.required | rule.optional))
        raise ContentError(place, unknown[0], f"is no attribute of {name}", f"Known: {allowed}.")
    return Directive(name, found, number)


def attributes(text: str, place: str) -> dict[str, str]:
    """Read `name="value" …`."""
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = ATTRIBUTE.match(text, position)
        if match is None:
            if not text[position:].strip():
                break
            raise ContentError(
                place, text[position:], "cannot be read as attributes", 'Write name="value".'
            )
        name = match.group(1)
        if name in found:
            raise ContentError(place, name, "is given twice", "Keep one of them.")
        found[name] = next(group for group in match.groups()[1:] if group is not None)
        position = match.end()
    return found
