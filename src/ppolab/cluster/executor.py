"""Ranks: processes of this machine that run one function together and can talk to each other.

They are forked from a server that has torch loaded already, which takes a tenth of the time of
starting each by itself, and joined in a process group: NCCL where every rank has a GPU of its own,
gloo elsewhere. Whatever goes wrong in one of them ends all, with one error that names the rank; no
process is left behind.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from ppolab.errors import InvalidSettingError, PPOLabError, UnavailableError, shorten

_GRACE = 30.0  # seconds that rank 0 has to end in good order once it was told to
_BLAME = 0.5  # seconds to wait for a death that an error in another rank may come from


class RankFailedError(PPOLabError):
    """A rank raised an error, died or took too long; all ranks were ended.

    Attributes:
        rank: which one.
        trace: its traceback, where it had one.
    """

    status = 500

    def __init__(self, rank: int, problem: str, mend: str, trace: str = "") -> None:
        super().__init__("rank", rank, problem, mend)
        self.rank, self.trace = rank, trace


@dataclass(frozen=True)
class Member:
    """What the function of each rank is given first."""

    rank: int
    size: int
    line: Connection  # to the process that started it

    def tell(self, message: object) -> None:
        """Send something to `listen` of `run_ranks`."""
        self.line.send(("message", message))


def run_ranks(
    function: Callable[..., Any],
    size: int,
    *arguments: Any,
    listen: Callable[[int, Any], None] = lambda rank, message: None,
    timeout: float | None = None,
    patience: float = 1800.0,
    first_decides: bool = False,
) -> list[Any]:
    """Run `function(member, *arguments)` on `size` ranks and gather what each returns.

    An interrupt (Ctrl-C) closes every member's line; rank 0, if it looks there, has half a minute
    to end in good order, and the interrupt then goes on to the caller.

    Args:
        function: one that can be imported by name, for it runs in other processes.
        size: how many ranks.
        *arguments: given to every rank, pickled.
        listen: called with a rank and what it told.
        timeout: seconds for all; None waits as long as it takes.
        patience: seconds that a rank waits for the others in one exchange.
        first_decides: be done when rank 0 is, and end the others.

    Returns:
        What the ranks returned, in their order; None of those that were ended.

    Raises:
        InvalidSettingError: there are fewer GPUs than ranks, or no rank at all.
        RankFailedError: naming the first rank that went wrong.
    """
    require_places(size)
    with tempfile.TemporaryDirectory(prefix="ppolab-ranks-") as meeting:
        crew = _Crew(function, size, arguments, Path(meeting) / "store", patience)
        try:
            return crew.results(listen, timeout, first_decides)
        except KeyboardInterrupt:
            crew.dismiss()
            raise
        finally:
            crew.kill()


def require_places(size: int) -> None:
    """Refuse ranks that this machine has no room for.

    Raises:
        InvalidSettingError: there are fewer GPUs than ranks, or no rank at all.
        UnavailableError: this build of torch cannot join processes.
    """
    import torch

    if size < 1:
        raise InvalidSettingError("ranks", size, "must be at least 1", "Give 1 or more")
    if not torch.distributed.is_available():
        raise UnavailableError(
            "ranks", size, "need a torch that was built with torch.distributed", "Install another"
        )
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else size
    if size > gpus:
        raise InvalidSettingError(
            "ranks", size, f"are more than the GPUs here, {gpus}",
            "Give as many at most, or hide the GPUs with CUDA_VISIBLE_DEVICES=",
        )  # fmt: skip


class _Crew:
    """The processes of one call."""

    def __init__(
        self,
        function: Callable[..., Any],
        size: int,
        arguments: tuple[Any, ...],
        store: Path,
        patience: float,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        # Heard only by the call that starts the server, the first of this process.
        context.set_forkserver_preload(["torch", "torch._dynamo", "ppolab.cluster.executor"])
        self._patience = patience
        self._lines: list[Connection] = []
        self._processes: list[Any] = []
        try:
            for rank in range(size):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=_be_rank, name=f"rank-{rank}",
                    args=(function, rank, size, theirs, arguments, str(store), patience),
                )  # fmt: skip
                process.start()
                theirs.close()
                self._lines.append(ours)
                self._processes.append(process)
        except BaseException:
            self.kill()
            raise

    def results(
        self, listen: Callable[[int, Any], None], timeout: float | None, first_decides: bool
    ) -> list[Any]:
        """Hear the ranks until all, or the first, have returned."""
        size = len(self._lines)
        found: dict[int, Any] = {}
        until = None if timeout is None else time.monotonic() + timeout
        while len(found) < size and not (first_decides and 0 in found):
            open_lines = [line for r, line in enumerate(self._lines) if r not in found]
            left = None if until is None else max(0.0, until - time.monotonic())
            ready = wait(open_lines, left)
            if not ready:
                slow = min(set(range(size)) - set(found))
                raise RankFailedError(
                    slow, f"is not done after {timeout:g} seconds",
                    "Allow more time, or look for a rank that waits for another",
                )  # fmt: skip
            for line in ready:
                assert isinstance(line, Connection)
                rank = self._lines.index(line)
                what, data = self._heard(rank)
                if what == "message":
                    listen(rank, data)
                elif what == "result":
                    found[rank] = data
                else:
                    self._blame(rank, data)
        return [found.get(rank) for rank in range(size)]

    def dismiss(self) -> None:
        """Close the lines, and give rank 0 time to end."""
        for line in self._lines:
            line.close()
        self._processes[0].join(_GRACE)

    def kill(self) -> None:
        """End what still runs."""
        for process in self._processes:
            if process.is_alive():
                process.kill()
        for process in self._processes:
            process.join()
        for line in self._lines:
            line.close()

    def _heard(self, rank: int) -> tuple[str, Any]:
        try:
            heard: tuple[str, Any] = self._lines[rank].recv()
        except (EOFError, OSError):
            return "death", None
        return heard

    def _blame(self, rank: int, data: tuple[str, str, str] | None) -> None:
        """Raise the error of a rank; but where another died, it is that one's fault."""
        sentinels = {process.sentinel: r for r, process in enumerate(self._processes)}
        for gone in wait(list(sentinels), _BLAME):
            assert isinstance(gone, int)
            died = sentinels[gone]
            code = self._processes[died].exitcode
            if code:
                raise RankFailedError(
                    died, f"died ({_cause(code)})",
                    "Look for a lack of memory; fewer ranks or a smaller batch need less",
                )  # fmt: skip
        if data is None:
            raise RankFailedError(rank, "closed its line", "Do not close member.line")
        problem, mend, trace = data
        raise RankFailedError(rank, f"failed: {problem}", mend, trace)


def _be_rank(
    function: Callable[..., Any],
    rank: int,
    size: int,
    line: Connection,
    arguments: tuple[Any, ...],
    store: str,
    patience: float,
) -> None:
    """Be one rank's process."""
    import torch
    import torch.distributed as dist

    # A terminal's Ctrl-C reaches all its processes; only the starting one's word counts here.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
    threading.Thread(target=_watch, args=(line,), name="watch", daemon=True).start()
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(rank)
    try:
        dist.init_process_group(
            "nccl" if on_gpu else "gloo", init_method=f"file://{store}", rank=rank,
            world_size=size, timeout=timedelta(seconds=patience),
        )  # fmt: skip
        result = function(Member(rank, size, line), *arguments)
        line.send(("result", result))
    except PPOLabError as error:
        line.send(("error", (
            f"{error.field}: {shorten(error.value)} {error.problem}", error.mend,
            traceback.format_exc(),
        )))  # fmt: skip
    except Exception as error:
        line.send(("error", (f"{type(error).__name__}: {error}", "Mend the cause and start again",
                             traceback.format_exc())))  # fmt: skip
    _wait_for_the_end(line)


def _watch(line: Connection) -> None:
    """End this process soon after the one that started it is gone, whatever it is doing then."""
    with suppress(EOFError, OSError):
        while True:
            line.poll(None)  # nobody sends anything: what can be read is the end
            line.recv()
    time.sleep(_GRACE)
    os._exit(1)


def _wait_for_the_end(line: Connection) -> None:
    """Keep connections open until all are done, so that peers do not fail by this one's end."""
    with suppress(EOFError, OSError):
        line.recv()
    os._exit(0)


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
