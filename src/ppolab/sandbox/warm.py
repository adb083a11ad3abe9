"""Keeps one box ready, because importing torch in a cold one takes a second or more."""

from __future__ import annotations

import atexit
import contextlib
import functools
import threading
import time
from concurrent.futures import Future

from ppolab.errors import PPOLabError
from ppolab.sandbox.backend import Backend
from ppolab.sandbox.session import Session

IDLE_SECONDS = 300.0  # a box nobody took costs 150 MB; let it go after a while
EXIT_SECONDS = 5.0  # at the end of the program, for a box that is still starting


class WarmBox:
    """At most one session started ahead. Each is used once and then thrown away."""

    def __init__(self, backend: Backend, idle_seconds: float = IDLE_SECONDS) -> None:
        self.backend = backend
        self.idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._next: Future[Session] | None = None
        self._timer: threading.Timer | None = None
        self._wanted_until = 0.0  # of the monotonic clock

    def prewarm(self) -> None:
        """Start a box in the background unless one is there; returns at once."""
        with self._lock:
            self._wanted_until = time.monotonic() + self.idle_seconds
            self._start()

    def keep_warm(self) -> None:
        """Replace a session that was taken, if `prewarm` was called not long ago."""
        with self._lock:
            if time.monotonic() < self._wanted_until:
                self._start()

    def take(self) -> Session:
        """Hand over the warm session, waiting for it if it is still starting, or a fresh one."""
        with self._lock:
            future, self._next = self._next, None
            self._restart_timer()
        if future is not None:
            try:
                return future.result()
            except (PPOLabError, OSError):
                pass  # what stopped it may have passed; if not, the fresh one says so
        return Session(self.backend)

    def discard(self, wait: bool = False) -> None:
        """Throw the warm session away, if there is one; with `wait`, also one still starting."""
        with self._lock:
            future, self._next = self._next, None
            self._restart_timer()
        if future is None:
            return
        if wait:
            with contextlib.suppress(Exception):  # it never started: nothing to end
                future.result(EXIT_SECONDS).close()
        else:
            future.add_done_callback(_close_session)

    def _start(self) -> None:
        if self._next is None:
            self._next = Future()
            threading.Thread(target=self._open, args=(self._next,), daemon=True).start()
        self._restart_timer()

    def _open(self, future: Future[Session]) -> None:
        try:
            future.set_result(Session(self.backend))
        except BaseException as error:
            future.set_exception(error)

    def _restart_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._next is not None:
            self._timer = threading.Timer(self.idle_seconds, self.discard)
            self._timer.daemon = True
            self._timer.start()


def prewarm(backend: Backend) -> None:
    """Start a box in the background, so that the next session opens at once."""
    _warm_box(backend).prewarm()


def keep_warm(backend: Backend) -> None:
    """Replace the box that was taken, if `prewarm` was called not long ago."""
    _warm_box(backend).keep_warm()


def open_session(backend: Backend) -> Session:
    """Open a session: the warm one if there is one, else a fresh one. Leave it to end its box."""
    return _warm_box(backend).take()


@functools.cache
def _warm_box(backend: Backend) -> WarmBox:
    warm = WarmBox(backend)
    atexit.register(warm.discard, wait=True)
    return warm


def _close_session(future: Future[Session]) -> None:
    if future.exception() is None:
        future.result().close()
