"""What a `checks.py` is written with: asking the submission, and saying what is wrong in words.

A check is a function `name_of_check(ask, rng)`. It draws cases from `rng`, which is seeded after
the submission came in, puts them to the submission with `ask`, compares the answers with values
that exist only here, and raises `CheckFailed` with a hint for the learner: what to look at, without
the case or the value that was expected.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ppolab.assessment.challenge import EXAMPLES, ChallengeFolder
from ppolab.errors import InvalidSettingError
from ppolab.sandbox import Answer, Session

# Relative and absolute tolerance: a few roundings of the dtype, far below any misconception.
TOLERANCES = {torch.float32: (1e-5, 1e-6), torch.float64: (1e-10, 1e-12)}

CheckFunction = Callable[["Ask", np.random.Generator], None]


class CheckFailed(Exception):  # noqa: N818 - an outcome, not a fault of this program
    """A check found something wrong; the message tells the learner what to look at.

    `case` is the visible example that it failed on, if it is one.
    """

    def __init__(self, message: str, case: str = "") -> None:
        self.case = case
        super().__init__(message)


class Ask:
    """Puts cases to the submission; remembers the latest, for messages about its errors."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.latest_case = ""
        self.seconds = 0.0  # the latest call took, by the clock here
        self.slow_seconds = float("inf")  # the given slow version, before any submission ran

    def __call__(
        self, *args: Any, gradient_of: tuple[int, ...] = (), report_args: bool = False
    ) -> Answer:
        """Call the submission's function; see `Session.call`."""
        self.latest_case = ", ".join(describe_argument(argument) for argument in args)
        started = time.perf_counter()
        answer = self._session.call(args, gradient_of, report_args)
        self.seconds = time.perf_counter() - started
        return answer


class AskDocument:
    """What is asked in a configuration task: there is only the document itself."""

    latest_case = "the document"

    def __init__(self, document: Any) -> None:
        self.document = document

    def __call__(self, *_: Any, **__: Any) -> Answer:
        """Return the document, as an answer like any other."""
        return Answer(self.document, None, [], [])


def load_checks(challenge: ChallengeFolder) -> dict[str, CheckFunction]:
    """Import the challenge's `checks.py`, which is our own code, and find each check's function.

    A check called `two-words` is the function `two_words`. The check of the visible examples is
    ours for all challenges.
    """
    from ppolab.assessment.showing import check_examples

    module = load_module(challenge)
    found: dict[str, CheckFunction] = {}
    for check in challenge.checks:
        if check.name == EXAMPLES:
            found[check.name] = lambda ask, _: check_examples(ask, challenge)
            continue
        function = getattr(module, check.name.replace("-", "_"), None)
        if not callable(function):
            raise InvalidSettingError(
                "challenge.yaml checks",
                check.name,
                f"has no function in {challenge.folder / 'checks.py'}",
                f"Write `def {check.name.replace('-', '_')}(ask, rng)`",
            )
        found[check.name] = function
    return found


def load_module(challenge: ChallengeFolder) -> ModuleType:
    """Import the challenge's `checks.py`."""
    path = challenge.folder / "checks.py"
    spec = importlib.util.spec_from_file_location(f"checks of {challenge.slug}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InvalidSettingError("checks.py", str(path), "is missing", "Add it")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def require_value(answer: Answer, what: str) -> Any:
    """Return what was answered, whatever it is, unless it is None or cannot travel."""
    if answer.unfit is not None:
        raise CheckFailed(f"Expected {what}, but your code returned {answer.unfit}.")
    if answer.value is None:
        raise CheckFailed("Your function returned None. Does it end with a `return`?")
    return answer.value


def require_tensor(answer: Answer, shape: tuple[int, ...], dtype: torch.dtype, what: str) -> Tensor:
    """Return the answer as a tensor of this shape and dtype, or say what came instead.

    `what` names the value that was asked for, e.g. "the loss".
    """
    value = require_value(answer, f"{what} as a tensor")
    if not isinstance(value, Tensor):
        raise CheckFailed(
            f"Expected {what} as a tensor, but your function returned a {type(value).__name__}. "
            "A plain number carries no gradient, so nothing could learn from it."
        )
    if tuple(value.shape) != shape:
        wanted = f"the shape {list(shape)}" if shape else "a single number, shape []"
        raise CheckFailed(f"Expected {what} to have {wanted}, but it has {list(value.shape)}.")
    if value.dtype != dtype:
        raise CheckFailed(
            f"Expected {what} in {_short(dtype)}, like the inputs, but it is {_short(value.dtype)}."
        )
    return value


def require_number(answer: Answer, what: str) -> float:
    """Return the answer as a plain finite number, or say what came instead."""
    value = require_value(answer, f"{what} as a number")
    if isinstance(value, Tensor) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CheckFailed(f"Expected {what} as a number, but got a {type(value).__name__}.")
    if not np.isfinite(value):
        raise CheckFailed(f"Expected {what} as a number, but got {value}.")
    return float(value)


def require_gradient(answer: Answer, index: int, like: Tensor, name: str) -> Tensor:
    """Return the gradient for the `index`-th argument asked for, or say why there is none."""
    gradient = answer.gradients[index]
    if gradient is None:
        raise CheckFailed(
            f"Your result does not depend on {name} as far as autograd can see, so the model "
            "would never change. Look for `.detach()`, `.item()`, `torch.no_grad()` or a new "
            "`torch.tensor(…)` on the way."
        )
    if gradient.shape != like.shape:
        raise CheckFailed(f"The gradient for {name} has the shape {list(gradient.shape)}.")
    return gradient


def require_untouched(answer: Answer, before: tuple[Any, ...], names: tuple[str, ...]) -> None:
    """Refuse a submission that wrote into its arguments; ask with `report_args`."""
    for name, old, new in zip(names, before, answer.args, strict=False):
        if isinstance(old, Tensor) and not (isinstance(new, Tensor) and torch.equal(old, new)):
            raise CheckFailed(
                f"After the call {name} is not what it was before. It is used again by whoever "
                "called you, so work on a new tensor: no `x *= …`, no `x.sub_(…)`."
            )


def close(actual: Tensor, expected: Tensor) -> bool:
    """Say whether two tensors of one dtype are equal up to rounding."""
    relative, absolute = TOLERANCES[expected.dtype]
    return bool(torch.allclose(actual, expected, rtol=relative, atol=absolute))


def number(value: Tensor | float) -> str:
    """Show a number in a message: four significant digits, and a real minus sign."""
    return f"{float(value):.4g}".replace("-", "−")


def describe_argument(argument: object) -> str:
    """Name an argument by type and shape."""
    if isinstance(argument, Tensor):
        return f"a {_short(argument.dtype)} tensor of shape {list(argument.shape)}"
    if isinstance(argument, list | tuple):
        text = "[" + ", ".join(describe_argument(item) for item in argument) + "]"
    elif isinstance(argument, dict):
        parts = (f"{name!r}: {describe_argument(item)}" for name, item in argument.items())
        text = "{" + ", ".join(parts) + "}"
    else:
        text = repr(argument)
    return text if len(text) <= 120 else f"a {type(argument).__name__} of {len(text):,} characters"


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
