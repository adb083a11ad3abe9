"""Derivations for one learner: blocks and lines, their marking, and hints."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict

from ppolab.assessment.derivations import (
    Chain,
    Derivation,
    LineVerdict,
    check_chain,
    parse,
    prove_chain,
    tex_of,
)
from ppolab.course.markdown import parse_inline
from ppolab.errors import ConflictError, UnknownNameError
from ppolab.server import derivation_schema as wire
from ppolab.server.answers import KeptAnswer, OpenVariant
from ppolab.server.services import Services

PROOF, LINES = "proof", "lines"
ATTEMPTS_PER_HINT = 2  # wrong ones, before each further hint
SEED_BITS = 48


def view(services: Services, derivation: Derivation) -> wire.Derivation:
    """A derivation with what the learner has done of it."""
    course, answers = services.course, services.records.answers
    slug, where = derivation.slug, str(derivation.folder)
    proofs, lines = answers.all(PROOF, slug), answers.all(LINES, slug)
    seen = answers.hints_seen("derivation", slug)
    done = ("derivation", derivation.chapter, slug) in services.records.done()
    return wire.Derivation(
        slug=slug,
        title=derivation.title,
        chapter=derivation.chapter,
        minutes=derivation.minutes,
        prompt=course.text(derivation.prompt, where),
        world=course.text(derivation.world.words, where),
        symbols=[
            wire.DerivationSymbol(name=s.name, tex=s.tex, words=parse_inline(s.words, where))
            for s in derivation.world.symbols
        ],
        functions=sorted(derivation.world.functions()),
        pieces=[
            wire.ProofPiece(id=name, children=course.text(text, where))
            for name, text in derivation.proof.shown(order_of(services.records.learner, slug))
        ],
        proof=proofs[-1].answer if proofs else [],
        proof_done=any(attempt.verdict == "right" for attempt in proofs),
        proof_attempts=len(proofs),
        chains=[
            wire.DerivationChain(
                number=number,
                name=chain.name,
                start=chain.start,
                start_tex=tex_of(parse(chain.start), derivation.world),
                goal=chain.form.words,
                relations=list(chain.relations),
                reached=any(a.number == number and a.verdict == "right" for a in lines),
                lines=next((a.answer for a in reversed(lines) if a.number == number), []),
            )
            for number, chain in enumerate(derivation.chains)
        ],
        hints=[course.text(derivation.hints[level], where) for level in sorted(seen)],
        hints_total=len(derivation.hints),
        hint_waits=waits(proofs + lines, len(seen)),
        done=done,
        explanation=course.text(derivation.explanation, where) if done else [],
    )


def order_of(learner: str, slug: str) -> int:
    """The seed of this learner's own order of blocks: the same from visit to visit."""
    return int.from_bytes(hashlib.sha256(f"{learner}\n{slug}".encode()).digest()[:6])


def waits(attempts: list[KeptAnswer], seen: int) -> int:
    """How many more wrong attempts the next hint waits for."""
    wrong = sum(attempt.verdict != "right" for attempt in attempts)
    return max(0, ATTEMPTS_PER_HINT * (seen + 1) - wrong)


def arrange(services: Services, slug: str, given: wire.ArrangeProof) -> wire.ProofResult:
    """Mark an order of blocks and keep it."""
    derivation = services.course.derivation(slug)
    mark = derivation.proof.mark(given.pieces)
    verdict = "right" if mark.right else "wrong"
    words = f"{mark.credit} %: {mark.words}"
    services.records.answers.keep(PROOF, slug, given.pieces, verdict, words)
    settle(services, derivation)
    return wire.ProofResult(
        right=mark.right,
        credit=mark.credit,
        words=mark.words,
        derivation=view(services, derivation),
    )


def write(services: Services, slug: str, given: wire.WriteLines) -> wire.LinesResult:
    """Check the lines of a chain on cases drawn now, and keep them."""
    derivation = services.course.derivation(slug)
    chain = chain_of(derivation, given.chain)
    seed = secrets.randbits(SEED_BITS)
    found = check_chain(derivation.world, chain, given.lines, seed)
    verdict = "right" if found.reached else "wrong"
    place = OpenVariant(given.chain, seed)
    services.records.answers.keep(LINES, slug, given.lines, verdict, found.words, place)
    settle(services, derivation)
    return wire.LinesResult(
        lines=[line_result(line) for line in found.lines],
        reached=found.reached,
        words=found.words,
        derivation=view(services, derivation),
    )


def line_result(line: LineVerdict) -> wire.LineResult:
    """A line's verdict on the wire."""
    values = asdict(line)
    if line.example is not None:
        quantities = [{"name": name, "value": value} for name, value in line.example.quantities]
        values["example"]["quantities"] = quantities
    return wire.LineResult.model_validate(values)


def prove(services: Services, slug: str, given: wire.WriteLines) -> wire.FormulaResult:
    """Ask SymPy which lines are the same formula as the line before; this takes seconds."""
    derivation = services.course.derivation(slug)
    chain = chain_of(derivation, given.chain)
    return wire.FormulaResult(proved=prove_chain(derivation.world, chain, given.lines))


def chain_of(derivation: Derivation, number: int) -> Chain:
    """A chain by its number. Raises UnknownNameError."""
    if number >= len(derivation.chains):
        known = [str(known) for known in range(len(derivation.chains))]
        raise UnknownNameError("chain", number, known)
    return derivation.chains[number]


def hint(services: Services, slug: str) -> wire.Derivation:
    """Show the next hint. Raises ConflictError where it is not time for one."""
    derivation = services.course.derivation(slug)
    shown = view(services, derivation)
    level = len(shown.hints)
    if level == shown.hints_total or shown.hint_waits:
        problem = "was the last one" if level == shown.hints_total else "comes after more attempts"
        raise ConflictError(
            "hint", level, problem, f"Try first: {shown.hint_waits} more attempts open the next."
        )
    services.records.answers.see_hint("derivation", slug, level)
    return view(services, derivation)


def settle(services: Services, derivation: Derivation) -> None:
    """Mark a derivation as done once its proof and every chain were right in some attempt."""
    answers = services.records.answers
    proved = any(a.verdict == "right" for a in answers.all(PROOF, derivation.slug))
    lines = answers.all(LINES, derivation.slug)
    reached = {attempt.number for attempt in lines if attempt.verdict == "right"}
    if proved and reached.issuperset(range(len(derivation.chains))):
        services.records.set_done("derivation", derivation.chapter, derivation.slug, True)
