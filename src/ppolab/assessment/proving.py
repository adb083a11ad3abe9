"""Proves that a challenge's checks are worth trusting."""

from __future__ import annotations

from dataclasses import dataclass

from ppolab.assessment.challenge import ChallengeFolder
from ppolab.sandbox import Backend


@dataclass(frozen=True)
class Finding:
    """Something wrong with a challenge: which file, and what in words."""

    challenge: str
    file: str
    problem: str


def check_challenge(
    challenge: ChallengeFolder, backend: Backend, seeds: tuple[int, ...] = (1, 2, 3)
) -> list[Finding]:
    """List what is wrong with a challenge's checks; empty when they can be trusted."""
    raise NotImplementedError
