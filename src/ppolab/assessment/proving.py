"""Proves that a challenge's checks accept what is right and refuse what is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ppolab.assessment.challenge import EXAMPLES, ChallengeFolder
from ppolab.assessment.checking import CheckFunction, load_checks
from ppolab.assessment.marking import Marking, open_box
from ppolab.assessment.mutation import machine_mutants
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


@dataclass(frozen=True)
class MutationReport:
    """How many machine-made mutants of a solution the checks refuse, on every seed.

    `argued` are those that are right themselves, by the reasons in `survivors.yaml`.
    """

    challenge: str
    total: int
    refused: int
    argued: tuple[str, ...]
    survivors: tuple[str, ...]  # neither refused nor argued
    stale: tuple[str, ...]  # argued, but refused or no longer made

    @property
    def score(self) -> float:
        """The share that is refused, of all that are wrong."""
        wrong = self.total - len(self.argued)
        return self.refused / wrong if wrong else 1.0


def mutation_report(
    challenge: ChallengeFolder, backend: Backend, seeds: tuple[int, ...] = (1, 2)
) -> MutationReport:
    """Let the checks loose on every mutant that a machine can make of the solution."""
    if challenge.kind == "configuration":
        return MutationReport(challenge.slug, 0, 0, (), (), ())
    made = machine_mutants(challenge.solution)
    # What is measured says nothing of a slip, and each measurement costs a second.
    untimed = tuple(c for c in challenge.checks if not c.scored)
    asked = replace(challenge, checks=untimed) if challenge.kind == "speed" else challenge
    with Prover(asked, backend) as prover:
        left = [mutant.name for mutant in made if prover.survives(mutant.source, seeds)]
    argued = tuple(name for name in left if name in challenge.survivors)
    return MutationReport(
        challenge.slug,
        total=len(made),
        refused=len(made) - len(left),
        argued=argued,
        survivors=tuple(name for name in left if name not in challenge.survivors),
        stale=tuple(name for name in challenge.survivors if name not in argued),
    )


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

    def grade(
        self, source: str, seed: int, only: str | None = None, to_first: bool = False
    ) -> Grade:
        """Grade one file; a box that the last one brought down is replaced. See `Marking.run`."""
        started = time.monotonic()
        if self.challenge.kind == "configuration":
            marking = Marking(self.challenge, self.checks, None, started)
            return marking.run(source, seed, only, to_first)
        if self._session is None or self._session.closed:
            self._session = open_box(self.challenge, self.backend)
        marking = Marking(self.challenge, self.checks, self._session, started)
        return marking.run(source, seed, only, to_first)

    def survives(self, source: str, seeds: tuple[int, ...]) -> bool:
        """Say whether a wrong file passes all checks on any of the seeds."""
        return any(self.grade(source, seed, to_first=True).verdict == "pass" for seed in seeds)

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
            file = f"mutants/{mutant.name}{self.challenge.suffix}"
            told = []
            for seed in seeds:
                result = self.grade(mutant.source, seed, mutant.caught_by)
                outcome = next(o for o in result.checks if o.name == mutant.caught_by)
                if outcome.status in ("pass", "not_run", "pending"):
                    words = (
                        f"seed {seed}: the check {mutant.caught_by} says {outcome.status} where it "
                        f"must refuse ({result.summary})"
                    )
                    yield Finding(self.challenge.slug, file, words)
                    break
                if outcome.status == "fail":
                    told.append(outcome.message)
            if self.shows_values(told):
                words = f"the check {mutant.caught_by} says something else on every seed: {told[0]}"
                yield Finding(self.challenge.slug, file, words)

    def shows_values(self, told: list[str]) -> bool:
        """Say whether hints change with the cases, which are drawn anew for each seed.

        A measured speed does, and is meant to be told.
        """
        return self.challenge.kind != "speed" and len(told) >= 4 and len(set(told)) > len(told) // 2
