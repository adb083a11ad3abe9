"""What others have published for the tasks of `results.py`, and how ours is set beside it."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev
from typing import Literal

Measure = Literal["training", "evaluation"]


@dataclass(frozen=True)
class Published:
    """A number somebody has published; `spread` is what they give after "±", None for nothing."""

    source: str
    mean: float
    spread: float | None
    steps: int
    measure: Measure  # which of ours was measured as theirs was


CLEANRL, BASELINES, ZOO = "CleanRL", "openai/baselines", "SB3 zoo"

# CleanRL and openai/baselines: the tables of CleanRL's docs/rl-algorithms/ppo.md, last training
# episodes, 3 seeds, ± between seeds. The zoo of Stable-Baselines3: its benchmark.md, one tuned
# agent that takes the likeliest action, ± between that agent's episodes.
REFERENCES: dict[str, tuple[Published, ...]] = {
    "cartpole-baseline": (
        Published(CLEANRL, 490.04, 6.12, 500_000, "training"),
        Published(BASELINES, 497.54, 4.02, 500_000, "training"),
    ),
    "acrobot": (
        Published(CLEANRL, -86.36, 1.32, 500_000, "training"),
        Published(BASELINES, -81.82, 5.58, 500_000, "training"),
    ),
    "mountain-car": (Published(ZOO, -110.4, 19.5, 1_000_000, "evaluation"),),
    "pendulum": (Published(ZOO, -172.2, 104.2, 100_000, "evaluation"),),
    "lunar-lander": (Published(ZOO, 242.1, 31.8, 1_000_000, "evaluation"),),
    "half-cheetah": (
        Published(CLEANRL, 1442.64, 46.03, 1_000_000, "training"),
        Published(ZOO, 5819.1, 663.5, 1_000_000, "evaluation"),
    ),
    "hopper": (
        Published(CLEANRL, 2382.86, 271.74, 1_000_000, "training"),
        Published(ZOO, 2410.4, 10.0, 1_000_000, "evaluation"),
    ),
    # Nobody seems to have published PPO's return in a table for as many steps of the same game.
    "minatar-breakout": (),
}

# The 97.5th percentile of Student's t with 1, 2, … degrees of freedom.
T_QUANTILES = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def interval(values: list[float]) -> tuple[float, float] | None:
    """95 % interval of the mean over seeds by Student's t; None for one value or more than ten.

    It supposes that seeds scatter normally. A return that has a ceiling does not, so the interval
    may reach beyond what an episode can give.
    """
    if not 2 <= len(values) <= len(T_QUANTILES) + 1:
        return None
    half = T_QUANTILES[len(values) - 2] * stdev(values) / sqrt(len(values))
    return mean(values) - half, mean(values) + half


def verdict(values: list[float], theirs: Published) -> str:
    """Whether our mean reaches theirs; if not, whether our seeds leave that open."""
    if mean(values) >= theirs.mean:
        return "at or above"
    between = interval(values)
    if between is not None and between[1] >= theirs.mean:
        return "below, but within the interval"
    return "below"
