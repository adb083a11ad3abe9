"""`ppolab challenge`: a folder to work in, a verdict check by check, and what is kept of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ppolab.assessment
import ppolab.sandbox
from ppolab.assessment import ChallengeFolder, CheckOutcome, Grade
from ppolab.cli import main
from ppolab.server.startup import open_records


class Machine:
    """A backend by name; nothing is run in it here."""

    name = "scripted"


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of its own, with a grader that passes what says so."""

    def grade(challenge: ChallengeFolder, source: str, backend: Machine, on_update=None) -> Grade:
        passed = "# right" in source
        statuses = ["pass", "pass" if passed else "timeout"]
        checks = tuple(
            CheckOutcome(c.name, c.title, status, "" if status == "pass" else "why\nso", case="f()")
            for c, status in zip(challenge.checks[:2], statuses, strict=True)
        )
        verdict = "pass" if passed else "timeout"
        result = Grade(verdict, "summed up", checks, "[red]out[/red]\n", backend.name, 0.5)
        on_update(result)
        return result

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PPOLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(ppolab.assessment, "grade", grade)
    monkeypatch.setattr(ppolab.sandbox, "choose_backend", lambda unsafe_local=False: Machine())


def result_of(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_a_started_folder_can_be_submitted_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["challenge", "start", "gae"]) == 0
    capsys.readouterr()
    Path("gae/solution.py").write_text("# right\n")
    assert main(["challenge", "submit", "gae"]) == 0
    told = capsys.readouterr()
    assert "All" not in told.out + told.err
    assert "✓ The examples that you can see come out right" in told.out + told.err


def test_every_submission_is_kept_and_tries_open_hints(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text("# wrong\n")
    assert main(["challenge", "submit", "gae", "mine.py", "--json"]) == 1
    result = result_of(capsys)
    assert [check["status"] for check in result["checks"]] == ["pass", "timeout"]
    records = open_records()
    (attempt,) = records.attempts("gae")
    assert (attempt.id, attempt.verdict, attempt.source) == (
        result["attempt"],
        "timeout",
        "# wrong\n",
    )
    assert ("challenge", "advantage-estimation", "gae") not in records.done()
    assert main(["challenge", "hint", "gae", "--json"]) == 0
    hints = result_of(capsys)
    assert (hints["tries"], len(hints["hints"])) == (1, 1)
    Path("mine.py").write_text("# right\n")
    assert main(["challenge", "submit", "gae", "mine.py"]) == 0
    assert ("challenge", "advantage-estimation", "gae") in records.done()
    capsys.readouterr()
    assert main(["challenge", "hint", "gae", "--json"]) == 0
    assert len(result_of(capsys)["hints"]) == 3
    records.close()


def test_a_check_that_did_not_pass_is_told_with_its_case_and_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("mine.py").write_text("# wrong\n")
    main(["challenge", "submit", "gae", "mine.py"])
    told = capsys.readouterr()
    text = told.out + told.err
    assert "! λ = 0 gives the one-step error\n    f()\n    why\n    so\n" in text
    assert "[red]out[/red]" in text  # shown, not obeyed
