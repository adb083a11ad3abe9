"""Settings that make the batch, the minibatches and the gradient steps come out as asked."""

import numpy as np

from ppolab.assessment.questions import Configuration, Demand, Setting
from ppolab.control.config import PPOConfig
from ppolab.errors import InvalidSettingError

TITLE = "Settings for a batch"
MINUTES = 4
MISCONCEPTIONS = ("M16",)
NAMES = ("environments", "rollout_steps", "minibatch_size", "epochs")


def generate(rng: np.random.Generator) -> Configuration:
    environments = int(rng.choice([4, 8, 16]))
    rollout = int(rng.choice([32, 64, 128, 256]))
    parts = int(rng.choice([4, 8]))
    epochs = int(rng.integers(3, 9))
    batch, steps = environments * rollout, epochs * parts
    solution = dict(zip(NAMES, map(float, (environments, rollout, batch // parts, epochs)), strict=True))

    def size(v: dict[str, float]) -> float:
        return v["environments"] * v["rollout_steps"]

    def count(v: dict[str, float]) -> float:
        return v["epochs"] * size(v) / v["minibatch_size"]

    return Configuration(
        prompt="Fill in the settings of an update so that every demand is met.",
        settings=(
            Setting("environments", "environments", 1),
            Setting("rollout_steps", "rollout_steps", 1),
            Setting("minibatch_size", "minibatch_size", 1),
            Setting("epochs", "epochs", 1),
        ),
        demands=(
            Demand("The engine takes the settings.", taken, refusal),
            Demand(f"An update learns from **{batch:,}** samples.", lambda v: size(v) == batch,
                   lambda v: f"Your update learns from {size(v):,.0f} samples."),
            Demand(f"An update takes **{steps}** gradient steps.", lambda v: count(v) == steps,
                   lambda v: f"Your update takes {count(v):,.4g} gradient steps."),
            Demand(f"At least **{environments}** environments act side by side.",
                   lambda v: v["environments"] >= environments,
                   lambda v: f"You have {v['environments']:,.0f} environments."),
        ),  # fmt: skip
        solution_values=solution,
        near_misses=(
            {**solution, "rollout_steps": float(batch)},  # rollout_steps taken for the whole batch
            {**solution, "epochs": float(steps)},  # epochs taken for gradient steps
            {**solution, "minibatch_size": float(parts)},  # its size taken for their number
            {**solution, "minibatch_size": float(batch // parts + 1)},  # does not divide the batch
        ),
        explanation=f"For example ${environments}$ environments with ${rollout}$ steps each give "
        f"${environments} \\times {rollout} = {batch}$ samples; minibatches of ${batch // parts}$ make ${parts}$ "
        f"a pass, and ${epochs}$ passes make ${epochs} \\times {parts} = {steps}$ gradient steps.",
    )


def made(values: dict[str, float]) -> str | None:
    """Why the engine refuses the settings; None where it takes them."""
    try:
        PPOConfig(**{name: int(value) for name, value in values.items()})
    except InvalidSettingError as error:
        return str(error)
    return None


def taken(values: dict[str, float]) -> bool:
    return made(values) is None


def refusal(values: dict[str, float]) -> str:
    return f"The engine refuses: {made(values)}"
