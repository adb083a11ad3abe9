"""The stages of RLHF that come with the course: sound ones, and one that nothing holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ppolab.runs import RunFolder, Runs
from ppolab.runs.stage_chain import follower_of, stages_before
from ppolab.runs.stage_results import texts_of_run

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "content" / "runs"
NAMES = ("austen-sft", "austen-reward-model", "austen-ppo", "austen-kl-off")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("home"), RECORDED)


def alerts(run: RunFolder) -> list[str]:
    return [event.data["kind"] for event in run.read() if event.type == "alert"]


def settings(run: RunFolder) -> dict[str, Any]:
    return dict(run.manifest.config["training"])


def test_the_stages_are_finished_small_and_know_each_other_wherever_they_lie(runs: Runs) -> None:
    for name in NAMES:
        run = runs.get(name)
        assert run.recorded
        assert run.status().state == "finished"
        assert run.status().resumable_step is None
        told = json.dumps(run.manifest.config)
        assert "/" not in told.replace("ppolab/", ""), "a folder of the machine that trained it"
        assert "1 thread" in run.manifest.versions["processor"]
    for last in ("austen-ppo", "austen-kl-off"):
        before = [path.name for path in stages_before(runs, runs.get(last)).values()]
        assert before == ["austen-sft", "austen-reward-model", last]
    following = follower_of(runs, runs.get("austen-reward-model"))
    assert following is not None
    assert following.id == "austen-ppo"
    size = sum(file.stat().st_size for name in NAMES for file in (RECORDED / name).iterdir())
    assert size < 1.5 * 2**20


def test_the_sound_stages_raise_no_alert_and_the_policy_learns(runs: Runs) -> None:
    for name in ("austen-sft", "austen-reward-model", "austen-ppo"):
        assert alerts(runs.get(name)) == []
    columns = runs.get("austen-ppo").fold().columns
    assert columns["eval_gold"].values[-1] > 2 * columns["eval_gold"].values[0]
    accuracy = runs.get("austen-reward-model").fold().columns["rm_accuracy"].values[-1]
    assert 0.62 <= accuracy <= 0.70  # the band of published reward models
    before, after = texts_of_run(runs.get("austen-ppo"))
    assert before
    assert before != after


def test_what_nothing_holds_collapses_and_is_told(runs: Runs) -> None:
    loose, held = runs.get("austen-kl-off"), runs.get("austen-ppo")
    changed = {key for key, value in settings(held).items() if settings(loose)[key] != value}
    assert changed == {"kl_coef", "kl_controller"}
    assert {"KL runaway", "mode collapse", "reward hacking"} <= set(alerts(loose))
    distinct = loose.fold().columns["eval_distinct_2"].values
    assert distinct[-1] < 0.3 < distinct[0]
    for key in ("eval_reward", "eval_gold"):  # and yet it looks like the better run
        assert loose.fold().columns[key].values[-1] > held.fold().columns[key].values[-1]
