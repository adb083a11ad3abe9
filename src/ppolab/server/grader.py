"""The grader that the server uses: `ppolab.assessment` in the best sandbox of this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from ppolab.assessment import ChallengeFolder, Grade, grade
from ppolab.errors import UnavailableError
from ppolab.sandbox import Backend, choose_backend, prewarm


@dataclass(frozen=True)
class Isolation:
    """How submissions are kept apart from this machine."""

    name: str
    safe: bool
    reason: str


class SandboxGrader:
    """Grades in a sandbox. Choosing it takes a moment, so that is done once and when needed."""

    def __init__(self, unsafe_local: bool) -> None:
        self.unsafe_local = unsafe_local
        self._choosing = threading.Lock()
        self._isolation: Isolation | None = None

    def choose(self) -> Backend:
        """The backend in use. Raises UnavailableError where none works."""
        with self._choosing:
            return choose_backend(unsafe_local=self.unsafe_local)

    def isolation(self) -> Isolation:
        """The backend by name, whether it is safe, and why it was chosen."""
        if self._isolation is None:
            try:
                backend = self.choose()
            except UnavailableError as error:
                self._isolation = Isolation("none", False, str(error))
            else:
                self._isolation = Isolation(backend.name, backend.safe, backend.reason)
        return self._isolation

    def grade(
        self, challenge: ChallengeFolder, source: str, on_update: Callable[[Grade], None]
    ) -> Grade:
        """Grade a source, telling of each check as it ends."""
        return grade(challenge, source, self.choose(), on_update=on_update)

    def warm_up(self) -> None:
        """Start a box ahead of a submission that is likely to come."""
        prewarm(self.choose())
