"""The environment that a run's settings ask for."""

from __future__ import annotations

import dataclasses

from ppolab.control.atari import AtariEnvironment
from ppolab.control.config import PPOConfig
from ppolab.control.environments import VectorEnvironment
from ppolab.control.envpool import EnvPool
from ppolab.control.multi_agent import MultiAgentEnvironment, is_multi_agent
from ppolab.control.normalization import NormalizedEnvironment
from ppolab.control.packages import is_atari
from ppolab.control.rollout import Environment
from ppolab.control.vectorized import async_vector, native_vector
from ppolab.errors import InvalidSettingError, UnknownNameError

COMPILED = "compiled/"  # before the name of an environment in machine code instead of Python
NATIVE = "vector/"  # before one that has a vectorised implementation of its own
ASYNC = "async/"  # before one whose copies should have a process each
ENVPOOL = "envpool/"  # before a name of EnvPool's
PREFIXES = (COMPILED, NATIVE, ASYNC, ENVPOOL)


def make_environment(config: PPOConfig, count: int | None = None) -> Environment:
    """Make `count` copies, by default as many as the settings say.

    "CartPole-v1" is Gymnasium's, its copies side by side in this process; "multi/Guide" and
    "pettingzoo/mpe2/simple_spread_v3" have several agents. A prefix of `PREFIXES` asks for another
    way to step the copies; docs/environments.md says which there are.

    Raises:
        UnknownNameError: no environment of that name.
        InvalidSettingError: one that cannot be made, or not with these settings.
    """
    count = config.environments if count is None else count
    normalized = config.normalize_observations or config.normalize_rewards
    several = is_multi_agent(config.environment)
    if config.critic == "central" and not several:
        raise InvalidSettingError(
            "critic", "central", f"needs several agents, and {config.environment} has one",
            "Take critic own",
        )  # fmt: skip
    if config.environment.startswith(COMPILED):
        if config.environment_options:
            raise InvalidSettingError(
                "environment_options", config.environment_options, "are not taken by "
                f"{config.environment}", f"Leave them out, or take the one without {COMPILED}",
            )  # fmt: skip
        if normalized:
            raise InvalidSettingError(
                "environment", config.environment, "cannot be normalised",
                "Leave normalize_observations and normalize_rewards off, or take the one without "
                f"{COMPILED}",
            )  # fmt: skip
        return _compiled(config, count)
    inner = _inner(config, count)
    if not normalized:
        return inner
    return NormalizedEnvironment(
        inner, config.gamma, config.normalize_observations, config.normalize_rewards,
        config.observation_clip, config.reward_clip,
    )  # fmt: skip


def in_own_units(config: PPOConfig) -> PPOConfig:
    """The same, with observations and rewards as the environment itself gives them."""
    options = dict(config.environment_options)
    if is_atari(config.environment):
        options["clip_rewards"] = False
    elif "reward_clip" in options and config.environment.startswith(ENVPOOL):
        options["reward_clip"] = False
    return dataclasses.replace(
        config, normalize_observations=False, normalize_rewards=False, environment_options=options
    )


def _inner(config: PPOConfig, count: int) -> Environment:
    name, seed, options = config.environment, config.seed, config.environment_options
    if is_multi_agent(name):
        return MultiAgentEnvironment(
            name, count, seed, options, config.critic == "central", config.agent_index
        )
    if name.startswith(NATIVE):
        return native_vector(name.removeprefix(NATIVE), count, seed, options)
    if name.startswith(ASYNC):
        return async_vector(name.removeprefix(ASYNC), count, seed, options)
    if name.startswith(ENVPOOL):
        return EnvPool(name.removeprefix(ENVPOOL), count, seed, options)
    if is_atari(name):
        return AtariEnvironment(name, count, seed, options)
    return VectorEnvironment(name, count, seed, options)


def _compiled(config: PPOConfig, count: int) -> Environment:
    from ppolab.control.compiled import CartPole, GridWorld

    match config.environment.removeprefix(COMPILED):
        case "CartPole-v1":
            return CartPole(count, config.seed)
        case "GridWorld":
            return GridWorld(count, config.seed)
    known = [f"{COMPILED}{name}" for name in ("CartPole-v1", "GridWorld")]
    raise UnknownNameError("environment", config.environment, known)
