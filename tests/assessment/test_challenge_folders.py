from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ppolab.assessment import find_challenges, load_challenge
from ppolab.errors import InvalidSettingError, StorageError

CONTENT = Path(__file__).parents[2] / "content"
CLIPPED = CONTENT / "chapters/04-meeting-ppo/challenges/clipped-objective"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "chapters" / "01-first" / "challenges" / "copied"
    shutil.copytree(CLIPPED, folder)
    return folder


def test_a_folder_is_read_with_all_that_it_holds(copy: Path) -> None:
    challenge = load_challenge(copy)
    assert (challenge.slug, challenge.chapter) == ("copied", "01-first")
    assert challenge.entry == "clipped_objective"
    assert [check.name for check in challenge.checks[:2]] == ["examples", "inside-range"]
    assert [check.visible for check in challenge.checks[:3]] == [True, False, False]
    assert challenge.checks[1].title == "A ratio near 1 is left alone"
    assert challenge.kind == "function"
    assert challenge.engine == ("ppolab.algorithms.policy_losses.clipped_policy_loss",)
    assert len(challenge.hints) == 3
    assert not any("---\n" in hint.splitlines()[0] for hint in challenge.hints)
    assert challenge.starter.startswith("import torch")
    mutant = next(mutant for mutant in challenge.mutants if mutant.name == "hard_coded_clip")
    assert (mutant.caught_by, mutant.misconception) == ("clip-range", "ε is 0.2.")


def test_challenges_are_found_by_slug() -> None:
    found = find_challenges(CONTENT)
    assert found["clipped-objective"].folder == CLIPPED.resolve()


def test_two_challenges_of_one_name_are_refused(copy: Path, tmp_path: Path) -> None:
    shutil.copytree(copy, tmp_path / "chapters" / "02-second" / "challenges" / "copied")
    with pytest.raises(InvalidSettingError, match="name of two challenges"):
        find_challenges(tmp_path)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "hints.md").unlink()
    with pytest.raises(StorageError, match=r"hints\.md"):
        load_challenge(copy)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ("minutes: 5\nentry: f\nchecks: {a: A}", "title"),
        ("title: T\nminutes: -1\nentry: f\nchecks: {a: A}", "minutes"),
        ("title: T\nminutes: 5\nentry: f\nchecks: []", "checks"),
        ("title: T\nminutes: 5\nentry: f\nchecks: {a: 3}", "a"),
        ("title: T\nminutes: 5\nentry: f\nkind: riddle\nchecks: {a: A}", "kind"),
        ("title: T\nminutes: 5\nentry: f\nchecks: {a: A}\nunscored: [b]", "unscored"),
        ("title: T\nminutes: 5\nentry: f\nchecks: {a: A}\nlimits: {disk: 5}", "limits"),
        ("title: T\nminutes: 5\nentry: f\nchecks: {a: A}\nengine: f", "engine"),
        ("- a list", "is not a mapping"),
        ("title: [", "is not YAML"),
    ],
)
def test_a_setting_that_is_wrong_is_named(copy: Path, settings: str, field: str) -> None:
    shutil.rmtree(copy / "mutants")
    (copy / "challenge.yaml").write_text(settings)
    with pytest.raises(InvalidSettingError, match=field):
        load_challenge(copy)


def test_a_mutant_must_name_a_check_that_exists_and_a_misconception(copy: Path) -> None:
    mutant = copy / "mutants" / "no_clip.py"
    mutant.write_text("# caught_by: nonsense\n# misconception: none\n")
    with pytest.raises(InvalidSettingError, match=r"no_clip\.py caught_by: 'nonsense'"):
        load_challenge(copy)
    mutant.write_text("# caught_by: gradient\n")
    with pytest.raises(InvalidSettingError, match=r"no_clip\.py misconception"):
        load_challenge(copy)


def test_examples_go_from_small_to_large_and_a_wrong_one_is_named(copy: Path) -> None:
    sizes = [example.size for example in load_challenge(copy).examples]
    assert sizes == sorted(sizes)
    (copy / "examples.yaml").write_text("- name: no arguments\n  expected: 3\n")
    with pytest.raises(InvalidSettingError, match="no arguments"):
        load_challenge(copy)
