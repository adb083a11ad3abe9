"""The pitfalls of RLHF by name: one thing made wrong, to see how it looks and what catches it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ppolab.errors import UnknownNameError

REWARD_AT_PADDING = "reward-at-padding"


@dataclass(frozen=True)
class Pitfall:
    """A mistake: what it changes, what comes of it, and which monitor sees it."""

    name: str
    stage: str  # kind of the stage in which it is made
    sentence: str  # what is wrong and what comes of it
    caught_by: str  # kind of the alert
    caught_in: str  # kind of the stage in which the alert comes
    training: Mapping[str, Any] = field(default_factory=dict)  # settings of the stage's training
    settings: Mapping[str, Any] = field(default_factory=dict)  # settings of the stage itself


PITFALLS = {
    pitfall.name: pitfall
    for pitfall in (
        Pitfall(
            "kl-off", "rlhf",
            "Nothing holds the policy near the reference. It finds whatever the reward likes best "
            "and writes that every time, language or not.",
            "KL runaway", "rlhf", training={"kl_coef": 0.0, "kl_controller": "fixed"},
        ),
        Pitfall(
            "placeholder-loss", "reward-model",
            "The reward model's loss only asks for high scores of preferred answers. One number "
            "added to all scores pleases it, and nothing is told apart.",
            "uninformative reward model", "reward-model", training={"fault": "placeholder"},
        ),
        Pitfall(
            "untrained-reward", "reward-model",
            "The reward model's weights are never moved. Its scores are a random direction, which "
            "the policy follows all the same.",
            "uninformative reward model", "reward-model", training={"fault": "untrained"},
        ),
        Pitfall(
            "swapped-pairs", "reward-model",
            "Chosen and rejected have changed places. The reward model learns well, and the policy "
            "learns the opposite of what people wanted.",
            "swapped labels", "reward-model", training={"fault": "swapped"},
        ),
        Pitfall(
            REWARD_AT_PADDING, "rlhf",
            "The score is paid in the last column of the padded batch, not at a response's last "
            "token. Whoever ended earlier learns of the KL penalty and of nothing else.",
            "misplaced reward", "rlhf", settings={"fault": REWARD_AT_PADDING},
        ),
        Pitfall(
            "length-bias", "reward-model",
            "The rater likes longer answers, whatever they say. The reward model learns it, and "
            "the policy writes to the limit.",
            "length bias", "reward-model", training={"fault": "length-bias"},
        ),
    )
}  # fmt: skip


def pitfall_named(name: str) -> Pitfall:
    """The pitfall of that name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in PITFALLS:
        raise UnknownNameError("pitfall", name, sorted(PITFALLS))
    return PITFALLS[name]


def with_pitfall(stage: Any, name: str) -> Any:
    """A stage's settings with the mistake, if it is made in this kind of stage; else as they are.

    Raises:
        UnknownNameError: there is no such pitfall.
    """
    pitfall = pitfall_named(name)
    if pitfall.stage != stage.kind:
        return stage
    training = dataclasses.replace(stage.training, **pitfall.training)
    return dataclasses.replace(stage, training=training, **pitfall.settings)


def reward_at_padding(scores: Tensor, kl: Tensor, lengths: Tensor, kl_coef: float) -> Tensor:
    """The mistake of paying in the last column of the padded batch.

    Arguments and result as of `experience.per_token_rewards`, which does it right.
    """
    rewards = -kl_coef * kl
    rewards[:, -1] += scores
    return rewards
