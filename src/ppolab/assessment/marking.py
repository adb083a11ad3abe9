"""One submission on its way through the checks of its challenge."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import numpy as np

from ppolab.assessment.challenge import ChallengeFolder
from ppolab.assessment.checking import Ask, AskDocument, CheckFailed, CheckFunction, load_module
from ppolab.assessment.configuration import UnreadableConfigurationError, read_configuration
from ppolab.assessment.harnesses import boxed
from ppolab.assessment.outcome import CheckOutcome, Grade, OnUpdate, Verdict, harmless
from ppolab.assessment.speed import time_slow
from ppolab.sandbox import Backend, BoxFault, Limits, Session, SubmissionError, open_session

logger = logging.getLogger(__name__)

NO_BOX = "no box: nothing in a configuration is run"


def open_box(challenge: ChallengeFolder, backend: Backend) -> Session:
    """Open a box with the limits that the challenge asks for: the warm one where they are usual."""
    if challenge.limits == Limits():
        return open_session(backend)
    return Session(backend, challenge.limits)


class Marking:
    """One submission on its way through the checks. Until proven otherwise it has failed.

    `session` is None in a configuration task, where nothing runs.
    """

    def __init__(
        self,
        challenge: ChallengeFolder,
        checks: dict[str, CheckFunction],
        session: Session | None,
        started: float,
        on_update: OnUpdate | None = None,
    ) -> None:
        self.challenge = challenge
        self.checks = checks
        self.session = session
        self.started = started
        self.on_update = on_update
        self.timed = True  # the slow version of a speed task is needed to compare with
        self.lines = 0  # of the submission; what follows them in the box is ours
        self.outcomes = [
            CheckOutcome(check.name, check.title, visible=check.visible)
            for check in challenge.checks
        ]

    def run(self, source: str, seed: int, only: str | None = None, to_first: bool = False) -> Grade:
        """Load the submission and go through all checks, or through `only` one of them.

        With `to_first` the checks after the first that does not pass are left out.
        """
        self.lines = source.count("\n") + 1
        self.timed = any(c.scored for c in self.challenge.checks if only in (None, c.name))
        try:
            ask = self.load(source, seed)
        except UnreadableConfigurationError as error:
            return self.stopped("error", f"Your text is no YAML that can be read: {error}.")
        except SubmissionError as error:
            words = f"Your code could not be loaded{self.raised(error)}"
            return self.stopped(_verdict_of(error), words)
        except BoxFault as fault:
            return self.stopped(_verdict_of(fault), str(fault))
        for index, outcome in enumerate(self.outcomes):
            if only not in (None, outcome.name):
                continue
            rng = np.random.default_rng([seed, index])
            stopped = self.go_through(index, outcome, ask, rng)
            if stopped:
                return stopped
            if to_first and self.outcomes[index].status != "pass":
                break
            self.report()
        return self.finished()

    def load(self, source: str, seed: int) -> Ask | AskDocument:
        """Hand the submission over; raises what its top level raises."""
        if self.session is None:
            return AskDocument(read_configuration(source))
        ask = Ask(self.session)
        if self.challenge.kind == "speed" and self.timed:
            self.session.load(*boxed(self.challenge, self.challenge.starter))
            time_slow(ask, load_module(self.challenge).workload, np.random.default_rng([seed, 999]))
        self.session.load(*boxed(self.challenge, source))
        return ask

    def go_through(
        self, index: int, outcome: CheckOutcome, ask: Ask | AskDocument, rng: np.random.Generator
    ) -> Grade | None:
        """Run one check; return the verdict if the submission cannot go on after it."""
        try:
            self.outcomes[index] = self.check(outcome, ask, rng)
        except BoxFault as fault:
            verdict = _verdict_of(fault)
            words = f"{fault} It was called with {ask.latest_case}."
            self.outcomes[index] = replace(outcome, status=verdict, message=harmless(words))
            return self.stopped(verdict, str(fault))
        except SubmissionError as error:
            if _verdict_of(error) == "memory":
                words = f"Your function ran out of memory{self.raised(error)}"
                self.outcomes[index] = replace(outcome, status="memory", message=words)
                return self.stopped("memory", words)
            # The call comes last: the page shows what all checks raised alike only once.
            words = (
                f"Your function raised an error{self.raised(error)} "
                f"It was called with {ask.latest_case}."
            )
            self.outcomes[index] = replace(outcome, status="error", message=harmless(words))
        return None

    def check(
        self, outcome: CheckOutcome, ask: Ask | AskDocument, rng: np.random.Generator
    ) -> CheckOutcome:
        """Run one check."""
        try:
            self.checks[outcome.name](ask, rng)  # type: ignore[arg-type]
        except CheckFailed as failure:
            message, case = harmless(str(failure)), harmless(failure.case)
            return replace(outcome, status="fail", message=message, case=case)
        except (BoxFault, SubmissionError):
            raise
        except Exception:  # an answer so odd that comparing it failed: never a pass
            logger.exception("Check %s of %s broke", outcome.name, self.challenge.slug)
            return replace(
                outcome, status="fail", message="What your function returned cannot be compared."
            )
        return replace(outcome, status="pass", message="")

    def raised(self, error: SubmissionError) -> str:
        """Continue a sentence with where an error was raised and what it said, and end it."""
        own = error.line is not None and 1 <= error.line <= self.lines
        where = f" in line {error.line}" if own else ""
        said = f"{error.kind}: {error.message}" if error.message else error.kind
        said = harmless(said.rstrip(), 2000)
        return f"{where}: {said}" + ("" if said.endswith((".", "!", "?")) else ".")

    def finished(self) -> Grade:
        """Sum up after the last check."""
        total = len(self.outcomes)
        missed = [outcome for outcome in self.outcomes if outcome.status != "pass"]
        if not missed:
            return self.snapshot("pass", f"All {total} checks pass.")
        errors = [outcome for outcome in missed if outcome.status == "error"]
        passed = f"{total - len(missed)} of {total} checks pass."
        if errors:
            return self.snapshot("error", f"{passed} {len(errors)} ended in an error.")
        return self.snapshot("fail", f"{passed} First to mend: {missed[0].title}.")

    def stopped(self, verdict: Verdict, summary: str) -> Grade:
        """Sum up when the submission cannot go on; what is left was not run."""
        self.outcomes = [
            replace(outcome, status="not_run") if outcome.status == "pending" else outcome
            for outcome in self.outcomes
        ]
        return self.snapshot(verdict, harmless(summary))

    def report(self) -> None:
        """Send a snapshot to whoever listens."""
        if self.on_update:
            done = sum(outcome.status != "pending" for outcome in self.outcomes)
            words = f"{done} of {len(self.outcomes)} checks done"
            self.on_update(self.snapshot(None, words))

    def snapshot(self, verdict: Verdict | None, summary: str) -> Grade:
        """Freeze the present state."""
        return Grade(
            verdict=verdict,
            summary=summary,
            checks=tuple(self.outcomes),
            output=harmless(self.session.output, None) if self.session else "",
            backend=self.session.backend.name if self.session else NO_BOX,
            seconds=time.monotonic() - self.started,
        )


def _verdict_of(error: BoxFault | SubmissionError) -> Verdict:
    if isinstance(error, BoxFault):
        return "error" if error.kind == "ended" else error.kind
    out_of_memory = error.kind == "MemoryError" or "can't allocate memory" in error.message
    return "memory" if out_of_memory else "error"
