"""Does it learn? The quick one in `make test`, the whole claim under the mark "slow"."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ppolab.control.presets import load_preset
from ppolab.control.trainer import PPOTrainer


def best_mean_return(seed: int, steps: int) -> float:
    """Highest mean return over 100 episodes that the preset meets within so many steps."""
    trainer = PPOTrainer(replace(load_preset("cartpole").config, seed=seed))
    best = 0.0
    while trainer.step < steps and not trainer.finished:
        trainer.iterate()
        best = max(best, trainer.mean_return) if trainer.episodes >= 100 else best
    return best


def test_cartpole_is_well_on_its_way_after_25_000_steps() -> None:
    assert best_mean_return(seed=1, steps=25_000) >= 150  # random actions get about 22


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cartpole_reaches_475_with_its_preset(seed: int) -> None:
    assert best_mean_return(seed, steps=102_400) >= 475
