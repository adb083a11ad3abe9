"""Settings that may be changed while a run goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppolab.errors import InvalidSettingError, UnknownNameError


@dataclass(frozen=True)
class LiveSetting:
    """A setting that may be changed while the run goes."""

    name: str
    label: str
    minimum: float
    maximum: float
    step: float  # of the slider
    description: str
    logarithmic: bool = False  # the slider goes by powers of ten, and `step` counts those


def check_live_setting(settings: Sequence[LiveSetting], name: str, value: float) -> None:
    """Make sure that a live setting exists and may take this value.

    Raises:
        UnknownNameError: no live setting of that name.
        InvalidSettingError: the value is outside the setting's range.
    """
    known = {setting.name: setting for setting in settings}
    if name not in known:
        raise UnknownNameError("setting", name, sorted(known))
    setting = known[name]
    if not setting.minimum <= value <= setting.maximum:
        raise InvalidSettingError(
            name, value, "is out of range",
            f"Give a number from {setting.minimum} to {setting.maximum}",
        )  # fmt: skip
