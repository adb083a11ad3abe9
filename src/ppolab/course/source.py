"""Shows code of ours in lessons, taken from the file, so that what is read is what runs."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import ppolab
from ppolab.errors import UnknownNameError

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """The text of a definition and where it stands."""

    text: str
    place: str  # "ppolab/algorithms/policy_losses.py:12-48"


def source_of(symbol: str) -> Source:
    """The source of a function or class, such as "ppolab.algorithms.x.f" or "….Class.method".

    Its docstring is left out: the lesson around it says what it does, and in more words. The file
    is parsed, not imported: a page with code on it needs no torch. Raises UnknownNameError naming
    what the module does hold.
    """
    package = Path(ppolab.__file__).parent
    parts = symbol.split(".")
    file, names = _module_file(package, parts)
    if file is None or not names:
        raise UnknownNameError(
            "symbol", symbol, [], "Write ppolab.package.module.function, as in the source tree."
        )
    text = file.read_text(encoding="utf-8")
    node = _find(ast.parse(text).body, names)
    if node is None:
        known = [item.name for item in ast.parse(text).body if isinstance(item, Definition)]
        raise UnknownNameError("symbol", symbol, known)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    last = node.end_lineno or node.lineno
    skipped = _docstring_lines(node)
    all_lines = text.splitlines()
    lines = [all_lines[n - 1] for n in range(first, last + 1) if n not in skipped]
    place = file.relative_to(package.parent).as_posix()
    return Source("\n".join(lines) + "\n", f"{place}:{first}-{last}")


def _docstring_lines(node: Definition) -> range:
    """Lines of the definition's own docstring; none where it has no other body."""
    head = node.body[0]
    if ast.get_docstring(node) is None or len(node.body) == 1:
        return range(0)
    return range(head.lineno, (head.end_lineno or head.lineno) + 1)


def _module_file(package: Path, parts: list[str]) -> tuple[Path | None, list[str]]:
    """The file of the longest module path in `parts`, and the names left within it."""
    if parts[0] != "ppolab":
        return None, []
    for end in range(len(parts) - 1, 0, -1):
        base = package.joinpath(*parts[1:end])
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if end > 1 and file.is_file():
                return file, parts[end:]
    return None, []


def _find(body: list[ast.stmt], names: list[str]) -> Definition | None:
    for node in body:
        if isinstance(node, Definition) and node.name == names[0]:
            return node if len(names) == 1 else _find(node.body, names[1:])
    return None
