"""What every challenge of the course has, and the proof of all of them on many seeds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ppolab.assessment import ChallengeFolder, check_challenge, find_challenges, mutation_report
from ppolab.sandbox import choose_backend

CHALLENGES = find_challenges(Path(__file__).parents[2] / "content")
EIGHT = {
    "bradley-terry-loss",
    "discounted-returns",
    "gae",
    "dual-clip-loss",
    "adaptive-kl",
    "reward-functions",
    "faster-trainer",
    "single-to-distributed",
}
every_challenge = pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=list(CHALLENGES))


def test_the_challenges_of_the_course_are_there() -> None:
    assert set(CHALLENGES) == EIGHT | {"clipped-objective"}


@every_challenge
def test_a_challenge_has_mutants_alternatives_hints_and_an_explanation(
    challenge: ChallengeFolder,
) -> None:
    assert len(challenge.mutants) >= 8
    assert challenge.alternatives
    assert len(challenge.hints) == 3
    assert challenge.engine
    assert len(challenge.explanation) > 200
    assert challenge.examples or challenge.kind in ("speed", "distributed")
    assert len({mutant.misconception for mutant in challenge.mutants}) > 0.8 * len(challenge.mutants)


@every_challenge
def test_no_line_of_a_hint_or_prompt_is_a_line_of_the_solution(challenge: ChallengeFolder) -> None:
    shown = challenge.prompt + "".join(challenge.hints)
    given = {line.strip() for line in challenge.starter.splitlines()}
    for line in challenge.solution.splitlines():
        line = line.strip()
        if len(line) > 30 and line not in given and not re.match(r"def |class |\"\"\"|import", line):
            assert line not in shown


# Two seeds are proved by every `ppolab course check`.
FIFTY = tuple(range(100, 150))


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.timeout(1800)
@every_challenge
def test_right_ones_pass_and_wrong_ones_fail_on_fifty_seeds(challenge: ChallengeFolder) -> None:
    seeds = FIFTY[:10] if challenge.kind == "speed" else FIFTY  # measuring costs seconds each time
    assert check_challenge(challenge, choose_backend(), seeds) == []


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.timeout(1800)
@every_challenge
def test_mutants_made_by_machine_are_refused_or_argued(challenge: ChallengeFolder) -> None:
    report = mutation_report(challenge, choose_backend())
    assert report.survivors == report.stale == ()
    assert report.score >= 0.95
