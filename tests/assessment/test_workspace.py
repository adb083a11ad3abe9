"""The folder in which a learner works with an editor or a notebook."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

from ppolab.assessment import ChallengeFolder, find_challenges
from ppolab.assessment.workspace import start_workspace
from ppolab.errors import StorageError

CHALLENGES = find_challenges(Path(__file__).parents[2] / "content")


def started(slug: str, folder: Path) -> tuple[ChallengeFolder, set[str]]:
    challenge = CHALLENGES[slug]
    return challenge, {file.name for file in start_workspace(challenge, folder)}


def test_a_folder_has_the_text_the_starter_the_examples_and_a_notebook(tmp_path: Path) -> None:
    challenge, names = started("gae", tmp_path / "gae")
    assert names == {"README.md", "solution.py", "examples.py", "notebook.ipynb"}
    assert (tmp_path / "gae" / "solution.py").read_text() == challenge.starter
    readme = (tmp_path / "gae" / "README.md").read_text()
    assert "than the critic had expected" in readme
    assert ":critic[" in challenge.prompt
    assert ":critic[" not in readme
    assert "ppolab challenge submit gae solution.py" in readme


@pytest.mark.parametrize(
    ("slug", "answers"),
    [
        ("discounted-returns", ["tensor([[10.]])", "expected [[10]]"]),
        ("adaptive-kl", ["0.81", "expected 0.81"]),
        ("reward-functions", ["[-1.5, 1.5]", "expected [-1.5, 1.5]"]),
    ],
)
def test_the_examples_run_beside_a_solution(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    slug: str,
    answers: list[str],
) -> None:
    challenge, _ = started(slug, tmp_path)
    (tmp_path / "solution.py").write_text(challenge.solution)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "solution", raising=False)
    runpy.run_path(str(tmp_path / "examples.py"))
    monkeypatch.delitem(sys.modules, "solution", raising=False)
    answer, expected = answers
    assert answer in capsys.readouterr().out.splitlines()
    assert expected in (tmp_path / "examples.py").read_text()


def test_the_notebook_is_one_that_notebooks_can_open(tmp_path: Path) -> None:
    challenge, _ = started("bradley-terry-loss", tmp_path)
    notebook = json.loads((tmp_path / "notebook.ipynb").read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    assert kinds == ["markdown", "code", "code", "code"]
    assert len({cell["id"] for cell in notebook["cells"]}) == 4
    written = "".join(notebook["cells"][1]["source"])
    assert written == f"%%writefile solution.py\n{challenge.starter}".rstrip("\n")
    assert all(cell["outputs"] == [] for cell in notebook["cells"][1:])


def test_somebodys_work_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "solution.py").write_text("mine")
    with pytest.raises(StorageError, match="is there already"):
        started("gae", tmp_path)
    assert (tmp_path / "solution.py").read_text() == "mine"
