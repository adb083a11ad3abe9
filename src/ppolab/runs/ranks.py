"""Runs that several ranks train together: rank 0 drives and writes, the others follow."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ppolab.cluster.data_parallel import ProcessRanks
from ppolab.cluster.executor import Member, RankFailedError, run_ranks
from ppolab.cluster.lockstep import LeadTrainer, follow
from ppolab.cluster.sharding import ShardedRanks
from ppolab.errors import InvalidSettingError, PPOLabError
from ppolab.recorder import NullRecorder
from ppolab.runs.folder import RunFolder
from ppolab.runs.kinds import Trainer, run_kind
from ppolab.runs.local import PipeControls
from ppolab.runs.session import NoControls, Session

SHARED = ("sft", "reward-model", "rlhf")  # kinds of runs whose trainers can share their work


# What sharded ranks end with: the checkpoint is written, but no rank has the whole model to keep.
# The process that started them goes on from it alone, to the run's last words.
_TRAINED = "trained"


class _FailedError(PPOLabError):
    """What rank 0 has written into the log already."""


def run_on_ranks(
    folder: RunFolder,
    ranks: int,
    shard: bool = False,
    on_metrics: Callable[[int, dict[str, float]], None] | None = None,
    on_words: Callable[[str], None] | None = None,
) -> str:
    """Train a run on several ranks, from its start or newest checkpoint, as `Session.run` does.

    Whatever happens is written into the log, by rank 0 or, where that could not, from here.

    Args:
        folder: the run; it must not be locked.
        ranks: how many.
        shard: cut the weights among the ranks, so that none need hold all while it learns.
        on_metrics: called with (step, metrics) after each iteration.
        on_words: called with a sentence when something takes a while.

    Returns:
        The last state: "finished", "interrupted" or "failed".

    Raises:
        InvalidSettingError: there is no room for so many ranks, or this kind of run has no use for
            them.
    """
    if folder.manifest.kind not in SHARED:
        raise InvalidSettingError(
            "ranks", ranks, f"cannot share the work of a run of kind {folder.manifest.kind}",
            f"Use one rank; more are for {', '.join(SHARED)}",
        )  # fmt: skip
    heard: dict[str, Callable[..., None]] = {
        "metrics": on_metrics or (lambda step, metrics: None),
        "words": on_words or (lambda words: None),
    }

    def listen(rank: int, message: tuple[Any, ...]) -> None:
        heard[message[0]](*message[1:])

    try:
        states = run_ranks(
            _be_rank, ranks, str(folder.path), shard, listen=listen, first_decides=True
        )
    except RankFailedError as error:
        if error.rank != 0 or folder.status().state != "failed":
            folder.note_state("failed", f"failed at step {folder.status().step:,}: {error}")
        return "failed"
    except KeyboardInterrupt:
        folder.settle(surely_gone=True)  # for when rank 0 found no time to say so
        return "interrupted"
    if states[0] == _TRAINED:
        with folder.locked():
            return Session(folder, NoControls(), on_metrics, on_words).run()
    return str(states[0])


def _be_rank(member: Member, path: str, shard: bool) -> str:
    """Be one rank: drive the run, or follow who does."""
    folder = RunFolder(Path(path))
    if member.rank > 0:
        _follow(folder, shard)
        return "followed"
    with folder.locked():
        state = _LeadingSession(folder, member, shard).run()
    if state == "failed":
        raise _FailedError("run", folder.id, "failed", "See its log")
    return state


def _joined(trainer: Any, shard: bool) -> Any:
    trainer.join(ShardedRanks() if shard else ProcessRanks())
    return trainer


def _follow(folder: RunFolder, shard: bool) -> None:
    manifest = folder.manifest
    with tempfile.TemporaryDirectory(prefix="ppolab-follower-") as own:  # rank 0 writes the run's
        trainer: Any = run_kind(manifest.kind).trainer(
            manifest.config, Path(own), NullRecorder(), lambda words: None
        )
    follow(_joined(trainer, shard))


class _LeadingSession(Session):
    """A session whose trainer takes the other ranks along."""

    def __init__(self, folder: RunFolder, member: Member, shard: bool) -> None:
        self._shard = shard
        super().__init__(
            folder, PipeControls(member.line),
            lambda step, metrics: _tell(member, ("metrics", step, metrics)),
            lambda words: _tell(member, ("words", words)),
        )  # fmt: skip

    def _make_trainer(self) -> Trainer:
        trainer = _joined(super()._make_trainer(), self._shard)
        self._preparing(f"sharing the work with {trainer.ranks.size - 1} more ranks")
        lead: Any = LeadTrainer(trainer)  # a Trainer by what it passes on
        return lead  # type: ignore[no-any-return]

    def _finish(self, trainer: Any) -> str:
        state = _TRAINED if self._shard else super()._finish(trainer)
        trainer.dismiss()
        return state


def _tell(member: Member, message: tuple[Any, ...]) -> None:
    """Tell whoever started the ranks; where that one has hung up, the controls hear of it."""
    with contextlib.suppress(OSError):
        member.tell(message)
