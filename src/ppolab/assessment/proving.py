"""Proves that a challenge's checks accept what is right and refuse what is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ppolab.assessment.challenge import EXAMPLES, ChallengeFolder
from ppolab.assessment.checking import CheckFunction, load_checks
from ppolab.assessment.marking import Marking, open_box
from ppolab.assessment.outcome import Grade
from ppolab.sandbox import Backend, Session


@dataclass(frozen=True)
class Finding:
    """Something wrong with a challenge: which file, and what in words."""

    challenge: str
    file: str
    problem: str


def check_challenge(
    challenge: ChallengeFolder, backend: Backend, seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
) -> list[Finding]:
    """List what is wrong with a challenge; an empty list means that its checks can be trusted.

    The starter must fail, the solution and each alternative pass on every seed, and each mutant
    must fail on every seed by the check it names. A check that no mutant names is unproven.
    """
    with Prover(challenge, backend) as prover:
        found = [*_unproven_checks(challenge), *prover.starter(seeds[0])]
        found += prover.correct(f"solution{challenge.suffix}", challenge.solution, seeds)
        for name, source in challenge.alternatives.items():
            found += prover.correct(f"alternatives/{name}", source, seeds)
        return [*found, *prover.mutants(seeds)]


def _unproven_checks(challenge: ChallengeFolder) -> list[Finding]:
    proven = {mutant.caught_by for mutant in challenge.mutants}
    return [
        Finding(challenge.slug, "mutants", f"no mutant is to be caught by the check {check.name}")
        for check in challenge.checks
        if check.name not in proven and check.name != EXAMPLES
    ]


class Prover:
    """Grades files of ours one after another in the same box, which is safe as they are ours."""

    def __init__(self, challenge: ChallengeFolder, backend: Backend) -> None:
        self.challenge = challenge
        self.backend = backend
        self.checks: dict[str, CheckFunction] = load_checks(challenge)
        self._session: Session | None = None

    def __enter__(self) -> Prover:
        return self

    def __exit__(self, *_: object) -> None:
        if self._session:
            self._session.close()

    def grade(self, source: str, seed: int) -> Grade:
        """Grade one file; a box that the last one brought down is replaced."""
        started = time.monotonic()
        if self.challenge.kind == "configuration":
            return Marking(self.challenge, self.checks, None, started).run(source, seed)
        if self._session is None or self._session.closed:
            self._session = open_box(self.challenge, self.backend)
        return Marking(self.challenge, self.checks, self._session, started).run(source, seed)

    def starter(self, seed: int) -> Iterator[Finding]:
        """The starter must load, so that a learner begins without an error, and pass no check.

        Only what is not scored it may pass: a trainer that is to be made faster is right already.
        """
        file = f"starter{self.challenge.suffix}"
        result = self.grade(self.challenge.starter, seed)
        scored = {check.name for check in self.challenge.checks if check.scored}
        if all(outcome.status == "not_run" for outcome in result.checks):
            yield Finding(self.challenge.slug, file, result.summary)
        for outcome in result.checks:
            if outcome.status == "pass" and outcome.name in scored:
                yield Finding(self.challenge.slug, file, f"passes the check {outcome.name}")

    def correct(self, file: str, source: str, seeds: tuple[int, ...]) -> Iterator[Finding]:
        """A correct file must pass on every seed; report the first where it does not."""
        for seed in seeds:
            result = self.grade(source, seed)
            if result.verdict != "pass":
                reasons = [f"{o.name}: {o.message}" for o in result.checks if o.status != "pass"]
                words = f"seed {seed}: {result.summary} {' | '.join(reasons)}"
                yield Finding(self.challenge.slug, file, words)
                return

    def mutants(self, seeds: tuple[int, ...]) -> Iterator[Finding]:
        """Each mutant must fail by the check it names; report the first seed where it does not."""
        for mutant in self.challenge.mutants:
            for seed in seeds:
                result = self.grade(mutant.source, seed)
                status = {outcome.name: outcome.status for outcome in result.checks}
                if status[mutant.caught_by] != "fail":
                    words = (
                        f"seed {seed}: the check {mutant.caught_by} says "
                        f"{status[mutant.caught_by]} where it must say fail ({result.summary})"
                    )
                    yield Finding(
                        self.challenge.slug, f"mutants/{mutant.name}{self.challenge.suffix}", words
                    )
                    break
