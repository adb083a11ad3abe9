"""A derivation as a folder: `derivation.yaml` and `prompt.md`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ppolab.assessment.derivations.blocks import Block, Distractor, ProofBlocks
from ppolab.assessment.derivations.lines import Chain, Form, Mistake
from ppolab.assessment.derivations.preferences import WORLDS
from ppolab.assessment.derivations.worlds import World
from ppolab.errors import InvalidSettingError, StorageError

NUMBERED = re.compile(r"^\d+-")


@dataclass(frozen=True)
class Derivation:
    """Something to derive: first with proof blocks, then line by line."""

    slug: str
    chapter: str  # slug of the chapter
    title: str
    minutes: int
    prompt: str  # Markdown
    world: World
    proof: ProofBlocks
    chains: tuple[Chain, ...]
    hints: tuple[str, ...]  # Markdown, from weak to strong
    explanation: str  # Markdown, told once it is done
    folder: Path


def find_derivations(content_root: Path) -> dict[str, Derivation]:
    """Read every derivation under `content_root`, by slug, in the order of the chapters."""
    found: dict[str, Derivation] = {}
    for settings in sorted(content_root.glob("chapters/*/derivations/*/derivation.yaml")):
        derivation = load_derivation(settings.parent)
        if derivation.slug in found:
            raise InvalidSettingError(
                "derivation folder",
                derivation.slug,
                f"is the name of two derivations: {found[derivation.slug].folder} and "
                f"{derivation.folder}",
                "Rename one of the folders",
            )
        found[derivation.slug] = derivation
    return found


def load_derivation(folder: Path) -> Derivation:
    """Read one derivation; its folder's name is the slug.

    Raises `StorageError` for a missing file and `InvalidSettingError` for a field that is wrong.
    """
    file = folder / "derivation.yaml"
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
        prompt = (folder / "prompt.md").read_text(encoding="utf-8")
    except OSError as error:
        raise StorageError(
            "derivation file", str(error.filename), "cannot be read", "Add it, as UTF-8 text"
        ) from error
    except yaml.YAMLError as error:
        raise InvalidSettingError(
            "derivation.yaml", str(file), f"is not YAML: {error}", "Mend the line it names"
        ) from error
    try:
        return _derivation(folder, values, prompt)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidSettingError(
            "derivation.yaml",
            str(file),
            f"lacks a field or has one of another shape: {error!r}",
            "docs/derivations.md shows all fields",
        ) from error


def _derivation(folder: Path, values: dict[str, Any], prompt: str) -> Derivation:
    return Derivation(
        slug=folder.name,
        chapter=NUMBERED.sub("", folder.resolve().parent.parent.name),
        title=values["title"],
        minutes=int(values["minutes"]),
        prompt=prompt,
        world=WORLDS[values["world"]],
        proof=_proof(values["proof"]),
        chains=tuple(_chain(chain) for chain in values["chains"]),
        hints=tuple(hint.strip() for hint in values["hints"]),
        explanation=values["explanation"].strip(),
        folder=folder,
    )


def _proof(values: dict[str, Any]) -> ProofBlocks:
    blocks = tuple(
        Block(name, entry["text"].strip(), _sets(entry.get("rests_on", [])))
        for name, entry in values["blocks"].items()
    )
    distractors = tuple(
        Distractor(name, entry["text"].strip(), entry["belief"].strip())
        for name, entry in values["distractors"].items()
    )
    known = {block.id for block in blocks}
    strange = {name for block in blocks for chosen in block.rests_on for name in chosen} - known
    if strange or values["goal"] not in known:
        raise ValueError(f"no block is called {sorted(strange) or values['goal']}")
    return ProofBlocks(blocks, distractors, values["goal"])


def _sets(written: list[Any]) -> tuple[frozenset[str], ...]:
    """`[a, b]` is one set; `[[a, b], [c]]` are two, of which either will do."""
    if written and all(isinstance(entry, list) for entry in written):
        return tuple(frozenset(entry) for entry in written)
    return (frozenset(written),)


def _chain(values: dict[str, Any]) -> Chain:
    form = values["form"]
    return Chain(
        name=values["name"],
        start=values["start"],
        target=values["target"],
        form=Form(
            words=form["words"].strip(),
            requires=frozenset(form.get("requires", [])),
            forbids=frozenset(form.get("forbids", [])),
            gradients_of=form.get("gradients_of", "anything"),
            sums=form.get("sums"),
        ),
        relations=tuple(values.get("relations", ["="])),
        mistakes=tuple(Mistake(m["line"], m["belief"].strip()) for m in values["mistakes"]),
        proofs=tuple(tuple(proof) for proof in values["proofs"]),
    )
