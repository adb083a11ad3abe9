"""The challenge of chapter 4: its checks bite, and what its prompt says is true."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ppolab.assessment import ChallengeFolder, Mutant, check_challenge, load_challenge
from ppolab.sandbox import Backend

FOLDER = Path(__file__).parents[2] / "content/chapters/04-meeting-ppo/challenges/clipped-objective"


@pytest.fixture(scope="module")
def challenge() -> ChallengeFolder:
    return load_challenge(FOLDER)


@pytest.mark.sandbox
def test_its_checks_accept_what_is_right_and_catch_every_mutant(
    challenge: ChallengeFolder, backend: Backend
) -> None:
    assert len(challenge.mutants) >= 12
    assert len(challenge.alternatives) >= 2
    assert check_challenge(challenge, backend, seeds=(11, 12, 13)) == []


@pytest.mark.sandbox
def test_the_proof_finds_what_is_planted(challenge: ChallengeFolder, backend: Backend) -> None:
    sign_flipped = next(m for m in challenge.mutants if m.name == "sign_flipped")
    planted = replace(
        challenge,
        starter=challenge.solution,
        solution=sign_flipped.source,
        alternatives={"broken.py": "import nothing_of_this_name"},
        mutants=(
            Mutant("equal_to_the_solution", challenge.solution, "gradient", "none"),
            Mutant("caught_elsewhere", sign_flipped.source, "inputs-untouched", "none"),
        ),
    )
    listed = check_challenge(planted, backend, (1,))
    passed = {finding.problem for finding in listed if finding.file == "starter.py"}
    assert passed == {f"passes the check {check.name}" for check in challenge.checks}
    findings = {finding.file: finding.problem for finding in listed}
    assert "inside-range" in findings["solution.py"]
    assert "ModuleNotFoundError" in findings["alternatives/broken.py"]
    assert "says pass" in findings["mutants/equal_to_the_solution.py"]
    assert "says pass" in findings["mutants/caught_elsewhere.py"]
    assert "no mutant" in findings["mutants"]


def test_the_example_of_the_prompt_is_computed_right(challenge: ChallengeFolder) -> None:
    # Rows of the table: | n | log_probs | old_log_probs | r | A | …
    rows = re.findall(
        r"^\| (\d) \| (\S+) \| (\S+) \| .*?= ([\d.]+)\$.*? \| (\S+) \| .* \| (\S+) \|$",
        challenge.prompt.replace("e^{0} = 1$", "e^{0} = 1.0$").replace("−", "-"),
        re.MULTILINE,
    )
    assert len(rows) == 3
    _, log_probs, old, ratio, advantages, smaller = (
        torch.tensor([float(row[column]) for row in rows]) for column in range(6)
    )
    # The objective from its definition, without the engine's function.
    r = (log_probs - old).exp()
    objective = torch.stack([r * advantages, r.clamp(0.8, 1.2) * advantages]).amin(dim=0)
    assert torch.allclose(ratio, r, atol=5e-4)
    assert torch.allclose(smaller, objective, atol=5e-4)
    assert "the loss is **0.3**" in challenge.prompt
    assert torch.isclose(-objective.mean(), torch.tensor(0.3), atol=1e-6)


def test_the_corners_of_the_last_hint_are_right(challenge: ChallengeFolder) -> None:
    rows = re.findall(
        r"^\| ([\d.]+) \| ([+−]1) \| (−?[\d.]+), (not clipped|clipped)", challenge.hints[-1], re.M
    )
    assert len(rows) == 4
    for ratio, advantage, smaller, word in rows:
        r, a = float(ratio), float(advantage.replace("−", "-"))
        clipped = min(max(r, 0.8), 1.2) * a
        assert float(smaller.replace("−", "-")) == pytest.approx(min(r * a, clipped))
        assert (word == "clipped") == (clipped < r * a)


def test_starter_and_hints_do_not_hold_the_solution(challenge: ChallengeFolder) -> None:
    shown = challenge.starter + challenge.prompt + "".join(challenge.hints)
    assert "minimum(unclipped" not in shown
    assert "clamp(ratio" not in shown
