"""What the trainers of all stages have in common."""

from __future__ import annotations

from ppolab.errors import UnavailableError, UnknownNameError
from ppolab.language.ranks import Ranks


class StageTrainer:
    """A trainer that is done after a planned number of calls of `iterate`.

    Attributes:
        iteration: calls done so far.
    """

    iteration: int

    @property
    def step(self) -> int:
        """How far it is: calls of `iterate` done so far."""
        return self.iteration

    @property
    def total_steps(self) -> int:
        """Calls of `iterate` of the whole stage."""
        raise NotImplementedError

    @property
    def finished(self) -> bool:
        """Whether all of them are done."""
        return self.iteration >= self.total_steps

    def change(self, name: str, value: float) -> float:
        """Change a live setting; there is none."""
        raise UnknownNameError("setting", name, [])

    def join(self, ranks: Ranks) -> None:
        """Share the work from now on with the same trainer in other processes.

        Raises:
            InvalidSettingError: the batch does not divide among them.
            UnavailableError: this kind of training cannot be shared.
        """
        raise UnavailableError(
            "ranks", ranks.size, "cannot share this kind of training", "Use one rank"
        )

    def close(self) -> None:
        """Nothing is held."""
