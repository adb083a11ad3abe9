"""What the trainers of all stages have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ppolab.errors import UnavailableError
from ppolab.language.ranks import Ranks
from ppolab.live_settings import LiveSetting, check_live_setting


class StageTrainer:
    """A trainer that is done after a planned number of calls of `iterate`.

    Attributes:
        config: its settings, those that were changed as they are now.
        iteration: calls done so far.
        live_settings: what may be changed between two calls.
    """

    config: Any
    iteration: int
    live_settings: tuple[LiveSetting, ...] = ()

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
        """Change a live setting; return what it was before.

        Raises:
            UnknownNameError: no live setting of that name.
            InvalidSettingError: the value is outside the setting's range.
        """
        check_live_setting(self.live_settings, name, value)
        before = float(getattr(self.config, name))
        self.config = replace(self.config, **{name: float(value)})
        return before

    def settings_now(self) -> dict[str, float]:
        """The live settings as they are, for a checkpoint."""
        return {setting.name: getattr(self.config, setting.name) for setting in self.live_settings}

    def set_again(self, extra: Mapping[str, Any]) -> None:
        """Go back to the live settings of a checkpoint; older ones hold none."""
        self.config = replace(self.config, **extra.get("live_settings", {}))

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
