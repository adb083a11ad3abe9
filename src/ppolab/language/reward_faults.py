"""Mistakes that people make with reward models, under names, to see what they look like.

Each changes one thing and leaves the trainer as it is. A run with a fault shows what a chart or a
monitor makes of it; no fault is ever on unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ppolab.errors import UnknownNameError

FaultyLoss = Callable[[Tensor, Tensor], Tensor]  # chosen and rejected worths [pairs] → [pairs]


@dataclass(frozen=True)
class RewardFault:
    """A mistake: what it changes, what happens, and how it can be seen."""

    name: str
    sentence: str  # what is wrong and what comes of it
    seen_by: str  # the recorded number that gives it away
    loss: FaultyLoss | None = None  # instead of the right one
    learns: bool = True  # whether the weights are moved at all
    swaps: bool = False  # whether chosen and rejected change places
    length_bias: float = 0.0  # nats of preference per word that the rater has too much


NO_FAULT = RewardFault("none", "Nothing is wrong.", "")

FAULTS = {
    fault.name: fault
    for fault in (
        NO_FAULT,
        RewardFault(
            "placeholder",
            "The loss only asks for large scores of preferred answers. It falls without end, for "
            "one number added to all scores pleases it: nothing is told apart.",
            "rm_loss stays near ln 2 and rm_accuracy near one half while rm_train_loss falls",
            loss=lambda chosen, rejected: -chosen,
        ),
        RewardFault(
            "linear",
            "The loss is the plain difference of scores. It never has enough: pairs that are "
            "already right pull as hard as those that are wrong, and scores grow without bound.",
            "rm_margin, rm_spread and rm_calibration_error grow while rm_accuracy does not",
            loss=lambda chosen, rejected: rejected - chosen,
        ),
        RewardFault(
            "untrained",
            "The reward model is used as it was initialised. Its scores are those of a random "
            "direction, and a policy follows them all the same.",
            "rm_accuracy stays near one half from the first measurement to the last",
            learns=False,
        ),
        RewardFault(
            "swapped",
            "Chosen and rejected answers have changed places in the data. The model learns well, "
            "to prefer what people disliked.",
            "rm_accuracy is high but rm_gold_accuracy below one half",
            swaps=True,
        ),
        RewardFault(
            "length-bias",
            "The rater likes longer answers, whatever they say. The model learns that too, and a "
            "policy will write to the limit.",
            "accuracy is high where the longer answer was chosen and low where the shorter was",
            length_bias=0.5,
        ),
    )
}


def fault_named(name: str) -> RewardFault:
    """The fault of that name; "none" is the absence of one.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in FAULTS:
        raise UnknownNameError("fault", name, sorted(FAULTS))
    return FAULTS[name]
