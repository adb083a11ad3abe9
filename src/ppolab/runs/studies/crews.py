"""Where teams work: in this process, in processes of this machine, or on Ray."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from types import ModuleType
from typing import Any, Protocol

from ppolab.errors import InvalidSettingError, PPOLabError, UnavailableError
from ppolab.runs.session import NoControls
from ppolab.runs.studies.team import Job, Report, Team


class Crew(Protocol):
    """Works on up to `size` jobs at once. One report answers each `begin`, `go_on` and `stop`."""

    size: int

    def begin(self, job: Job) -> None:
        """Take on a job and train it up to its first stop."""
        ...

    def go_on(self, name: str) -> None:
        """Train a job up to its next stop."""
        ...

    def stop(self, name: str) -> None:
        """End a job where it is."""
        ...

    def wait(self) -> Report:
        """The next report, of any job."""
        ...

    def close(self) -> None:
        """Interrupt what still goes; it can be resumed."""
        ...


def crew_for(jobs: int, ray: bool) -> Crew:
    """The crew for a number of jobs at once.

    Raises:
        InvalidSettingError: fewer than one job.
        UnavailableError: Ray is asked for and is not installed, or its cluster does not answer.
    """
    if jobs < 1:
        raise InvalidSettingError("jobs", jobs, "is too few", "Give 1 or more")
    if ray:
        return RayCrew(jobs)
    return InlineCrew() if jobs == 1 else ProcessCrew(jobs)


class InlineCrew:
    """One job at a time in this process: the same seed gives the same study."""

    size = 1

    def __init__(self) -> None:
        self._team: Team | None = None
        self._stopping = False

    def begin(self, job: Job) -> None:
        """Take on a job; see `Crew`."""
        self._team, self._stopping = Team(job, NoControls()), False

    def go_on(self, name: str) -> None:
        """Train on; see `Crew`."""

    def stop(self, name: str) -> None:
        """End it; see `Crew`."""
        self._stopping = True

    def wait(self) -> Report:
        """Do the work and report; see `Crew`."""
        assert self._team is not None
        return self._team.stop() if self._stopping else self._team.advance()

    def close(self) -> None:
        """Interrupt what still goes."""
        if self._team is not None:
            self._team.close()


@dataclass
class _Process:
    process: ForkServerProcess
    orders: Connection


class ProcessCrew:
    """Each job in a process of its own, forked from one that has torch loaded.

    When this process dies or closes its end of the pipes, the jobs notice between two iterations,
    write checkpoints and go.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(
            ["torch", "torch._dynamo", "ppolab.runs.studies.crews"]  # as in `runs.local`
        )
        self._at_work: dict[str, _Process] = {}

    def begin(self, job: Job) -> None:
        """Take on a job; see `Crew`."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(job.to_mapping(), theirs), name=job.name)
        process.start()
        theirs.close()
        self._at_work[job.name] = _Process(process, ours)
        self.go_on(job.name)

    def go_on(self, name: str) -> None:
        """Train on; see `Crew`."""
        self._order(name, "advance")

    def stop(self, name: str) -> None:
        """End it; see `Crew`."""
        self._order(name, "stop")

    def wait(self) -> Report:
        """The next report; "lost" of a process that is gone."""
        by_pipe = {one.orders: name for name, one in self._at_work.items()}
        pipe = wait(list(by_pipe))[0]
        assert isinstance(pipe, Connection)
        name = by_pipe[pipe]
        try:
            report: Report = pipe.recv()
        except (EOFError, OSError):
            process = self._at_work[name].process
            process.join()
            words = f"its process went away with exit code {process.exitcode}"
            report = Report(name, 0, (), "lost", words)
        if report.state != "going":
            self._bury(self._at_work.pop(name))
        return report

    def close(self) -> None:
        """Interrupt what still goes, and wait until it has written its checkpoints."""
        for one in self._at_work.values():
            one.orders.close()
        for one in self._at_work.values():
            self._bury(one)
        self._at_work.clear()

    def _order(self, name: str, order: str) -> None:
        with suppress(OSError):  # a process that is gone is noticed by `wait`
            self._at_work[name].orders.send({"action": order})

    @staticmethod
    def _bury(one: _Process) -> None:
        one.orders.close()
        one.process.join(timeout=60)  # the longest iteration that is waited for
        if one.process.is_alive():
            one.process.kill()
            one.process.join()


class _PipeEnd:
    """Nobody gives orders in the middle of a stretch, but the one who waits may go."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def poll(self, block: bool) -> dict[str, Any] | None:
        """Return None, or raise EOFError when the other end is gone."""
        if self._connection.poll():
            raise EOFError
        return None


def work(job: dict[str, Any], connection: Connection) -> None:
    """Be the process of one job, until it is over or the pipe's other end is gone."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the one who waits
    torch.set_num_threads(1)
    team: Team | None = None
    report = Report(job["name"], 0, (), "going")
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while report.state == "going":
            order = connection.recv()["action"]
            try:
                team = team or Team(Job.from_mapping(job), _PipeEnd(connection))
                report = team.advance() if order == "advance" else team.stop()
            except PPOLabError as error:
                report = Report(job["name"], 0, (), "failed", str(error))
            connection.send(report)
    if team is not None:
        team.close()


class RayCrew:
    """Each job as an actor of a Ray cluster, whose machines must share the study's folder.

    Args:
        size: jobs at once; Ray places them, a core each.
        address: of the cluster; None takes $RAY_ADDRESS, else starts Ray on this machine.

    Raises:
        UnavailableError: Ray is not installed, or the cluster does not answer.
    """

    def __init__(self, size: int, address: str | None = None) -> None:
        self.size = size
        self._ray = _import_ray()
        address = address or os.environ.get("RAY_ADDRESS")
        try:
            self._ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UnavailableError(
                "ray", address, f"cannot be reached ({error})",
                "Mend RAY_ADDRESS, or leave --ray out and use --jobs",
            ) from error  # fmt: skip
        self._actor = self._ray.remote(num_cpus=1)(RemoteTeam)
        self._actors: dict[str, Any] = {}
        self._pending: deque[tuple[Any, str]] = deque()  # what was promised, by which job

    def begin(self, job: Job) -> None:
        """Take on a job; see `Crew`."""
        self._actors[job.name] = self._actor.remote(job.to_mapping())
        self.go_on(job.name)

    def go_on(self, name: str) -> None:
        """Train on; see `Crew`."""
        self._pending.append((self._actors[name].advance.remote(), name))

    def stop(self, name: str) -> None:
        """End it; see `Crew`."""
        self._pending.append((self._actors[name].stop.remote(), name))

    def wait(self) -> Report:
        """The next report; "lost" of an actor that is gone."""
        ready, _ = self._ray.wait([promise for promise, _ in self._pending], num_returns=1)
        found = next(pair for pair in self._pending if pair[0] == ready[0])
        self._pending.remove(found)
        promise, name = found
        try:
            report: Report = self._ray.get(promise)
        except self._ray.exceptions.RayError as error:
            report = Report(name, 0, (), "lost", f"its actor went away: {type(error).__name__}")
        if report.state != "going":
            self._ray.kill(self._actors.pop(name))
        return report

    def close(self) -> None:
        """Interrupt what still goes: an actor in the middle of a stretch first ends it."""
        closings = [actor.close.remote() for actor in self._actors.values()]
        if closings:
            self._ray.wait(closings, num_returns=len(closings), timeout=60)
        for actor in self._actors.values():
            self._ray.kill(actor)
        self._actors.clear()
        self._pending.clear()


class RemoteTeam:
    """What an actor is: a team that is told what to do from afar."""

    def __init__(self, job: dict[str, Any]) -> None:
        import torch

        torch.set_num_threads(1)
        self._job = job
        self._team: Team | None = None

    def advance(self) -> Report:
        """Train up to the next stop."""
        try:
            self._team = self._team or Team(Job.from_mapping(self._job), NoControls())
            return self._team.advance()
        except PPOLabError as error:
            return Report(self._job["name"], 0, (), "failed", str(error))

    def stop(self) -> Report:
        """End it here."""
        assert self._team is not None
        return self._team.stop()

    def close(self) -> None:
        """Interrupt it here."""
        if self._team is not None:
            self._team.close()


def _import_ray() -> ModuleType:
    try:
        return import_module("ray")
    except ImportError as error:
        raise UnavailableError(
            "ray", "ray", "is not installed", 'Install it: pip install "ppolab[ray]"'
        ) from error
