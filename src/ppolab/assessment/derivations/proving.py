"""Proves that a derivation accepts what is right and names what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ppolab.assessment.derivations.blocks import ProofBlocks, orders
from ppolab.assessment.derivations.folder import Derivation
from ppolab.assessment.derivations.language import parse
from ppolab.assessment.derivations.lines import Chain, check_chain, without_mistakes
from ppolab.assessment.derivations.worlds import World
from ppolab.assessment.questions.variant import name_of

MIN_PROOFS, MIN_MISTAKES, MIN_DISTRACTORS = 2, 5, 3
MOST_ORDERS = 200  # of one proof that are tried


@dataclass(frozen=True)
class Flaw:
    """Something wrong with a derivation, in words."""

    derivation: str
    problem: str


def check_derivation(derivation: Derivation, seeds: tuple[int, ...] = (1, 2, 3)) -> list[Flaw]:
    """List what is wrong; an empty list means that its verdicts can be trusted."""
    problems = list(_check_blocks(derivation.proof))
    for chain in derivation.chains:
        problems += [f"{chain.name}: {problem}" for problem in _check_ends(chain)]
        for seed in seeds:
            found = _check_lines(derivation.world, chain, seed)
            problems += [f"{chain.name}, seed {seed}: {problem}" for problem in found]
    if len(derivation.hints) != 3:
        problems.append(f"it has {len(derivation.hints)} hints, not three")
    return [Flaw(derivation.slug, problem) for problem in problems]


def _check_ends(chain: Chain) -> Iterator[str]:
    if len(chain.proofs) < MIN_PROOFS:
        yield f"fewer than {MIN_PROOFS} proofs show that it can be reached in several ways"
    if len(chain.mistakes) < MIN_MISTAKES:
        yield f"fewer than {MIN_MISTAKES} mistakes show that it refuses what is wrong"
    if chain.form.missing(parse(chain.start)) is None:
        yield "the start is in the form of the goal already"
    if (missing := chain.form.missing(parse(chain.target))) is not None:
        yield f"the target is not in its own form: {missing}"


def _check_lines(world: World, chain: Chain, seed: int) -> Iterator[str]:
    for proof in chain.proofs:
        verdict = check_chain(world, chain, list(proof), seed)
        if not verdict.reached:
            yield f"a proof of its own is refused: {verdict.words}"
    bare = without_mistakes(chain)
    for mistake in chain.mistakes:
        (found, *_) = check_chain(world, bare, [mistake.line], seed).lines
        if found.status == "right":
            yield f"the mistake {mistake.line!r} is taken as right"
        elif found.status == "wrong" and found.example is None:
            yield f"the mistake {mistake.line!r} has no counter-example"
        (told, *_) = check_chain(world, chain, [mistake.line], seed).lines
        if found.status == "wrong" and told.words != mistake.belief:
            yield f"the mistake {mistake.line!r} is answered with the words of another"
    # A line that only repeats the start holds, and must not count as the goal.
    if check_chain(world, chain, [chain.start], seed).reached:
        yield "repeating the start reaches the goal"
    # Nor may a goal with something added that vanishes by name alone.
    wrong_by_one = check_chain(world, chain, [f"{chain.target} + 1"], seed)
    if wrong_by_one.lines[0].status != "wrong":
        yield "the goal and 1 more is not refused"


def _check_blocks(proof: ProofBlocks) -> Iterator[str]:
    texts = {block.id: block.text for block in proof.blocks}
    proofs = proof.proofs()
    if len(proof.distractors) < MIN_DISTRACTORS:
        yield f"fewer than {MIN_DISTRACTORS} distractors"
    unused = texts.keys() - {block for found in proofs for block in found}
    if unused:
        yield f"no proof uses the blocks {sorted(unused)}"
    told = [order for found in proofs for order in orders(found, MOST_ORDERS)]
    if len(told) < MIN_PROOFS:
        yield "there is only one way to tell it"
    for order in told:
        names = [name_of(texts[block]) for block in order]
        if not proof.mark(names).right:
            yield f"the proof {order} is refused"
        for distractor in proof.distractors:
            mark = proof.mark([name_of(distractor.text), *names])
            if mark.right or distractor.belief not in mark.words:
                yield f"the distractor {distractor.id} before {order} is not answered"
        if len(names) > 1 and proof.mark(names[1:]).right and len(proofs) == 1:
            yield f"the proof {order} does not need its first block"
        if proof.mark(names[:-1]).credit:
            yield f"the proof {order} without its goal earns credit"
