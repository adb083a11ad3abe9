"""Derivations: proof blocks, typed lines and hints."""

from __future__ import annotations

from fastapi import APIRouter

from ppolab.server import derivationviews
from ppolab.server.derivation_schema import (
    ArrangeProof,
    Derivation,
    FormulaResult,
    LinesResult,
    ProofResult,
    WriteLines,
)
from ppolab.server.services import ServicesDep

router = APIRouter(prefix="/api/derivations", tags=["derivations"])


@router.get("/{slug}")
def get_derivation(slug: str, services: ServicesDep) -> Derivation:
    """A derivation with the learner's standing."""
    return derivationviews.view(services, services.course.derivation(slug))


@router.post("/{slug}/proof")
def arrange_proof(slug: str, given: ArrangeProof, services: ServicesDep) -> ProofResult:
    """Submit proof blocks in order."""
    return derivationviews.arrange(services, slug, given)


@router.post("/{slug}/lines")
def write_lines(slug: str, given: WriteLines, services: ServicesDep) -> LinesResult:
    """Submit typed lines; each is tried against the one before on random cases."""
    return derivationviews.write(services, slug, given)


@router.post("/{slug}/formulas")
def prove_formulas(slug: str, given: WriteLines, services: ServicesDep) -> FormulaResult:
    """Ask whether lines are equal as formulas, for a few seconds."""
    return derivationviews.prove(services, slug, given)


@router.post("/{slug}/hints")
def show_hint(slug: str, services: ServicesDep) -> Derivation:
    """Show the next hint, once enough was tried."""
    return derivationviews.hint(services, slug)
