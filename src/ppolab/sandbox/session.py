"""A box in use: load a submission, put cases to it, and say in words how it went wrong."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from ppolab.errors import UnavailableError
from ppolab.sandbox.backend import Backend
from ppolab.sandbox.channel import Channel, ChannelClosedError, ChannelTimeoutError
from ppolab.sandbox.inside.codec import ProtocolError
from ppolab.sandbox.limits import Limits

FaultKind = Literal["timeout", "memory", "protocol", "ended"]


class BoxFault(Exception):  # noqa: N818 - a fault of the submission, not of this program
    """The box cannot go on; `kind` says why and the message says it in words."""

    def __init__(self, kind: FaultKind, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class SubmissionError(Exception):
    """The submission raised an exception. `line` is one of its own lines, or None."""

    def __init__(self, kind: str, message: str, line: int | None) -> None:
        self.kind = kind
        self.message = message
        self.line = line
        where = f"line {line}: " if line else ""
        super().__init__(f"{where}{kind}: {message}" if message else f"{where}{kind}")


@dataclass(frozen=True)
class Answer:
    """What the submission returned for one case. All of it is data, none of it is trusted.

    `unfit` is set instead of `value` when it returned something that cannot travel.
    `gradients` has one entry for each index asked for; None where autograd found no way from the
    argument to the value. `args` are the arguments as they were after the call.
    """

    value: Any
    unfit: str | None
    gradients: list[Tensor | None]
    args: list[Any]


class Session:
    """One box with torch imported. Use as a context manager; leaving it ends the box.

    Raises `UnavailableError` when the box does not get ready in time. After a `BoxFault` the
    session is closed and can only be left.
    """

    def __init__(self, backend: Backend, limits: Limits | None = None) -> None:
        self.backend = backend
        self.limits = limits or Limits()
        self.closed = False
        self._box = backend.start(self.limits)
        self._channel = Channel(self._box, self.limits.log)
        self._deadline = time.monotonic() + self.limits.start
        try:
            message = self._channel.receive(self._deadline)
            problem = None if message == {"ready": True} else "said something else than ready"
        except ChannelTimeoutError:
            problem = f"was not ready within {self.limits.start:g} s"
        except (ChannelClosedError, ProtocolError):
            problem = "ended before it was ready"
        if problem:
            self.close()
            raise UnavailableError(
                "sandbox",
                backend.name,
                f"{problem}; its last words: {self.output[-500:] or 'none'}",
                'See docs/sandbox.md, "When a box does not start"',
            )
        self._channel.clear_log()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def output(self) -> str:
        """What the submission printed, cut at the limit."""
        text = self._channel.log.decode("utf-8", errors="replace")
        dropped = self._channel.log_dropped
        return text + (f"\n… {dropped:,} more bytes were not kept" if dropped else "")

    def load(self, source: str, entry: str) -> None:
        """Run the submission's top level and find its function; the wall clock starts here.

        Raises `SubmissionError` when its code raises or lacks the function.
        """
        self._deadline = time.monotonic() + self.limits.wall
        reply = self._ask({"load": source, "entry": entry})
        if "error" in reply:
            raise self._submission_error(reply["error"])
        if reply.get("missing") == entry:
            raise SubmissionError("NameError", f"there is no function called {entry}", None)
        if reply != {"loaded": True}:
            raise self._fault("protocol")

    def call(
        self,
        args: Sequence[Any],
        gradient_of: Sequence[int] = (),
        report_args: bool = False,
    ) -> Answer:
        """Call the submission's function once.

        `gradient_of` lists the positions of arguments for which autograd's gradient of the summed
        value is wanted. Raises `SubmissionError` when the function raises.
        """
        # The nonce ties the answer to this question: an answer written ahead cannot know it.
        nonce = secrets.randbits(62)
        reply = self._ask(
            {
                "id": nonce,
                "args": list(args),
                "gradient_of": list(gradient_of),
                "report_args": report_args,
            }
        )
        if type(reply.get("id")) is not int or reply["id"] != nonce:
            raise self._fault("protocol")
        if "error" in reply:
            raise self._submission_error(reply["error"])
        unfit = reply.get("unfit")
        gradients = reply.get("gradients", [])
        arguments = reply.get("args", [])
        gradients_fit = isinstance(gradients, list) and all(
            gradient is None or isinstance(gradient, Tensor) for gradient in gradients
        )
        if not (gradients_fit and isinstance(arguments, list)):
            raise self._fault("protocol")
        if unfit is None and len(gradients) != len(gradient_of):
            raise self._fault("protocol")
        if not (unfit is None or isinstance(unfit, str)):
            raise self._fault("protocol")
        return Answer(reply.get("value"), unfit, gradients, arguments)

    def close(self) -> None:
        """End the box, keep its last output, and leave nothing behind."""
        if self.closed:
            return
        self.closed = True
        self._box.kill()
        self._channel.drain_log(0.3)
        self._channel.close()

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            self._channel.send(message, self._deadline)
            reply = self._channel.receive(self._deadline)
        except ChannelTimeoutError:
            raise self._fault("timeout") from None
        except ChannelClosedError:
            raise self._fault("ended") from None
        except ProtocolError:
            raise self._fault("protocol") from None
        if not isinstance(reply, dict):
            raise self._fault("protocol")
        return reply

    def _submission_error(self, details: object) -> Exception:
        """Read the driver's account of an exception, trusting none of it."""
        if not isinstance(details, dict):
            return self._fault("protocol")
        kind, message, line = (details.get(key) for key in ("type", "message", "line"))
        if not (isinstance(kind, str) and isinstance(message, str)):
            return self._fault("protocol")
        return SubmissionError(kind, message, line if type(line) is int else None)

    def _fault(self, kind: FaultKind) -> BoxFault:
        """Close the box, then name what ended it; running out of memory explains any other."""
        self.close()
        if self._box.usage().out_of_memory:
            kind = "memory"
        megabytes = self.limits.memory // (1024 * 1024)
        words = {
            "timeout": f"Stopped: no answer within {self.limits.wall:g} seconds.",
            "memory": f"Stopped: it used more than {megabytes} MB of memory.",
            "protocol": "Stopped: something other than the answers of your function came out of "
            "the process. Print if you like, but leave the other file descriptors alone.",
            "ended": "The process ended before all answers were given (os._exit, a crash, or a "
            "signal).",
        }
        return BoxFault(kind, words[kind])
