"""Runs a submission on several ranks: processes of one box that reach each other and nobody else.

The ranks have `torch.distributed`, initialised. Its messages travel through pipes made before the
ranks were forked, not through sockets, which a box does not have: so they reach these processes
alone, and a rank that leaves while others wait is seen at once instead of after a time-out.
"""

# Torch's own annotations of process groups written in Python are incomplete.
# mypy: disable-error-code="override, attr-defined, call-arg, no-untyped-call"

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import torch
import torch.distributed as dist
from torch import Tensor

LENGTH = 8  # bytes that say how long a message is
SUBMISSION = "submission.py"
WAITED = "has ended while"


def answer(
    submission: dict[str, Any],
    entry: str,
    given: dict[str, str],
    shared: list[Any],
    of_rank: list[list[Any]],
) -> list[Any]:
    """Call the submission on `len(of_rank)` ranks with `shared` and each rank's own arguments.

    Returns what each rank returned, in the order of ranks. Raises `RuntimeError` naming the rank
    and the line where one raised.
    """
    size = len(of_rank)
    links = [(os.pipe(), os.pipe()) for _ in range(size)]  # to the root and back, for each rank
    results = [os.pipe() for _ in range(size)]
    children: list[int] = []
    for rank in range(size):
        child = os.fork()
        if child == 0:
            _be_rank(rank, links, results, lambda own: submission[entry](*shared, *own), of_rank)
        children.append(child)
    for pipe in (*(end for link in links for end in link), *((-1, out) for _, out in results)):
        for descriptor in pipe:
            if descriptor >= 0:
                os.close(descriptor)
    reports = [_receive(read) for read, _ in results]
    for read, _ in results:
        os.close(read)
    for child in children:
        os.waitpid(child, 0)
    return _values(reports)


def _values(reports: list[Any]) -> list[Any]:
    errors = [
        f"rank {rank}{report['error']}" if report else f"rank {rank} ended without an answer"
        for rank, report in enumerate(reports)
        if report is None or "error" in report
    ]
    # A rank that failed leaves the others waiting; what they say of it is not the cause.
    errors.sort(key=lambda error: WAITED in error)
    if errors:
        raise RuntimeError(errors[0])
    return [report["value"] for report in reports]


def _be_rank(
    rank: int,
    links: list[tuple[tuple[int, int], tuple[int, int]]],
    results: list[tuple[int, int]],
    call: Callable[[list[Any]], Any],
    of_rank: list[list[Any]],
) -> NoReturn:
    """Run one rank in this process, which then ends."""
    size = len(links)
    reading, writing = {}, {}
    for other, (up, down) in enumerate(links):
        if rank == 0 and other > 0:
            reading[other], writing[other] = up[0], down[1]
        elif rank == other and rank > 0:
            reading[0], writing[0] = down[0], up[1]
    kept = {*reading.values(), *writing.values(), results[rank][1]}
    for descriptor in {end for link in links for pipe in link for end in pipe} | {
        end for pipe in results for end in pipe
    }:
        if descriptor not in kept:
            os.close(descriptor)
    try:
        group = PipeGroup(rank, size, reading, writing)
        dist.Backend.register_backend("pipes", lambda *_: group, devices=["cpu"])
        dist.init_process_group("pipes", store=dist.HashStore(), rank=rank, world_size=size)
        torch.manual_seed(rank)
        report = {"value": call(of_rank[rank])}
    except BaseException as error:
        report = {"error": _describe(error)}
    try:
        _send(results[rank][1], report)
    except BaseException as error:
        _send(results[rank][1], {"error": _describe(error)})
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _describe(error: BaseException) -> str:
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == SUBMISSION:
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f", line {line}" if line else ""
    return f"{where}: {type(error).__name__}: {error}"[:2000]


class PipeGroup(dist.ProcessGroup):
    """The collectives of `torch.distributed`, gathered and answered by rank 0."""

    def __init__(
        self, rank: int, size: int, reading: dict[int, int], writing: dict[int, int]
    ) -> None:
        super().__init__(rank, size)
        self.own, self.count = rank, size
        self.reading, self.writing = reading, writing

    def getBackendName(self) -> str:  # noqa: N802 - torch's name
        """What torch calls this group."""
        return "pipes"

    def allreduce(self, tensors: list[Tensor], options: Any = None) -> Any:
        """Combine the tensors of all ranks on every rank."""
        operation = _operation(options)
        for tensor in tensors:
            tensor.copy_(self.exchange(f"all_reduce({operation})", tensor)["all"])
        return _done(tensors)

    def reduce(self, tensors: list[Tensor], options: Any) -> Any:
        """Combine the tensors of all ranks on one of them."""
        operation = _operation(options)
        for tensor in tensors:
            result = self.exchange(f"reduce({operation})", tensor)["all"]
            if self.own == options.rootRank:
                tensor.copy_(result)
        return _done(tensors)

    def broadcast(self, tensors: list[Tensor], options: Any) -> Any:
        """Give every rank the tensor of one of them."""
        for tensor in tensors:
            tensor.copy_(self.exchange(f"broadcast(from {options.rootRank})", tensor)["all"])
        return _done(tensors)

    def allgather(
        self, outputs: list[list[Tensor]], inputs: list[Tensor], options: Any = None
    ) -> Any:
        """Give every rank the tensors of all."""
        for into, tensor in zip(outputs, inputs, strict=True):
            for place, part in zip(into, self.exchange("all_gather", tensor)["each"], strict=True):
                place.copy_(part)
        return _done([tensor for into in outputs for tensor in into])

    def barrier(self, *_: Any, **__: Any) -> Any:
        """Wait for all ranks."""
        self.exchange("barrier", torch.zeros(1))
        return _done([])

    def exchange(self, what: str, tensor: Tensor) -> dict[str, Any]:
        """Send a tensor to rank 0 and receive what came of all; rank 0 does the work."""
        message = {"what": what, "tensor": tensor.detach()}
        if self.own > 0:
            reply = _receive(self.reading[0]) if _sent(self.writing[0], message) else None
            if reply is None:
                raise RuntimeError(f"rank 0 {WAITED} rank {self.own} waits in {what}")
            return self.checked(reply)
        messages = [message] + [self.from_rank(rank, what) for rank in range(1, self.count)]
        try:
            reply = combined(messages)
        except RuntimeError as error:
            reply = {"refused": str(error)}
        for rank in range(1, self.count):
            _sent(self.writing[rank], reply)
        return self.checked(reply)

    def from_rank(self, rank: int, what: str) -> Any:
        """What a rank sends to rank 0, or an error that says that it has ended."""
        message = _receive(self.reading[rank])
        if message is None:
            raise RuntimeError(f"rank {rank} {WAITED} rank 0 waits in {what}")
        return message

    @staticmethod
    def checked(reply: dict[str, Any]) -> dict[str, Any]:
        """The reply, or the error that it tells of."""
        if "refused" in reply:
            raise RuntimeError(reply["refused"])
        return reply


def combined(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """What the ranks' messages come to. Raises `RuntimeError` where they do not fit together."""
    calls = [message["what"] for message in messages]
    if len(set(calls)) > 1:
        listed = ", ".join(f"rank {rank} in {call}" for rank, call in enumerate(calls))
        raise RuntimeError(f"the ranks do not meet: {listed}")
    tensors = [message["tensor"] for message in messages]
    if len({(tuple(tensor.shape), tensor.dtype) for tensor in tensors}) > 1:
        shapes = ", ".join(f"rank {r} {list(tensor.shape)}" for r, tensor in enumerate(tensors))
        raise RuntimeError(f"{calls[0]} of tensors that differ in shape or dtype: {shapes}")
    what = calls[0]
    if what.startswith("broadcast"):
        return {"all": tensors[int(what.split()[1].rstrip(")"))]}
    if what == "all_gather":
        return {"each": tensors}
    if what == "barrier":
        return {"all": tensors[0]}
    stacked = torch.stack(tensors)
    # Added rank by rank, so that the order of rounding is the same every time.
    return {
        "all": {
            "SUM": lambda: sum(tensors[1:], tensors[0].clone()),
            "AVG": lambda: sum(tensors[1:], tensors[0].clone()) / len(tensors),
            "PRODUCT": lambda: stacked.prod(0),
            "MIN": lambda: stacked.amin(0),
            "MAX": lambda: stacked.amax(0),
        }[what.partition("(")[2].rstrip(")")]()
    }


def _operation(options: Any) -> str:
    operation = getattr(options, "reduceOp", dist.ReduceOp.SUM)
    for name in ("SUM", "AVG", "PRODUCT", "MIN", "MAX"):
        if operation == getattr(dist.ReduceOp, name):
            return name
    raise RuntimeError("this kind of reduction is not offered here: use SUM, AVG, MIN or MAX")


def _done(result: list[Tensor]) -> Any:
    future: Any = torch.futures.Future()
    future.set_result(result)
    return torch._C._distributed_c10d._create_work_from_future(future)


def _send(descriptor: int, value: Any) -> None:
    """Write one message. A frame of the box's own codec: plain data and arrays."""
    import codec  # type: ignore[import-not-found]

    data = codec.encode(value)
    view = memoryview(len(data).to_bytes(LENGTH, "big") + data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sent(descriptor: int, value: Any) -> bool:
    """Write one message; say whether the other end was still there."""
    try:
        _send(descriptor, value)
    except BrokenPipeError:
        return False
    return True


def _receive(descriptor: int) -> Any:
    """Read one message; None where the other end has closed."""
    import codec

    head = _read(descriptor, LENGTH)
    data = _read(descriptor, int.from_bytes(head, "big")) if len(head) == LENGTH else b""
    if len(data) < codec.PREFIX.size:
        return None
    tree, _ = codec.frame_lengths(data[: codec.PREFIX.size])
    body = data[codec.PREFIX.size :]
    return codec.decode(body[:tree], body[tree:], torch.from_numpy)


def _read(descriptor: int, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = os.read(descriptor, count - len(data))
        if not part:
            break
        data += part
    return bytes(data)
