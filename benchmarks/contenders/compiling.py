"""Trainings that XLA compiles whole: compiled once for each group of settings, then timed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jax
from serving import Stopwatch, serve


def serve_compiled(
    versions: dict[str, str],
    make_training: Callable[[dict[str, Any], int], Callable[[jax.Array], Any]],
    episode_length: Callable[[Any], float | None],
) -> None:
    """Do job after job.

    Args:
        versions: of the peer; JAX's are added.
        make_training: from settings and steps, a function of a random key that trains.
        episode_length: of the last update, from what that function returned, or None; a check
            that the peer learns, not part of what is timed.
    """
    known: dict[str, tuple[Any, float]] = {}

    def train(job: dict[str, Any]) -> dict[str, Any]:
        config, steps, key = job["config"], job["steps"], jax.random.key(job["seed"])
        name = json.dumps([config, steps])
        if name not in known:
            started = time.perf_counter()
            program = jax.jit(make_training(dict(config), steps)).lower(key).compile()
            known[name] = (program, time.perf_counter() - started)
        program, compile_seconds = known[name]
        samples = config["environments"] * config["rollout_steps"]
        watch = Stopwatch()
        out = jax.block_until_ready(program(key))
        spent = watch.read()
        return {
            "count": steps // samples * samples, **spent, "compile_seconds": compile_seconds,
            "episode_length": episode_length(out),
        }  # fmt: skip

    serve(versions | {"jax": jax.__version__}, train)
