from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppolab.cli import main
from ppolab.runs.studies import ablation as studies
from ppolab.runs.studies.crews import InlineCrew

Ask = Callable[..., tuple[int, dict[str, Any], str]]

QUICK = ("--preset", "none", "--environments", "2", "--rollout-steps", "32", "--minibatch-size",
         "32", "--epochs", "2", "--hidden-size", "16", "--total-steps", "192", "--backend",
         "torch")  # fmt: skip


def test_an_ablation_answers_with_the_numbers_of_every_variant(ask: Ask, home: Path) -> None:
    code, answer, words = ask(
        "ablate", "CartPole-v1", "--without", "gae,clip", "entropy", "--seeds", "2", "--seed", "7",
        *QUICK,
    )  # fmt: skip
    assert code == 0
    assert list(answer["variants"]) == ["baseline", "gae", "clip", "entropy"]
    assert answer["seeds"] == [7, 8]
    study = Path(answer["study"])
    assert study.parent == home / "studies"
    baseline, gae = answer["variants"]["baseline"], answer["variants"]["gae"]
    assert gae["changed"] == {"gae_lambda": 1.0}
    assert "Schulman" in gae["source"]
    differences = [a - b for a, b in zip(gae["values"], baseline["values"], strict=True)]
    assert gae["difference"] == pytest.approx(sum(differences) / 2)
    low, high = gae["difference_interval"]
    assert low <= gae["difference"] <= high
    assert gae["mean"] == pytest.approx(sum(gae["values"]) / 2)
    assert baseline["difference"] is None
    assert json.loads((study / "result.json").read_text()) == answer
    assert Path(answer["curves"]).read_text().startswith("variant,seed,step,return_mean_100\n")
    assert f"{gae['mean']:.1f}" in words
    # The study is a home: its runs can be looked at as one's own.
    _, listed, _ = ask("runs", "--home", str(study))
    assert len(listed["runs"]) == 8
    assert ask("runs")[1]["runs"] == [], "they do not flood the list of one's own"


def test_an_interrupted_ablation_says_how_to_go_on_and_goes_on(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("ablate", "CartPole-v1", "--without", "gae", "--seeds", "1", *QUICK)
    whole = ask(*arguments)[1]
    waits = 0
    wait = InlineCrew.wait

    def interrupted(crew: InlineCrew) -> Any:
        nonlocal waits
        waits += 1
        if waits == 25:
            raise KeyboardInterrupt
        return wait(crew)

    monkeypatch.setattr(InlineCrew, "wait", interrupted)
    code, answer, words = ask(*arguments)
    assert (code, answer["state"]) == (1, "interrupted")
    assert f"ppolab ablate --resume {answer['id']}" in words
    monkeypatch.setattr(InlineCrew, "wait", wait)
    code, resumed, _ = ask("ablate", "--resume", answer["id"])
    assert code == 0
    assert resumed["id"] == answer["id"]
    assert resumed["variants"] == whole["variants"]


def test_a_variant_that_failed_is_told_and_gives_exit_code_one(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, answer, words = ask(
        "ablate", "CartPole-v1", "--without", "gae", "--seeds", "1", *QUICK,
        "--learning-rate", "1e30", "--max-gradient-norm", "1e30",
    )  # fmt: skip
    assert code == 1
    assert answer["variants"]["gae"]["values"] == [None]
    assert "is not finite" in answer["variants"]["gae"]["failures"]["1"]
    assert "gae, seed 1: failed at step" in words


def test_the_ingredients_are_listed(ask: Ask) -> None:
    code, answer, words = ask("ablate", "--list")
    assert code == 0
    names = [one["name"] for one in answer["ablations"]]
    assert {"normalize_advantages", "clip", "value_clip", "gae", "orthogonal_init"} <= set(names)
    assert all(name in words for name in names)


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        (["--without", "gea"], "without", "Known: normalize_advantages, clip"),
        ([], "without", "--without clip gae"),
        (["--without", "kl_stop"], "without", "the baseline has none of it"),
        (["--without", "gae", "--seeds", "0"], "seeds", "Give 1 or more"),
        (["--without", "gae", "--jobs", "0"], "jobs", "Give 1 or more"),
        (["--without", "gae", "--metric", "speed"], "metric", "Known: return_mean_100"),
        (["--without", "gae", "--preset", "nope.yaml"], "preset", "cannot be read"),
        (["--resume", "nobody"], "study", "Known: none yet"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    ask: Ask, arguments: list[str], field: str, words: str
) -> None:
    code, answer, _ = ask("ablate", "CartPole-v1", *arguments)
    assert (code, answer["field"]) == (2, field)
    assert words in answer["error"]


def test_people_get_a_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies, "STOPS", 2)
    assert main(["ablate", "CartPole-v1", "--without", "gae", "--seeds", "2", *QUICK]) == 0
    output, _ = capsys.readouterr()
    assert "P(better)" in output
    assert "Student's t" in output
    assert '{"' not in output
