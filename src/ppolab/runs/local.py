"""Runs as processes of this machine, forked from a server that has torch loaded already."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from ppolab.errors import ConflictError, InvalidSettingError, PPOLabError
from ppolab.live_settings import check_live_setting
from ppolab.runs.folder import RunFolder
from ppolab.runs.kinds import run_kind, threads_of
from ppolab.runs.session import STOPPED_EARLY, Session

log = logging.getLogger("ppolab.runs")

ALLOWED_IN = {
    "pause": ("running",),
    "step": ("paused",),
    "resume": ("paused",),
    "stop": ("starting", "running", "paused"),
    "set": ("running", "paused"),
}


class PipeControls:
    """Orders that arrive through a pipe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def poll(self, block: bool) -> dict[str, Any] | None:
        """Return the next order; raise EOFError when the other end is gone."""
        if not block and not self._connection.poll():
            return None
        order: dict[str, Any] = self._connection.recv()
        return order


def worker(path: str, connection: Connection) -> None:
    """Be the process of one run. The pipe's end is the signal to stop working."""
    import torch

    # A terminal's Ctrl-C reaches all its processes; only the server's word counts here.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder = RunFolder(Path(path))
    allowed = torch.get_num_threads()  # by OMP_NUM_THREADS, or as many as there are cores
    torch.set_num_threads(min(threads_of(folder.manifest), allowed))
    with folder.locked():
        Session(folder, PipeControls(connection)).run()


@dataclass
class _Live:
    folder: RunFolder
    process: ForkServerProcess
    orders: Connection


@dataclass
class _Waiting:
    folder: RunFolder
    lock: ExitStack  # held while waiting, so that everyone can see that it is in good hands


class LocalExecutor:
    """Starts runs in processes of their own and passes orders to them.

    A run that crashes takes nothing with it. When this process dies, its runs notice the end of
    their pipe, write "interrupted" and go; they continue from their checkpoints.

    Args:
        slots: runs that may train at once; further ones wait in order. A paused run keeps its
            slot.
        on_end: told of each run whose process has ended, in a thread of this executor; not while
            the executor lets go of all.
    """

    def __init__(
        self, slots: int | None = None, on_end: Callable[[RunFolder], None] | None = None
    ) -> None:
        self._on_end = on_end or (lambda folder: None)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(
            ["torch", "torch._dynamo", "ppolab.runs.local"]  # Adam imports _dynamo when it is made
        )
        self._slots = slots or max(1, os.cpu_count() or 1)
        self._live: dict[str, _Live] = {}
        self._waiting: list[_Waiting] = []
        self._mutex = threading.RLock()
        self._watcher: threading.Thread | None = None
        self._closing = False

    def start(self, folder: RunFolder) -> None:
        """Begin a new run, or let it wait for a free slot."""
        self._begin(folder, "starting: its process is coming up")

    def resume(self, folder: RunFolder) -> None:
        """Go on with a run from its newest checkpoint.

        Raises:
            ConflictError: the run is going, has reached its end, or came with the course.
        """
        status = folder.status()
        if folder.recorded:
            raise ConflictError("run", folder.id, "came with the course", "Start one of your own")
        if self.is_live(folder) or folder.is_live():
            raise ConflictError("run", folder.id, "is already going", "There is nothing to resume")
        if status.state not in ("interrupted", "stopped", "failed"):
            raise ConflictError(
                "run", folder.id, f"is {status.state} and cannot be resumed",
                "Start a new run",
            )  # fmt: skip
        step = status.resumable_step or 0
        self._begin(folder, f"starting again from step {step:,}")

    def control(
        self, folder: RunFolder, action: str, name: str | None = None, value: float | None = None
    ) -> None:
        """Pass an order to a run; it is carried out between two iterations.

        Raises:
            InvalidSettingError, UnknownNameError: an order that makes no sense for any run.
            ConflictError: one that does not fit the run's present state.
        """
        if action not in ALLOWED_IN:
            raise InvalidSettingError(
                "action", action, "is not an order", f"Known: {', '.join(ALLOWED_IN)}"
            )
        if action == "set":
            if name is None or value is None:
                raise InvalidSettingError("set", name, "needs a name and a value", "Give both")
            kind = run_kind(folder.manifest.kind)
            check_live_setting(kind.live_settings(folder.manifest.config), name, value)
        with self._mutex:
            waiting = next((w for w in self._waiting if w.folder.id == folder.id), None)
            if action == "stop" and waiting is not None:
                self._waiting.remove(waiting)
                folder.note_state("stopped", STOPPED_EARLY)
                waiting.lock.close()
                return
            live = self._live.get(folder.id)
            state = folder.status().state
            if live is None or state not in ALLOWED_IN[action]:
                raise ConflictError(
                    "run", folder.id, f"is {state}: it cannot {action}",
                    f"This works while it is {' or '.join(ALLOWED_IN[action])}",
                )  # fmt: skip
            try:
                live.orders.send({"action": action, "name": name, "value": value})
            except OSError as error:
                raise ConflictError(
                    "run", folder.id, "has just ended", "Look at its last state"
                ) from error

    def is_live(self, folder: RunFolder) -> bool:
        """Whether this executor has the run in hand, at work or waiting."""
        with self._mutex:
            return folder.id in self._live or any(w.folder.id == folder.id for w in self._waiting)

    def warm_up(self) -> None:
        """Start the fork server and let it load torch, so that the first run starts at once."""
        from multiprocessing import forkserver

        forkserver.ensure_running()

    def shutdown(self, timeout: float = 10.0) -> None:
        """Let go of all runs: each writes "interrupted" and ends."""
        with self._mutex:
            self._closing = True
            lives = list(self._live.values())
            for waiting in self._waiting:
                waiting.folder.note_state(
                    "interrupted", "interrupted before it began: the server stopped"
                )
                waiting.lock.close()
            self._waiting.clear()
        for live in lives:
            live.orders.close()
        for live in lives:
            live.process.join(timeout)
            if live.process.is_alive():
                live.process.kill()
                live.process.join()
        watcher = self._watcher
        if watcher is not None:
            watcher.join(timeout)

    def _begin(self, folder: RunFolder, words: str) -> None:
        with self._mutex:
            if len(self._live) >= self._slots:
                lock = ExitStack()
                lock.enter_context(folder.locked())
                folder.note_state(
                    "waiting", f"waiting for a free place: {self._slots} runs are going"
                )
                self._waiting.append(_Waiting(folder, lock))
            else:
                self._spawn(folder, words)

    def _spawn(self, folder: RunFolder, words: str) -> None:
        folder.note_state("starting", words)
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=worker, args=(str(folder.path), theirs), name=folder.id
        )
        process.start()
        theirs.close()
        self._live[folder.id] = _Live(folder, process, ours)
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="runs", daemon=True)
            self._watcher.start()

    def _watch(self) -> None:
        """Notice the ends of processes, tell the truth about them, and start who waits."""
        while True:
            with self._mutex:
                sentinels = {live.process.sentinel: key for key, live in self._live.items()}
                if not sentinels:
                    self._watcher = None  # under the mutex, so that no new run counts on this one
                    return
            for sentinel in wait(list(sentinels), timeout=0.5):
                assert isinstance(sentinel, int)
                with self._mutex:
                    ended = self._live.pop(sentinels[sentinel])
                    self._bury(ended)
                    if self._waiting and not self._closing:
                        waiting = self._waiting.pop(0)
                        waiting.lock.close()
                        self._spawn(waiting.folder, "starting: a place is free")
                if not self._closing:
                    self._tell_end(ended.folder)

    def _tell_end(self, folder: RunFolder) -> None:
        """A fault of the one who is told must not end the watching."""
        try:
            self._on_end(folder)
        except Exception:
            log.exception("After the end of run %s", folder.id)

    def _bury(self, live: _Live) -> None:
        live.process.join()
        live.orders.close()
        # Where the folder cannot be written any more, its status still tells the truth.
        with suppress(PPOLabError, OSError):
            live.folder.settle(surely_gone=True)
