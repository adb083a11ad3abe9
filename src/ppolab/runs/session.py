"""Driving a trainer through a run: the loop, its controls, its checkpoints and its last words."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator
from typing import Any, Protocol

from ppolab import errors
from ppolab.runs.checkpoints import load_newest_checkpoint
from ppolab.runs.fold import ANEW
from ppolab.runs.folder import RunFolder
from ppolab.runs.kinds import Trainer, run_kind
from ppolab.runs.recorder import FolderRecorder

STOPPED_EARLY = "stopped before it began"


class Controls(Protocol):
    """Where a session gets its orders from, between iterations."""

    def poll(self, block: bool) -> dict[str, Any] | None:
        """Return the next order, or None when there is none; with `block`, wait for one.

        Orders are {"action": "pause" | "step" | "resume" | "stop"} and
        {"action": "set", "name": …, "value": …}. Raises EOFError when the one who gives
        orders is gone.
        """
        ...


class NoControls:
    """Nobody gives orders."""

    def poll(self, block: bool) -> dict[str, Any] | None:
        """There is never an order."""
        return None


class _StoppedEarlyError(Exception):
    """An order to stop came before the training began."""


class Session:
    """One stay of a run in a process, from its start or a checkpoint to its end or interruption.

    Args:
        folder: the run; the caller must hold its lock.
        controls: where orders come from.
        on_metrics: called with (step, metrics) after each iteration.
        on_words: called with a sentence when the session does something that takes a while.
    """

    def __init__(
        self,
        folder: RunFolder,
        controls: Controls,
        on_metrics: Callable[[int, dict[str, float]], None] | None = None,
        on_words: Callable[[str], None] | None = None,
    ) -> None:
        self._folder = folder
        self._kind = run_kind(folder.manifest.kind)
        self._controls = controls
        self._on_metrics = on_metrics or (lambda step, metrics: None)
        self._on_words = on_words or (lambda words: None)
        monitors = self._kind.monitors(folder.manifest.config)
        self._recorder = FolderRecorder(folder, monitors)
        self._paused = False
        self._single_step = False

    def run(self) -> str:
        """Train until the end, an order to stop, an interruption or a failure.

        Whatever happens is written into the log; errors do not leave this function.

        Returns:
            The last state: "finished", "stopped", "interrupted" or "failed".
        """
        walk = self.walk()
        try:
            while True:
                next(walk)
        except StopIteration as end:
            return str(end.value)
        except KeyboardInterrupt:  # between two iterations; within one the walk deals with it
            walk.close()
            return "interrupted"

    def walk(self) -> Generator[int, None, str]:
        """Train like `run`, one iteration each time it is asked, so that runs can take turns.

        Closing it between two iterations is an interruption from which nothing need be done again.

        Yields:
            The environment steps taken so far, after each iteration.

        Returns:
            The last state, as `run` does.
        """
        trainer: Trainer | None = None
        try:
            trainer = self._make_trainer()
            self._restore(trainer)
            return (yield from self._train(trainer))
        except (EOFError, KeyboardInterrupt, GeneratorExit):
            return self._interrupted(trainer)
        except _StoppedEarlyError:
            step = self._recorder.step
            return self._end("stopped", f"stopped at step {step:,}" if step else STOPPED_EARLY)
        except errors.PPOLabError as error:
            return self._end("failed", f"failed at step {self._recorder.step:,}: {error}")
        except Exception as error:  # the log is the only place where anyone would look
            self._recorder.alert("unexpected error", {"traceback": traceback.format_exc()})
            return self._end(
                "failed",
                f"failed at step {self._recorder.step:,}: {type(error).__name__}: {error}",
            )
        finally:
            if trainer is not None:
                trainer.close()
            self._recorder.close()

    def _preparing(self, words: str) -> None:
        self._recorder.state("starting", f"starting: {words}")
        self._on_words(words)
        order = self._controls.poll(block=False)
        if order is not None and order["action"] == "stop":
            raise _StoppedEarlyError

    def _train(self, trainer: Trainer) -> Generator[int, None, str]:
        recorder = self._recorder
        recorder.state("running", f"running from step {trainer.step:,}")
        self._on_words(self._kind.introduction(trainer))
        while not trainer.finished:
            try:
                stop = self._obey(trainer)
            except EOFError:  # between two iterations, so that nothing need be done again
                self._checkpoint(trainer)
                raise
            if stop:
                self._checkpoint(trainer)
                return self._end("stopped", f"stopped at step {trainer.step:,}")
            metrics = trainer.iterate()
            self._on_metrics(trainer.step, metrics)
            if trainer.iteration % self._kind.checkpoint_interval == 0 or self._single_step:
                self._checkpoint(trainer)
            if self._single_step:
                self._single_step = False
                recorder.state("paused", f"paused at step {trainer.step:,}")
            try:
                yield trainer.step
            except GeneratorExit:
                self._checkpoint(trainer)
                raise
        self._checkpoint(trainer)
        return self._finish(trainer)

    def _make_trainer(self) -> Trainer:
        return self._kind.trainer(
            self._folder.manifest.config, self._folder.path, self._recorder, self._preparing
        )

    def _finish(self, trainer: Trainer) -> str:
        words = f"finished at step {trainer.step:,}"
        ending = self._kind.ending(trainer, self._folder.manifest.config, self._folder.path)
        return self._end("finished", f"{words}: {ending}" if ending else words)

    def _obey(self, trainer: Trainer) -> bool:
        """Carry out all waiting orders, waiting for more while paused; return whether to stop."""
        paused_at = self._recorder.log.elapsed if self._paused else None
        while True:
            order = self._controls.poll(block=self._paused and not self._single_step)
            if order is None:
                return False
            action = order["action"]
            if action == "stop":
                return True
            if action == "pause" and not self._paused:
                self._paused = True
                self._checkpoint(trainer)
                self._recorder.state("paused", f"paused at step {trainer.step:,}")
                paused_at = self._recorder.log.elapsed
            elif action == "step" and self._paused:
                self._single_step = True
            elif action == "resume" and self._paused:
                self._paused = False
                self._recorder.state("running", f"running from step {trainer.step:,}")
            elif action == "set":
                before = trainer.change(order["name"], order["value"])
                self._recorder.setting(order["name"], order["value"], before)
                self._checkpoint(trainer)  # or a crash would undo what the log says was set
            if paused_at is not None and (self._single_step or not self._paused):
                self._recorder.log.hold_clock(self._recorder.log.elapsed - paused_at)
                paused_at = None

    def _restore(self, trainer: Trainer) -> None:
        newest = load_newest_checkpoint(self._folder.path)
        if newest is None:
            if self._folder.fold().columns:
                self._recorder.rewind(ANEW)
            return
        step, tensors, extra = newest
        if step < self._recorder.step:
            self._recorder.rewind(step)
        self._recorder.step = step  # the log may be the shorter one, after a loss of power
        exact = trainer.restore(tensors, extra)
        if not exact:
            self._recorder.alert(
                "environment not restored",
                {"reason": "this environment's state cannot be captured, so its episodes begin "
                           "anew; from here on the run differs from an uninterrupted one"},
            )  # fmt: skip

    def _checkpoint(self, trainer: Trainer) -> None:
        tensors, extra = trainer.state()
        self._recorder.checkpoint(tensors, extra)

    def _interrupted(self, trainer: Trainer | None) -> str:
        """Say so; keep the last checkpoint, for the interrupt may have come inside an update."""
        return self._end("interrupted", f"interrupted at step {self._recorder.step:,}")

    def _end(self, state: str, words: str) -> str:
        self._recorder.state(state, words)
        return state
