"""Derivations: proof blocks, and typed lines that are tried on random cases.

What other layers use:

- `find_derivations(content_root)` and `load_derivation(folder)` read derivations;
- `derivation.proof.mark(names)` marks an order of proof blocks;
- `check_chain(world, chain, lines, seed)` checks typed lines, `prove_chain` asks SymPy for more;
- `check_derivation(derivation)` proves that right and wrong are told apart.
"""

from ppolab.assessment.derivations.blocks import Block, Distractor, ProofBlocks, ProofMark
from ppolab.assessment.derivations.folder import Derivation, find_derivations, load_derivation
from ppolab.assessment.derivations.language import MAX_LENGTH, LineError, parse
from ppolab.assessment.derivations.lines import (
    MAX_LINES,
    Chain,
    ChainVerdict,
    CounterExample,
    Form,
    LineVerdict,
    Mistake,
    check_chain,
)
from ppolab.assessment.derivations.preferences import WORLDS
from ppolab.assessment.derivations.proving import check_derivation
from ppolab.assessment.derivations.symbolic import prove_chain
from ppolab.assessment.derivations.tex import tex_of

__all__ = [
    "MAX_LENGTH",
    "MAX_LINES",
    "WORLDS",
    "Block",
    "Chain",
    "ChainVerdict",
    "CounterExample",
    "Derivation",
    "Distractor",
    "Form",
    "LineError",
    "LineVerdict",
    "Mistake",
    "ProofBlocks",
    "ProofMark",
    "check_chain",
    "check_derivation",
    "find_derivations",
    "load_derivation",
    "parse",
    "prove_chain",
    "tex_of",
]
