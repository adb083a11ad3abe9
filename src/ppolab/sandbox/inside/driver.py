"""Runs inside a box: loads a submission and answers cases with what it computes.

It holds no expected value and gives no verdict; all it says is data to the judge. The
conversation, in frames of `codec`:

    driver  {"ready": true}
    judge   {"load": source, "entry": name}
    driver  {"loaded": true}  or  {"error": {…}}
    judge   {"id": nonce, "args": […], "gradient_of": [index, …], "report_args": bool}
    driver  {"id": nonce, "value": …, "gradients": […], "args": […]}  or  {"id": nonce, "error": …}

Usage: driver.py FOLDER_OF_PACKAGES… [rlimit:NAME=VALUE…]; an empty folder list keeps Python's own
path.
"""

from __future__ import annotations

import os
import sys

FILE = "submission.py"  # how the submission is called in its own tracebacks
MAX_MESSAGE = 2000


def main() -> None:
    """Set the process up, say that it is ready, then answer until the judge is gone."""
    for argument in sys.argv[1:]:
        if argument.startswith("rlimit:"):
            _limit(argument.removeprefix("rlimit:"))
        else:
            sys.path.insert(0, argument)
    # Frames travel on descriptors of their own, so that print() cannot disturb them: whatever the
    # submission prints goes to the error pipe, and reading input() gives end of file.
    frames_in, frames_out = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)

    import numpy as np
    import torch

    import codec

    # One thread: the box has one core, and the first parallel region would start a pool.
    torch.set_num_threads(1)

    def receive():
        tree, blob = codec.frame_lengths(_read(frames_in, codec.PREFIX.size))
        return codec.decode(_read(frames_in, tree), _read(frames_in, blob), torch.from_numpy)

    def send(message):
        _write(frames_out, codec.encode(message))

    send({"ready": True})
    function = None
    while True:
        message = receive()
        if "load" in message:
            _reseed(np, torch)
            function, answer = _load(message["load"], message["entry"])
        else:
            answer = _answer(function, message, torch)
        _flush()
        try:
            send(answer)
        except codec.ProtocolError as error:
            send({"id": message.get("id"), "unfit": str(error)})


def _load(source, entry):
    """Execute the submission as a module; return its function, or None, and the answer."""
    namespace = {"__name__": "submission", "__file__": FILE}
    try:
        exec(compile(source, FILE, "exec"), namespace)
    except BaseException as error:  # SystemExit too: it is an answer like any other
        return None, {"error": _describe(error)}
    function = namespace.get(entry)
    if not callable(function):
        return None, {"missing": entry}
    return function, {"loaded": True}


def _answer(function, case, torch):
    """Call the function on one case; gradients are those of the sum of what it returns."""
    arguments = list(case["args"])
    for index in case["gradient_of"]:
        arguments[index] = arguments[index].requires_grad_()
    answer = {"id": case["id"]}
    try:
        value = function(*arguments)
        answer["value"] = value
        if case["gradient_of"]:
            answer["gradients"] = _gradients(value, [arguments[i] for i in case["gradient_of"]], torch)
        if case["report_args"]:
            answer["args"] = arguments
    except BaseException as error:
        return {"id": case["id"], "error": _describe(error)}
    return answer


def _gradients(value, inputs, torch):
    """Differentiate; None where the value does not depend on the input through autograd."""
    if not (isinstance(value, torch.Tensor) and value.requires_grad):
        return [None] * len(inputs)
    return list(torch.autograd.grad(value.sum(), inputs, allow_unused=True))


def _describe(error):
    """Say what went wrong and where in the submission, in a form that can travel."""
    try:
        message = str(error)[:MAX_MESSAGE]
    except BaseException:
        message = "(its message cannot be shown)"
    line = None
    if isinstance(error, SyntaxError) and error.filename == FILE:
        line, message = error.lineno, str(error.msg)[:MAX_MESSAGE]
    else:
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == FILE:
                line = trace.tb_lineno
            trace = trace.tb_next
    return {"type": type(error).__name__[:200], "message": message, "line": line}


def _reseed(np, torch):
    """Start every submission with fresh randomness, so that none can count on a known seed."""
    seed = int.from_bytes(os.urandom(4), "big")
    np.random.seed(seed)
    torch.manual_seed(seed)


def _limit(setting):
    import resource

    name, value = setting.split("=")
    kind = getattr(resource, f"RLIMIT_{name}", None)
    if kind is not None:
        hard = resource.getrlimit(kind)[1]
        value = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
        resource.setrlimit(kind, (value, value))


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass  # the submission may have closed or replaced it


def _read(descriptor, count):
    data = bytearray()
    while len(data) < count:
        part = os.read(descriptor, min(count - len(data), 1 << 20))
        if not part:
            os._exit(0)  # the judge is gone
        data += part
    return bytes(data)


def _write(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


if __name__ == "__main__":
    main()
