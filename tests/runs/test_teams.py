from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers_runs import BATCH, quick_config, train

from ppolab.errors import ConflictError, InvalidSettingError, UnavailableError
from ppolab.runs import RunFolder, Runs
from ppolab.runs.session import NoControls
from ppolab.runs.studies.crews import Crew, InlineCrew, ProcessCrew, RayCrew, crew_for
from ppolab.runs.studies.team import Job, Team

STOPS = (4 * BATCH, 8 * BATCH, 12 * BATCH)


def make(runs: Runs, name: str, seeds: int = 2, **changes: Any) -> Job:
    folders = [
        runs.create(quick_config(seed=seed, backend="torch", **changes), run_id=f"{name}-{seed}")
        for seed in range(seeds)
    ]
    return Job(name, tuple(str(folder.path) for folder in folders), STOPS, "return_mean_100")


def told(path: str | Path) -> list[tuple[int, dict[str, Any]]]:
    """All numbers of a run but its speed, later tellings in place of what was taken back."""
    by_step = {
        event.step: {k: v for k, v in event.data.items() if k != "steps_per_second"}
        for event in RunFolder(Path(path)).read()
        if event.type == "metrics"
    }
    return sorted(by_step.items())


@pytest.fixture
def undisturbed(runs: Runs) -> list[list[tuple[int, dict[str, Any]]]]:
    """What both seeds tell when each is trained by itself."""
    job = make(runs, "alone")
    for path in job.folders:
        assert train(RunFolder(Path(path))) == "finished"
    return [told(path) for path in job.folders]


def states(job: Job) -> list[str]:
    return [RunFolder(Path(path)).status().state for path in job.folders]


def test_the_runs_of_a_team_are_at_the_same_step_whenever_it_reports(runs: Runs) -> None:
    job = make(runs, "team")
    team = Team(job, NoControls())
    for stop in STOPS[:2]:
        report = team.advance()
        folds = [RunFolder(Path(path)).fold() for path in job.folders]
        assert (report.state, report.step) == ("going", stop)
        assert [fold.step for fold in folds] == [stop, stop]
        assert report.values == tuple(fold.latest["return_mean_100"] for fold in folds)
    assert team.advance().state == "finished"
    assert states(job) == ["finished", "finished"]


def test_taking_turns_changes_no_bit(
    runs: Runs, undisturbed: list[list[tuple[int, dict[str, Any]]]]
) -> None:
    job = make(runs, "team")
    team = Team(job, NoControls())
    while team.advance().state == "going":
        pass
    assert [told(path) for path in job.folders] == undisturbed


def test_an_interrupted_team_goes_on_where_it_was(
    runs: Runs, undisturbed: list[list[tuple[int, dict[str, Any]]]]
) -> None:
    job = make(runs, "team")
    team = Team(job, NoControls())
    team.advance()
    team.close()
    assert states(job) == ["interrupted", "interrupted"]
    steps = [RunFolder(Path(path)).status().resumable_step for path in job.folders]
    assert steps == [STOPS[0], STOPS[0]], "between two iterations nothing need be done again"
    team = Team(Job(job.name, job.folders, STOPS[1:], job.metric), NoControls())
    assert team.advance().step == STOPS[1]
    assert team.advance().state == "finished"
    assert [told(path) for path in job.folders] == undisturbed


def test_an_interrupt_within_an_iteration_interrupts_all_runs(runs: Runs) -> None:
    class Impatient:
        polls = 0

        def poll(self, block: bool) -> None:
            self.polls += 1
            if self.polls == 6:  # the second run's second iteration
                raise KeyboardInterrupt

    job = make(runs, "team")
    with pytest.raises(KeyboardInterrupt):
        Team(job, Impatient()).advance()
    assert states(job) == ["interrupted", "interrupted"]
    with RunFolder(Path(job.folders[0])).locked():
        pass  # they were let go of


def test_a_stopped_team_keeps_checkpoints(runs: Runs) -> None:
    job = make(runs, "team")
    team = Team(job, NoControls())
    team.advance()
    assert team.stop().state == "stopped"
    assert states(job) == ["stopped", "stopped"]
    assert RunFolder(Path(job.folders[1])).status().resumable_step == STOPS[0]


def test_a_team_with_a_run_that_fails_says_why(runs: Runs) -> None:
    job = make(runs, "team", learning_rate=1e30, max_gradient_norm=1e30)
    report = Team(job, NoControls()).advance()
    assert report.state == "failed"
    assert "is not finite" in report.words


def test_a_run_that_ends_early_keeps_its_last_value(runs: Runs) -> None:
    job = make(runs, "team", seeds=1, iterations=80, stop_return=1.0, learning_rate=1e-8)
    job = Job(job.name, job.folders, (BATCH * 70, BATCH * 75, BATCH * 80), job.metric)
    team = Team(job, NoControls())
    first = team.advance()
    fold = RunFolder(Path(job.folders[0])).fold()
    assert fold.step < BATCH * 70, "the return asked for is reached with the hundredth episode"
    assert first.values == (fold.latest["return_mean_100"],)
    assert team.advance().values == first.values
    assert team.advance().state == "finished"


def test_a_job_goes_through_json_as_it_is() -> None:
    job = Job("trial-1", ("/a", "/b"), (10, 20), "auc")
    assert Job.from_mapping(json.loads(json.dumps(job.to_mapping()))) == job


def through(crew: Crew, jobs: list[Job]) -> None:
    """Let a crew do all jobs to their end."""
    waiting, working = list(jobs), 0
    while waiting or working:
        while waiting and working < crew.size:
            crew.begin(waiting.pop(0))
            working += 1
        report = crew.wait()
        if report.state == "going":
            crew.go_on(report.job)
        else:
            assert report.state == "finished", report.words
            working -= 1


@pytest.fixture
def processes() -> Iterator[ProcessCrew]:
    crew = ProcessCrew(2)
    yield crew
    crew.close()


def test_processes_do_what_this_process_does(
    runs: Runs, processes: ProcessCrew, undisturbed: list[list[tuple[int, dict[str, Any]]]]
) -> None:
    jobs = [make(runs, name) for name in ("first", "second", "third")]
    through(processes, jobs)
    for job in jobs:
        assert [told(path) for path in job.folders] == undisturbed


def test_closing_a_crew_interrupts_its_processes_in_the_middle(
    runs: Runs, processes: ProcessCrew
) -> None:
    job = make(runs, "long", iterations=100_000)
    processes.begin(Job(job.name, job.folders, (4 * BATCH, 100_000 * BATCH), job.metric))
    assert processes.wait().step == 4 * BATCH
    processes.go_on("long")
    processes.close()
    assert states(job) == ["interrupted", "interrupted"]
    last = [RunFolder(Path(path)) for path in job.folders]
    assert [one.status().resumable_step == one.fold().step for one in last] == [True, True]


def test_a_process_that_dies_is_reported(runs: Runs, processes: ProcessCrew) -> None:
    job = make(runs, "long", iterations=100_000)
    processes.begin(job)
    processes.wait()
    (one,) = processes._at_work.values()
    assert one.process.pid is not None
    os.kill(one.process.pid, signal.SIGKILL)
    report = processes.wait()
    assert (report.state, report.words) == ("lost", "its process went away with exit code -9")


@pytest.mark.parametrize("kind", ["inline", "processes"])
def test_a_job_whose_run_is_held_elsewhere_is_refused(
    runs: Runs, processes: ProcessCrew, kind: str
) -> None:
    job = make(runs, "held")
    with RunFolder(Path(job.folders[1])).locked():
        if kind == "inline":
            with pytest.raises(ConflictError, match="already going"):
                InlineCrew().begin(job)
        else:
            processes.begin(job)
            report = processes.wait()
            assert report.state == "failed"
            assert "already going" in report.words


@pytest.mark.parametrize("jobs", [0, -1])
def test_a_crew_needs_at_least_one_job(jobs: int) -> None:
    with pytest.raises(InvalidSettingError, match=r"jobs: .* too few"):
        crew_for(jobs, ray=False)


def test_the_crew_is_chosen_by_the_number_of_jobs() -> None:
    assert isinstance(crew_for(1, ray=False), InlineCrew)
    assert isinstance(crew_for(3, ray=False), ProcessCrew)


class FakeRay(ModuleType):
    """Ray's calls as far as they are used, with actors in this process."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.address: str | None = "never"
        self.made: list[dict[str, Any]] = []
        self.resources: dict[str, Any] = {}
        self.lost = False
        self.exceptions = type("E", (), {"RayError": OSError})

    def init(self, address: str | None, **_: Any) -> None:
        self.address = address

    def remote(self, **resources: Any) -> Callable[[type], Any]:
        self.resources = resources

        def decorate(cls: type) -> Any:
            def make(job: dict[str, Any]) -> Any:
                self.made.append(json.loads(json.dumps(job)))  # it must travel
                return Handle(cls(job))

            return type("Remote", (), {"remote": staticmethod(make)})

        return decorate

    def wait(self, promises: list[Any], num_returns: int, timeout: float = 0) -> tuple[Any, Any]:
        return promises[:num_returns], promises[num_returns:]

    def get(self, promise: Callable[[], Any]) -> Any:
        if self.lost:
            raise OSError
        return promise()

    def kill(self, actor: Any) -> None:
        actor.killed = True


class Handle:
    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.killed = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name == "close":  # not got, only waited for
            return type("Call", (), {"remote": staticmethod(lambda: method() or object())})
        return type("Call", (), {"remote": staticmethod(lambda: lambda: method())})


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", fake)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return fake


def test_ray_gets_the_same_job_and_does_the_same(
    runs: Runs, ray: FakeRay, undisturbed: list[list[tuple[int, dict[str, Any]]]]
) -> None:
    jobs = [make(runs, name) for name in ("first", "second", "third")]
    crew = crew_for(2, ray=True)
    assert isinstance(crew, RayCrew)
    through(crew, jobs)
    assert ray.made == [json.loads(json.dumps(job.to_mapping())) for job in jobs]
    assert ray.resources == {"num_cpus": 1}
    assert [told(path) for path in jobs[2].folders] == undisturbed


def test_rays_address_comes_from_the_environment(
    ray: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    RayCrew(1)
    assert ray.address is None
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    RayCrew(1)
    assert ray.address == "10.0.0.1:6379"


def test_a_crew_on_ray_can_be_stopped_closed_and_lose_an_actor(runs: Runs, ray: FakeRay) -> None:
    jobs = [make(runs, name) for name in ("stopped", "closed", "lost")]
    crew = RayCrew(3)
    crew.begin(jobs[0])
    crew.wait()
    crew.stop("stopped")
    assert crew.wait().state == "stopped"
    assert states(jobs[0]) == ["stopped", "stopped"]
    crew.begin(jobs[2])
    ray.lost = True
    assert crew.wait().state == "lost"
    ray.lost = False
    crew.begin(jobs[1])
    crew.wait()
    crew.close()
    assert states(jobs[1]) == ["interrupted", "interrupted"]


def test_without_ray_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UnavailableError, match=r'is not installed. .*pip install "ppolab\[ray\]"'):
        RayCrew(1)


def test_a_cluster_that_does_not_answer_is_named(
    ray: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    with pytest.raises(UnavailableError, match=r"10\.0\.0\.1:6379.*no route.*RAY_ADDRESS"):
        RayCrew(1)
