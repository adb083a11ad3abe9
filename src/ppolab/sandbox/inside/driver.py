"""Runs inside a box: loads a submission and answers cases with what it computes.

It holds no expected value and gives no verdict; all it says is data to the judge. The
conversation, in frames of `codec`:

    driver  {"ready": true}
    judge   {"load": source, "entry": name}
    driver  {"loaded": true}, {"missing": name} or {"error": {type, message, line}}
    judge   {"id": nonce, "args": […], "gradient_of": [index, …], "report_args": bool}
    driver  {"id": nonce, "value": …, "gradients": […], "args": […]}, {"id": nonce, "unfit": type}
            or {"id": nonce, "error": {…}}

Usage: driver.py [FOLDER_OF_PACKAGES …] [rlimit:NAME=VALUE …]
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from ppolab.sandbox.inside import codec

FILE = "submission.py"  # how the submission is called in its own tracebacks
MAX_MESSAGE = 2000


def main() -> None:
    """Set the process up, say that it is ready, then answer until the judge is gone."""
    for argument in sys.argv[1:]:
        if argument.startswith("rlimit:"):
            lower_limit(argument.removeprefix("rlimit:"))
        else:
            sys.path.insert(0, argument)
    # Frames travel on descriptors of their own, so that print() cannot disturb them: whatever the
    # submission prints goes to the error pipe, and reading input() gives end of file.
    frames_in, frames_out = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    Driver(frames_in, frames_out).run()


class Driver:
    """The conversation with the judge."""

    def __init__(self, frames_in: int, frames_out: int) -> None:
        self.frames_in = frames_in
        self.frames_out = frames_out
        self.function: Callable[..., Any] | None = None

    def run(self) -> None:
        """Import torch, which is what a box is kept warm for, then answer for ever."""
        global codec, torch
        import codec  # type: ignore[import-not-found]
        import torch

        # One thread: the box has one core, and the first parallel region would start a pool.
        torch.set_num_threads(1)
        self.send({"ready": True})
        while True:
            message = self.receive()
            reply = self.load(message) if "load" in message else self.answer(message)
            for stream in (sys.stdout, sys.stderr):
                # The submission may have closed or replaced it.
                with contextlib.suppress(BaseException):
                    stream.flush()
            try:
                self.send(reply)
            except codec.ProtocolError as error:
                self.send({"id": message.get("id"), "unfit": str(error)})

    def load(self, message: dict[str, Any]) -> dict[str, Any]:
        """Execute the submission as a module and find its function."""
        # Fresh randomness, so that no submission can count on a seed.
        torch.manual_seed(int.from_bytes(os.urandom(4), "big"))
        namespace: dict[str, Any] = {"__name__": "submission", "__file__": FILE}
        try:
            exec(compile(message["load"], FILE, "exec"), namespace)
        except BaseException as error:  # SystemExit too: it is an answer like any other
            return {"error": describe(error)}
        self.function = namespace.get(message["entry"])
        return {"loaded": True} if callable(self.function) else {"missing": message["entry"]}

    def answer(self, case: dict[str, Any]) -> dict[str, Any]:
        """Call the function on one case; gradients are those of the sum of what it returns."""
        arguments = list(case["args"])
        for index in case["gradient_of"]:
            arguments[index] = arguments[index].requires_grad_()
        reply: dict[str, Any] = {"id": case["id"]}
        try:
            assert self.function is not None
            reply["value"] = value = self.function(*arguments)
            reply["gradients"] = gradients(value, [arguments[i] for i in case["gradient_of"]])
        except BaseException as error:
            return {"id": case["id"], "error": describe(error)}
        if case["report_args"]:
            reply["args"] = arguments
        return reply

    def send(self, message: dict[str, Any]) -> None:
        """Send one frame."""
        view = memoryview(codec.encode(message))
        while view:
            view = view[os.write(self.frames_out, view) :]

    def receive(self) -> dict[str, Any]:
        """Receive one frame."""
        tree, blob = codec.frame_lengths(self.read(codec.PREFIX.size))
        message: dict[str, Any] = codec.decode(self.read(tree), self.read(blob), torch.from_numpy)
        return message

    def read(self, count: int) -> bytes:
        """Read exactly `count` bytes; the process ends when the judge is gone."""
        data = bytearray()
        while len(data) < count:
            part = os.read(self.frames_in, min(count - len(data), 1 << 20))
            if not part:
                os._exit(0)
            data += part
        return bytes(data)


def gradients(value: Any, inputs: list[Any]) -> list[Any]:
    """Differentiate; None where the value does not depend on the input through autograd."""
    if not (isinstance(value, torch.Tensor) and value.requires_grad and inputs):
        return [None] * len(inputs)
    return list(torch.autograd.grad(value.sum(), inputs, allow_unused=True))


def describe(error: BaseException) -> dict[str, Any]:
    """Say what went wrong and where in the submission, in a form that can travel."""
    try:
        message = str(error)
    except BaseException:
        message = "(its message cannot be shown)"
    line = None
    if isinstance(error, SyntaxError) and error.filename == FILE:
        line, message = error.lineno, str(error.msg)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return {"type": type(error).__name__[:200], "message": message[:MAX_MESSAGE], "line": line}


def lower_limit(setting: str) -> None:
    """Lower one rlimit of this process, from a text like `CPU=10`."""
    import resource

    name, value = setting.split("=")
    kind = getattr(resource, f"RLIMIT_{name}", None)  # not every system has each
    if kind is not None:
        hard = resource.getrlimit(kind)[1]
        limit = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
        resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    main()
