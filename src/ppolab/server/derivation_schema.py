"""What crosses the wire about derivations. Which blocks prove something stays with the server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ppolab.course.ast import Block, Inline, Message

Line = Annotated[str, Field(max_length=1000)]
Lines = Annotated[list[Line], Field(max_length=60)]


class DerivationSymbol(Message):
    """A name that may stand in a line."""

    name: str
    tex: str
    words: list[Inline]


class ProofPiece(Message):
    """A proof block, under a name that says nothing about it."""

    id: str
    children: list[Block]


class DerivationChain(Message):
    """Lines to write, from a start to a goal."""

    number: int  # from 0
    name: str
    start: str
    start_tex: str
    goal: str  # the form asked for, in words
    relations: list[str]
    reached: bool  # in some attempt
    lines: list[str]  # of the newest attempt


class Derivation(Message):
    """A derivation with the learner's standing."""

    slug: str
    title: str
    chapter: str
    minutes: int
    prompt: list[Block]
    world: list[Block]
    symbols: list[DerivationSymbol]
    functions: list[str]
    pieces: list[ProofPiece]
    proof: list[str]  # the newest attempt, by the ids of its pieces
    proof_done: bool
    proof_attempts: int
    chains: list[DerivationChain]
    hints: list[list[Block]]  # those asked for
    hints_total: int
    hint_waits: int  # wrong attempts until the next one may be asked for
    done: bool
    explanation: list[Block]  # once it is done


class ArrangeProof(Message):
    """Submit proof blocks in order."""

    pieces: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=64)]


class ProofResult(Message):
    """How the blocks were found; credit in quarters of a whole."""

    right: bool
    credit: int
    words: str
    derivation: Derivation


class WriteLines(Message):
    """Submit the lines of a chain; blank ones are left out."""

    chain: Annotated[int, Field(ge=0, lt=20)]
    lines: Lines


class ExampleQuantity(Message):
    """What a symbol is in a case, as people read it."""

    name: str
    value: str


class LineExample(Message):
    """A small case on which a line does not follow."""

    size: str
    quantities: list[ExampleQuantity]
    before: str
    line: str


class LineResult(Message):
    """How one line was found."""

    status: Literal["right", "wrong", "unreadable", "not checked"]
    words: str
    tex: str
    relation: Literal["=", ">=", "<="]
    example: LineExample | None


class LinesResult(Message):
    """How a chain was found."""

    lines: list[LineResult]
    reached: bool
    words: str
    derivation: Derivation


class FormulaResult(Message):
    """Which lines SymPy proved to be the same formula as the line before."""

    proved: list[bool]


for _model in (DerivationSymbol, ProofPiece, Derivation, ProofResult, LinesResult):
    _model.model_rebuild()
