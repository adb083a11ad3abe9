from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from scripted import lines

from ppolab.control.presets import GROUPS
from ppolab.language.pipeline import stages_of
from ppolab.language.recipe import recipe_from_mapping
from ppolab.runs import RunFolder, Runs
from ppolab.server.settings import ServerSettings
from ppolab.server.stageviews import going_on_by_itself

TINY = {
    "sft-updates": 2, "pairs": 80, "updates": 2, "batch-size": 8, "minibatch-size": 8,
    "epochs": 1, "longest-response": 4, "dtype": "float32",
}  # fmt: skip
FINISHED = {"state": "finished", "words": "finished at step 2: perplexity 20.0"}


@pytest.fixture
def write_stage(settings: ServerSettings) -> Callable[..., RunFolder]:
    """Write a finished run of fine-tuning as an earlier process would have left it."""

    def write(run_id: str, state: dict[str, str] = FINISHED, **options: Any) -> RunFolder:
        stages = stages_of(recipe_from_mapping({**TINY, **options}))
        first, *rest = stages.values()
        then = [{"kind": stage.kind, "config": stage.to_mapping()} for stage in rest]
        folder = settings.runs_folder / run_id
        folder.mkdir(parents=True)
        manifest = {
            "id": run_id, "title": run_id, "kind": first.kind, "environment": "Austen",
            "preset": "austen-ppo", "seed": 1, "total_steps": 2, "config": first.to_mapping(),
            "created_at": "2026-01-02T03:04:05.000+00:00", "versions": {}, "then": then,
        }  # fmt: skip
        (folder / "run.json").write_text(json.dumps(manifest))
        events = [
            (0, "metrics", {"perplexity": 30.0}),
            (2, "metrics", {"perplexity": 20.0}),
            (2, "state", state),
        ]
        (folder / "events.jsonl").write_bytes(lines(events))
        return RunFolder(folder)

    return write


def test_a_stage_offers_the_settings_that_may_be_changed_at_their_values_now(client, write_stage):
    folder = write_stage("first")
    with (folder.path / "events.jsonl").open("ab") as log:
        change = {"name": "learning_rate", "value": 1e-4, "from": 1e-3}
        log.write(lines([(2, "setting", change)]))
    (rate,) = client.get("/api/runs/first").json()["settings"]
    assert (rate["name"], rate["value"], rate["initial"]) == ("learning_rate", 1e-4, 1e-3)
    assert rate["logarithmic"]
    assert client.get("/api/runs/first/at/0").json()["settings"] == {"learning_rate": 1e-3}


def until(ask: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 240
    while not holds(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_presets_come_in_groups_and_those_of_language_models_name_their_stages(
    client: TestClient,
) -> None:
    presets = client.get("/api/presets").json()
    names = [preset["name"] for preset in presets]
    assert len(names) == len(set(names))
    groups = list(dict.fromkeys(preset["group"] for preset in presets))
    places = [preset["group"] for preset in presets]
    assert places == sorted(places, key=groups.index)  # a group is in one piece
    assert groups[:2] == ["First steps", "Classic control"]
    assert groups[-1] == "Language models: RLHF"
    assert set(groups[:-1]) <= set(GROUPS[:-1])  # none is left without a group
    stages = {preset["name"]: preset["stages"] for preset in presets}
    assert stages["cartpole"] == []
    assert stages["austen-grpo"] == ["Fine-tuning", "Reward model", "GRPO"]
    assert stages["austen-best-of-n"][-1] == "Best of n"


@pytest.mark.slow  # three processes, each of which reads the whole corpus
def test_a_preset_goes_through_all_its_stages_by_itself(client: TestClient) -> None:
    request = {"kind": "language", "preset": "austen-ppo", "seed": 3, "overrides": TINY}
    answer = client.post("/api/runs", json=request)
    assert answer.status_code == 201, answer.text
    first = answer.json()
    assert (first["kind"], first["seed"]) == ("sft", 3)
    assert first["title"] == "Fine-tuning, Cheerful Jane Austen, seed 3"
    told = client.get(f"/api/runs/{first['id']}/stages").json()
    assert [stage["words"] for stage in told["stages"]] == ["Fine-tuning", "Reward model", "PPO"]

    def stages() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get(f"/api/runs/{first['id']}/stages").json()["stages"]
        return found

    done = until(
        stages,
        lambda found: (
            found[-1]["state"] == "finished" or any(stage["state"] == "failed" for stage in found)
        ),
    )
    assert [stage["state"] for stage in done] == ["finished"] * 3, done
    figures = {figure["key"]: figure for stage in done for figure in stage["figures"]}
    last = client.get(f"/api/runs/{done[-1]['run_id']}").json()
    assert figures["eval_gold"]["after"] == last["latest"]["eval_gold"]
    assert figures["perplexity"]["before"] is None  # it is first measured after some updates
    assert figures["perplexity"]["after"] > 1
    assert len(done[-1]["texts_before"]) == len(done[-1]["texts_after"]) == 4
    from_the_end = client.get(f"/api/runs/{done[-1]['run_id']}/stages").json()
    assert from_the_end["stages"] == done
    assert not from_the_end["next_ready"]
    assert from_the_end["presets"] == []  # nothing comes after the policy


def test_a_stage_that_cannot_go_on_tells_its_cause(
    client: TestClient, write_stage: Callable[..., RunFolder]
) -> None:
    write_stage("one")
    told = client.get("/api/runs/one/stages").json()
    assert told["next_ready"]
    assert [stage["state"] for stage in told["stages"]] == ["finished", None, None]
    assert told["stages"][0]["figures"][0]["before"] == 30.0
    assert "austen-dpo" in told["presets"]
    begun = client.post("/api/runs/one/next")
    assert begun.status_code == 201, begun.text
    assert not client.get("/api/runs/one/stages").json()["next_ready"]
    reward = until(
        lambda: client.get(f"/api/runs/{begun.json()['id']}").json(),
        lambda run: run["state"] == "failed",
    )
    assert "has left no model. Let the run finish first" in reward["state_words"]
    stages = client.get("/api/runs/one/stages").json()["stages"]
    assert stages[1]["state_words"] == reward["state_words"]
    assert stages[2]["state_words"] == "still to come"
    again = client.post("/api/runs/one/next")
    assert again.status_code == 409
    assert "already" in again.json()["detail"]


def test_nothing_goes_on_from_a_stage_that_was_stopped(
    client: TestClient, write_stage: Callable[..., RunFolder]
) -> None:
    write_stage("one", {"state": "stopped", "words": "stopped at step 2"})
    told = client.get("/api/runs/one/stages").json()
    assert (told["next_ready"], told["presets"]) == (False, [])
    assert client.post("/api/runs/one/next").status_code == 409
    request = {"kind": "language", "preset": "austen-dpo", "after": "one"}
    assert client.post("/api/runs", json=request).status_code == 409


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"overrides": {"reward": "my.py:fn"}}, 422, "ppolab rlhf --reward"),
        ({"overrides": {"kl_coeff": 1}}, 404, "kl-coef"),
        ({"overrides": {"pooling": "first"}}, 404, "pooling"),
        ({"preset": "austen-a2c"}, 404, "austen-grpo"),
        ({"after": "nowhere"}, 404, "nowhere"),
        ({"kind": "control", "preset": "cartpole", "after": "one"}, 422, "Leave it out"),
    ],
)
def test_a_start_that_cannot_be_is_refused_in_words(
    client: TestClient, change: dict[str, Any], status: int, words: str
) -> None:
    answer = client.post("/api/runs", json={"kind": "language", "preset": "austen-ppo", **change})
    assert answer.status_code == status
    assert words in answer.text
    assert client.get("/api/runs").json() == []


def test_a_run_of_control_has_no_stages(client: TestClient, write_run: Callable[..., Path]) -> None:
    write_run("one", [(0, "state", FINISHED)])
    assert client.get("/api/runs/one/stages").json() == {
        "stages": [], "next_ready": False, "presets": [],
    }  # fmt: skip


class Started:
    """An executor that only notes what it is to start."""

    def __init__(self) -> None:
        self.folders: list[RunFolder] = []

    def start(self, folder: RunFolder) -> None:
        self.folders.append(folder)


def test_only_a_finished_stage_is_followed_and_a_fault_is_told(
    settings: ServerSettings, write_stage: Callable[..., RunFolder]
) -> None:
    executor: Any = Started()
    ended = going_on_by_itself(Runs(settings.runs_folder), lambda: executor)
    stopped = write_stage("stopped", {"state": "stopped", "words": "stopped at step 2"})
    ended(stopped)
    assert executor.folders == []
    assert stopped.status().words == "stopped at step 2"
    ended(write_stage("whole"))
    assert [folder.manifest.kind for folder in executor.folders] == ["reward-model"]
    broken = write_stage("broken")
    text = (broken.path / "run.json").read_text().replace('"pairs": 80', '"pairs": 0')
    (broken.path / "run.json").write_text(text)
    broken = RunFolder(broken.path)
    ended(broken)
    assert len(executor.folders) == 1
    status = broken.status()
    assert status.state == "finished"
    assert "the next stage cannot begin: pairs: 0 must be at least 1" in status.words
