"""What a `checks.py` is written with: asking the submission, and saying what is wrong in words.

A check is a function `name_of_check(ask, rng)`. It draws cases from `rng`, which is seeded after
the submission came in, puts them to the submission with `ask`, compares the answers with values
that exist only here, and raises `CheckFailed` with a message for the learner.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ppolab.assessment.challenge import ChallengeFolder
from ppolab.errors import InvalidSettingError
from ppolab.sandbox import Answer, Session

# Relative and absolute tolerance: a few roundings of the dtype, far below any misconception.
TOLERANCES = {torch.float32: (1e-5, 1e-6), torch.float64: (1e-10, 1e-12)}

CheckFunction = Callable[["Ask", np.random.Generator], None]


class CheckFailed(Exception):  # noqa: N818 - an outcome, not a fault of this program
    """A check found something wrong; the message tells the learner what was expected."""


class Ask:
    """Puts cases to the submission; remembers the latest, for messages about its errors."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.latest_case = ""

    def __call__(
        self, *args: Any, gradient_of: tuple[int, ...] = (), report_args: bool = False
    ) -> Answer:
        """Call the submission's function; see `Session.call`."""
        self.latest_case = ", ".join(describe_argument(argument) for argument in args)
        return self._session.call(args, gradient_of, report_args)


def load_checks(challenge: ChallengeFolder) -> dict[str, CheckFunction]:
    """Import the challenge's `checks.py`, which is our own code, and find each check's function.

    A check called `two-words` is the function `two_words`.
    """
    path = challenge.folder / "checks.py"
    spec = importlib.util.spec_from_file_location(f"checks of {challenge.slug}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InvalidSettingError("checks.py", str(path), "is missing", "Add it")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, CheckFunction] = {}
    for check in challenge.checks:
        function = getattr(module, check.name.replace("-", "_"), None)
        if not callable(function):
            raise InvalidSettingError(
                "challenge.yaml checks",
                check.name,
                f"has no function in {path}",
                f"Write `def {check.name.replace('-', '_')}(ask, rng)`",
            )
        found[check.name] = function
    return found


def require_tensor(answer: Answer, shape: tuple[int, ...], dtype: torch.dtype, what: str) -> Tensor:
    """Return the answer as a tensor of this shape and dtype, or say what came instead.

    `what` names the value that was asked for, e.g. "the loss".
    """
    if answer.unfit is not None:
        raise CheckFailed(
            f"Expected {what} as a tensor, but your function returned {answer.unfit}."
        )
    value = answer.value
    if value is None:
        raise CheckFailed("Your function returned None. Does it end with a `return`?")
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


def require_gradient(answer: Answer, index: int, like: Tensor, name: str) -> Tensor:
    """Return the gradient for the `index`-th argument asked for, or say why there is none."""
    gradient = answer.gradients[index]
    if gradient is None:
        raise CheckFailed(
            f"Your result does not depend on {name} as far as autograd can see, so the policy "
            "would never change. Look for `.detach()`, `.item()`, `torch.no_grad()` or a new "
            "`torch.tensor(…)` on the way."
        )
    if gradient.shape != like.shape:
        raise CheckFailed(f"The gradient for {name} has the shape {list(gradient.shape)}.")
    return gradient


def close(actual: Tensor, expected: Tensor) -> bool:
    """Say whether two tensors of one dtype are equal up to rounding."""
    relative, absolute = TOLERANCES[expected.dtype]
    return bool(torch.allclose(actual, expected, rtol=relative, atol=absolute))


def number(value: Tensor | float) -> str:
    """Show a number in a message: four significant digits, and a real minus sign."""
    return f"{float(value):.4g}".replace("-", "−")


def numbers(values: Tensor) -> str:
    """Show a small tensor in a message."""
    if values.ndim == 0:
        return number(values)
    return "[" + ", ".join(numbers(value) for value in values) + "]"


def describe_argument(argument: object) -> str:
    """Name an argument by type and shape."""
    if isinstance(argument, Tensor):
        return f"a {_short(argument.dtype)} tensor of shape {list(argument.shape)}"
    return repr(argument)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
