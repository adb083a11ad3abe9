"""Proof blocks: sentences to choose and to bring into an order that proves something.

A block rests on other blocks; some rest on either of several sets, so that there is more than one
proof. What is submitted is a proof when it ends in the goal, holds nothing that the goal does not
need, and states each block after those it rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from ppolab.assessment.questions.variant import name_of, shuffled

QUARTER = 25  # credit is told in quarters, so that a single move is seldom seen in it


@dataclass(frozen=True)
class Block:
    """A sentence of a proof; `rests_on` lists the sets of blocks of which one must come before."""

    id: str
    text: str  # Markdown
    rests_on: tuple[frozenset[str], ...] = (frozenset(),)


@dataclass(frozen=True)
class Distractor:
    """A sentence that belongs to no proof, and the wrong idea of whoever takes it for one."""

    id: str
    text: str
    belief: str  # plain words


@dataclass(frozen=True)
class ProofMark:
    """How a submitted proof was found: credit in quarters of the whole, and why in words."""

    right: bool
    credit: int  # 0, 25, 50, 75 or 100
    words: str


@dataclass(frozen=True)
class ProofBlocks:
    """The blocks of a derivation. Blocks travel under names that say nothing about them."""

    blocks: tuple[Block, ...]
    distractors: tuple[Distractor, ...]
    goal: str  # id of the block that a proof ends in

    def shown(self, seed: int) -> tuple[tuple[str, str], ...]:
        """All sentences as (name, Markdown), in an order drawn from the seed."""
        pieces: tuple[Block | Distractor, ...] = (*self.blocks, *self.distractors)
        return shuffled(tuple(piece.text for piece in pieces), seed)

    def proofs(self) -> list[dict[str, frozenset[str]]]:
        """Every proof, as its blocks with what each rests on in it."""
        found: list[dict[str, frozenset[str]]] = []
        choices = [[(block.id, chosen) for chosen in block.rests_on] for block in self.blocks]
        for picked in product(*choices):
            needed = _needed(self.goal, dict(picked))
            if needed not in found:
                found.append(needed)
        return found

    def ids(self, names: list[str]) -> list[str] | None:
        """The ids behind names; None where a name is strange or comes twice."""
        pieces: tuple[Block | Distractor, ...] = (*self.blocks, *self.distractors)
        known = {name_of(piece.text): piece.id for piece in pieces}
        if len(set(names)) != len(names) or not set(names) <= known.keys():
            return None
        return [known[name] for name in names]

    def mark(self, names: list[str]) -> ProofMark:
        """Mark an attempt, given as the names of blocks in order.

        The words never tell a block's place or whether it belongs to a proof, except of a
        distractor, which is answered by the wrong idea behind it. An attempt that does not end in
        the goal earns nothing, so that a proof cannot be found by adding one block at a time.
        """
        ids = self.ids(names)
        if ids is None:
            return ProofMark(False, 0, "These are not the blocks of this proof, each once.")
        if not ids or ids[-1] != self.goal:
            return ProofMark(False, 0, "A proof ends in what was to be shown. This does not yet.")
        proofs = self.proofs()
        if any(_is_proof(ids, proof) for proof in proofs):
            return ProofMark(True, 100, "This is a proof.")
        missing = min(_distance(ids, proof) / len(proof) for proof in proofs)
        credit = min(75, max(0, int((1 - missing) * 100)) // QUARTER * QUARTER)
        return ProofMark(False, credit, self._why(ids, proofs))

    def _why(self, ids: list[str], proofs: list[dict[str, frozenset[str]]]) -> str:
        for distractor in self.distractors:
            if distractor.id in ids:
                return f"One of your blocks is not true: {distractor.belief}"
        if any(set(ids) == proof.keys() for proof in proofs):
            return "These blocks make a proof, but one of them comes before something it rests on."
        return "Every block is true, but something that the goal needs is missing or one too many."


def _needed(goal: str, rests_on: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    needed: dict[str, frozenset[str]] = {}
    waiting = [goal]
    while waiting:
        block = waiting.pop()
        if block not in needed:
            needed[block] = rests_on[block]
            waiting += sorted(rests_on[block])
    return needed


def _is_proof(ids: list[str], proof: dict[str, frozenset[str]]) -> bool:
    return set(ids) == proof.keys() and all(
        proof[block] <= set(ids[:place]) for place, block in enumerate(ids)
    )


def _distance(ids: list[str], proof: dict[str, frozenset[str]]) -> int:
    """How many blocks must be taken out of an attempt or put into it to make it this proof.

    The largest part to keep is one in which no two blocks stand against the proof's order: the
    complement of a smallest vertex cover of the conflicts (Poulsen et al. 2022).
    """
    kept = [block for block in ids if block in proof]
    before = {block: _ancestors(block, proof) for block in kept}
    conflicts = [
        (first, second)
        for place, first in enumerate(kept)
        for second in kept[place + 1 :]
        if second in before[first]
    ]
    stays = len(kept) - _smallest_cover(conflicts)
    return (len(ids) - stays) + (len(proof) - stays)


def _ancestors(block: str, proof: dict[str, frozenset[str]]) -> frozenset[str]:
    found = set(proof[block])
    for parent in proof[block]:
        found |= _ancestors(parent, proof)
    return frozenset(found)


def _smallest_cover(conflicts: list[tuple[str, str]]) -> int:
    """Size of the smallest set of blocks that touches every conflict; for a dozen blocks."""
    if not conflicts:
        return 0
    first, second = conflicts[0]
    without_first = [pair for pair in conflicts if first not in pair]
    without_second = [pair for pair in conflicts if second not in pair]
    return 1 + min(_smallest_cover(without_first), _smallest_cover(without_second))


def orders(proof: dict[str, frozenset[str]], limit: int) -> Iterator[list[str]]:
    """Orders in which a proof may be told, at most `limit` of them."""
    told = 0

    def go_on(done: list[str]) -> Iterator[list[str]]:
        nonlocal told
        if told >= limit:
            return
        if len(done) == len(proof):
            told += 1
            yield list(done)
            return
        for block in proof:
            if block not in done and proof[block] <= set(done):
                yield from go_on([*done, block])

    yield from go_on([])
