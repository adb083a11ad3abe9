"""Which settings of a stage may be changed while it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppolab.live_settings import LiveSetting

_SETTINGS = (
    LiveSetting(
        "kl_target", "KL target", 0.5, 50.0, 0.5,
        "Nats per response that the controller steers the KL to the reference towards. It moves "
        "the price of a nat from where that is now.",
    ),
    LiveSetting(
        "kl_coef", "KL coefficient β", 0.0, 1.0, 0.01,
        "What a nat of KL to the reference costs, in reward units; 0 leaves the policy unbound.",
    ),
    LiveSetting(
        "beta", "Price β", 0.01, 1.0, 0.01,
        "What leaving the reference costs, reward units per nat.",
    ),
    LiveSetting(
        "learning_rate", "Learning rate", 1e-7, 1e-2, 0.05,
        "Adam's step size at its full height; warm-up and the fall towards the end go on as shares "
        "of it.",
        logarithmic=True,
    ),
    LiveSetting(
        "clip_range", "Clip range ε", 0.02, 1.0, 0.02,
        "How far a token's ratio may move before the objective stops paying for it.",
    ),
)  # fmt: skip


def changeable(training: Mapping[str, Any]) -> tuple[LiveSetting, ...]:
    """The live settings of a stage, by the names of its settings.

    Args:
        training: the settings that the stage began with, by name. Where a controller steers the
            KL coefficient its target may be changed, and else the coefficient itself.
    """
    steered = training.get("kl_controller") == "adaptive" and training["kl_coef"] > 0
    idle = "kl_coef" if steered else "kl_target"
    return tuple(s for s in _SETTINGS if s.name in training and s.name != idle)
