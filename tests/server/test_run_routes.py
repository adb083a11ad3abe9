import fcntl

import pytest

STATE = {"state": "running", "words": "running from step 0"}
FINISHED = {"state": "finished", "words": "finished at step 30"}
LOG = [
    (0, "state", STATE),
    (10, "metrics", {"policy_loss": 1.0, "novelty": 5.0}),
    (10, "histogram", {"name": "ratio", "low": 0, "high": 2, "counts": [[1, 2]]}),
    (10, "setting", {"name": "clip_range", "value": 0.4, "from": 0.2}),
    (20, "metrics", {"policy_loss": None, "novelty": 6.0}),
    (20, "alert", {"kind": "entropy collapse"}),
    (30, "metrics", {"policy_loss": 3.0, "novelty": 7.0}),
    (30, "state", FINISHED),
]


@pytest.fixture
def run(write_run):
    write_run("one", LOG)
    return "/api/runs/one"


def test_a_run_tells_where_it_stands_and_what_its_metrics_mean(client, run):
    detail = client.get(run).json()
    assert (detail["state"], detail["step"], detail["head"]) == ("finished", 30, 8)
    assert detail["latest"] == {"policy_loss": 3.0, "novelty": 7.0}
    assert not detail["can_resume"]
    metrics = {metric["key"]: metric for metric in detail["metrics"]}
    assert metrics["return_mean_100"]["reference"] == 475
    assert metrics["policy_loss"]["role"] == "actor"
    assert metrics["novelty"]["label"] == "novelty"  # one that nobody described is still shown
    assert detail["settings"][0]["name"] == "clip_range"
    assert detail["settings"][0]["value"] == 0.4  # as changed while it went
    assert detail["config"]["clip_range"] == 0.2  # as it began


def test_series_have_a_gap_where_a_value_was_not_finite(client, run):
    series = client.get(f"{run}/series?keys=policy_loss").json()
    assert series["series"] == {"policy_loss": {"step": [10, 20, 30], "value": [1.0, None, 3.0]}}
    assert (series["cursor"], series["from_step"], series["to_step"]) == (8, 10, 30)


def test_series_can_be_cut_to_a_span_of_steps(client, run):
    series = client.get(f"{run}/series?keys=novelty&from_step=15&to_step=25").json()
    assert series["series"] == {"novelty": {"step": [20], "value": [6.0]}}


def test_a_metric_that_is_only_not_recorded_yet_is_empty_and_an_unknown_one_refused(client, run):
    series = client.get(f"{run}/series?keys=entropy,novelty").json()["series"]
    assert series["entropy"] == {"step": [], "value": []}
    assert series["novelty"]["step"] == [10, 20, 30]
    answer = client.get(f"{run}/series?keys=happiness")
    assert answer.status_code == 404
    assert "novelty" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["px=1", "px=many", "from_step=-1", "from_step=9&to_step=3"])
def test_a_span_or_width_that_makes_no_sense_is_refused(client, run, query):
    assert client.get(f"{run}/series?{query}").status_code == 422


def test_events_leave_out_metrics_and_page_by_cursor(client, run):
    page = client.get(f"{run}/events?limit=2").json()
    assert [event["kind"] for event in page["events"]] == ["state", "histogram"]
    rest = client.get(f"{run}/events?cursor={page['cursor']}").json()
    assert [event["seq"] for event in rest["events"]] == [4, 6, 8]
    assert rest["cursor"] == 8


def test_events_can_be_picked_by_kind_and_an_unknown_kind_is_refused(client, run):
    page = client.get(f"{run}/events?kinds=alert,setting").json()
    assert [(event["seq"], event["step"]) for event in page["events"]] == [(4, 10), (6, 20)]
    answer = client.get(f"{run}/events?kinds=party")
    assert answer.status_code == 404
    assert "histogram" in answer.json()["detail"]


def test_the_state_at_a_step_knows_nothing_of_later_ones(client, run):
    at = client.get(f"{run}/at/15").json()
    assert (at["step"], at["seq"], at["state"]) == (10, 4, "running")
    assert at["metrics"] == {"policy_loss": 1.0, "novelty": 5.0}
    assert at["settings"] == {"clip_range": 0.4}
    assert at["histograms"]["ratio"]["data"]["counts"] == [[1, 2]]
    assert at["alerts"] == []
    assert client.get(f"{run}/at/5").json()["settings"] == {"clip_range": 0.2}
    assert len(client.get(f"{run}/at/20").json()["alerts"]) == 1


def test_a_run_at_work_cannot_be_deleted_and_one_that_ended_can(client, write_run):
    folder = write_run("busy", LOG[:2])
    with (folder / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = client.delete("/api/runs/busy")
        assert answer.status_code == 409
        assert "Stop it first" in answer.json()["mend"]
        assert folder.is_dir()
    assert client.delete("/api/runs/busy").status_code == 204
    assert not folder.exists()
    assert client.get("/api/runs/busy").status_code == 404


def test_a_run_whose_process_is_just_coming_up_cannot_be_deleted(client, write_run):
    folder = write_run("new", [(0, "state", {"state": "starting", "words": "starting"})])
    assert client.delete("/api/runs/new").status_code == 409
    assert folder.is_dir()


def test_a_finished_run_cannot_be_resumed_or_controlled(client, run):
    assert client.post(f"{run}/resume").status_code == 409
    answer = client.post(f"{run}/control", json={"action": "pause"})
    assert answer.status_code == 409
    assert "finished" in answer.json()["detail"]


def test_presets_come_with_their_live_settings(client):
    preset = next(p for p in client.get("/api/presets").json() if p["name"] == "cartpole")
    assert preset["environment"] == "CartPole-v1"
    assert preset["settings"][0]["name"] == "clip_range"
    assert preset["settings"][0]["value"] == preset["config"]["clip_range"]


def test_a_folder_that_is_no_run_does_not_hide_the_others(client, run, settings):
    (settings.runs_folder / "junk").mkdir()
    (settings.runs_folder / "broken").mkdir()
    (settings.runs_folder / "broken" / "run.json").write_text("{")
    assert [run["id"] for run in client.get("/api/runs").json()] == ["one"]
    answer = client.get("/api/runs/broken")
    assert answer.status_code == 500
    assert "run.json" in answer.json()["detail"]
