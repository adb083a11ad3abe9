"""A grader whose verdicts are written in the submission: a comment such as `# verdict: pass`."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from ppolab.assessment import ChallengeFolder, CheckOutcome, Grade
from ppolab.server.grader import Isolation


class ScriptedGrader:
    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.at_work = 0
        self.most_at_work = 0
        self.warmed = threading.Event()

    def isolation(self) -> Isolation:
        return Isolation("scripted", True, "for tests")

    def warm_up(self) -> None:
        self.warmed.set()

    def grade(
        self, challenge: ChallengeFolder, source: str, on_update: Callable[[Grade], None]
    ) -> Grade:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            on_update(self.result(challenge, None, "pending"))
            assert self.may_go_on.wait(10)
            if "# explode" in source:
                raise RuntimeError("a fault of the grader")
            match = re.search(r"# verdict: (\w+)", source)
            verdict = match.group(1) if match else "fail"
            return self.result(challenge, verdict, "pass" if verdict == "pass" else "fail")
        finally:
            self.at_work -= 1

    def result(self, challenge, verdict, status) -> Grade:
        checks = tuple(CheckOutcome(c.name, c.title, status, "as told") for c in challenge.checks)
        return Grade(verdict, f"verdict {verdict}", checks, "printed\n", "scripted", 0.25)
