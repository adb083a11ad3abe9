"""Makes the parts of a server when it starts, and lets go of them when it stops."""

from __future__ import annotations

import asyncio

from ppolab.course import Course
from ppolab.runs import LocalExecutor, Runs
from ppolab.server.database import open_database
from ppolab.server.grader import SandboxGrader
from ppolab.server.grading import Grader, GradingQueue
from ppolab.server.live import Hubs
from ppolab.server.records import Records
from ppolab.server.services import Services
from ppolab.server.settings import ServerSettings
from ppolab.server.stageviews import going_on_by_itself


def start_services(settings: ServerSettings, grader: Grader | None = None) -> Services:
    """Open the home folder and the database, and tell the truth about what a stop left behind.

    Raises StorageError where the home folder cannot be written.
    """
    settings.prepare()
    records = Records(open_database(settings.database))
    course = Course(settings.content)
    runs = Runs(settings.runs_folder, settings.recorded_runs)
    runs.settle()
    executor = LocalExecutor(on_end=going_on_by_itself(runs, lambda: executor))
    executor.warm_up()
    grading = GradingQueue(course, records, grader or SandboxGrader(settings.unsafe_local))
    grading.start()
    return Services(settings, course, runs, executor, records, grading, Hubs())


def open_records() -> Records:
    """The learner's records, for commands that work beside a server or without one.

    Raises StorageError where the home folder cannot be written.
    """
    settings = ServerSettings()
    settings.prepare()
    return Records(open_database(settings.database))


async def stop_services(services: Services) -> None:
    """Let runs write a checkpoint and end, and say of waiting attempts that they wait no more."""
    await asyncio.gather(
        asyncio.to_thread(services.executor.shutdown),
        asyncio.to_thread(services.grading.stop),
    )
    services.records.close()
