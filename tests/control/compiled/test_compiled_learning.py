"""Whole runs: what the compiled back end learns, and what is kept on disk."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from compiled_cases import Side, settings

from ppolab.control.compiled import (
    CartPole,
    CompiledBackend,
    acting,
    learning,
    losses,
    network,
    rollouts,
)
from ppolab.control.config import PPOConfig
from ppolab.control.trainer import PPOTrainer
from ppolab.machine_code import jit, matrices
from ppolab.machine_code.jit import is_on_disk

QUICK = PPOConfig(
    total_steps=48_000, environments=8, rollout_steps=64, minibatch_size=64, epochs=10,
    learning_rate=2e-3, gamma=0.98, gae_lambda=0.95, entropy_coef=0.0,
)  # fmt: skip


@pytest.mark.parametrize("compiled_environment", [False, True])
def test_cartpole_is_learned(compiled_environment: bool) -> None:
    trainer = PPOTrainer(QUICK)
    environment = CartPole(8, seed=1) if compiled_environment else trainer.environment
    backend = CompiledBackend(trainer.model, trainer.parameters, trainer.optimizer, QUICK)
    returns: list[float] = []
    for iteration in range(QUICK.iterations):
        rate = QUICK.learning_rate * (1 - iteration / QUICK.iterations)
        episodes = backend.collect(
            trainer.rollout, environment, trainer.action_generator, QUICK.gamma
        )
        backend.update(trainer.rollout, QUICK, rate, trainer.shuffle_generator)
        returns += [episode.episode_return for episode in episodes]
    assert np.mean(returns[:20]) < 40
    assert np.mean(returns[-20:]) > 400


def test_the_first_iterations_are_those_of_the_torch_back_end() -> None:
    """The same minibatches and the same actions, until rounding decides a close draw."""
    config = PPOConfig(total_steps=10_240, learning_rate_schedule="constant")
    readable, compiled = PPOTrainer(config), PPOTrainer(config)
    backend = CompiledBackend(compiled.model, compiled.parameters, compiled.optimizer, config)
    for _ in range(6):
        metrics = readable.iterate()
        backend.collect(
            compiled.rollout, compiled.environment, compiled.action_generator, config.gamma
        )
        report, _ = backend.update(
            compiled.rollout, config, config.learning_rate, compiled.shuffle_generator
        )
        assert readable.rollout.actions.tolist() == compiled.rollout.actions.tolist()
        assert report.value_loss == pytest.approx(metrics["value_loss"], rel=1e-3)
        assert report.entropy == pytest.approx(metrics["entropy"], rel=1e-4)


A_SHORT_RUN = """
import hashlib
from ppolab.control.config import PPOConfig
from ppolab.control.trainer import PPOTrainer

compiled = []
config = PPOConfig(environment="Acrobot-v1", backend="compiled", seed=2, total_steps=2048)
trainer = PPOTrainer(config, progress=lambda what, done, count: compiled.append(what))
while not trainer.finished:
    trainer.iterate()
vector = trainer.parameters.vector.detach().numpy()
print(len(compiled), hashlib.sha256(vector.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_the_process_that_compiles_learns_the_same_bits_as_one_that_loads(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    (cold, first), (warm, second) = (
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", A_SHORT_RUN], env=environment, check=True,
            capture_output=True, text=True,
        ).stdout.split()
        for _ in range(2)
    )  # fmt: skip
    assert int(cold) > 0
    assert int(warm) == 0
    assert first == second


def test_no_kernel_may_bend_arithmetic() -> None:
    # Otherwise the bits depend on which copy of a shared function a process happens to load.
    kernels = [
        (f"{module.__name__}.{name}", value)
        for module in (acting, learning, losses, matrices, network, rollouts)
        for name, value in vars(module).items()
        if hasattr(value, "targetoptions")
    ]
    assert len(kernels) > 20
    assert [name for name, kernel in kernels if kernel.targetoptions.get("fastmath")] == []


@pytest.mark.parametrize("size", [0, 1, 7, 16, 33, 64, 100])
def test_a_sum_of_products_counts_every_term_once(size: int) -> None:
    # Powers of two and their halves, so that no order of summing rounds.
    a = np.arange(size, dtype=np.float32) + 1
    b = np.full(size, 0.5, np.float32)
    assert matrices.dot(a, b) == size * (size + 1) / 4


@pytest.mark.parametrize("environment", ["Pendulum-v1", "ProbeSeveral-v0"])
def test_the_first_iterations_of_any_policy_are_those_of_the_torch_back_end(
    environment: str,
) -> None:
    """With observations and rewards normalised, which the environment does for both alike."""
    config = PPOConfig(
        environment=environment, total_steps=10_240, normalize_observations=True,
        normalize_rewards=True, backend="torch",
    )  # fmt: skip
    readable, compiled = PPOTrainer(config), PPOTrainer(replace(config, backend="compiled"))
    assert (readable.backend.name, compiled.backend.name) == ("torch", "compiled")
    for _ in range(4):
        expected, measured = readable.iterate(), compiled.iterate()
        for name in ("value_loss", "entropy", "gradient_norm", "episodes"):
            assert measured[name] == pytest.approx(expected[name], rel=2e-3), name
        if measured["episodes"]:
            assert compiled.mean_return == pytest.approx(readable.mean_return, rel=1e-3)


def test_warm_kernels_are_not_announced() -> None:
    backend, said = Side.begin(settings()).backend(settings()), []
    backend.warm_up(settings(), CartPole(2, seed=1))
    assert backend.warm_up(settings(), CartPole(2, seed=1), lambda *what: said.append(what)) == 0
    assert said == []


def test_warming_up_changes_neither_weights_nor_environment() -> None:
    side, environment = Side.begin(settings()), CartPole(2, seed=1)
    before, state = side.vector.clone(), environment.state()
    side.backend(settings()).warm_up(settings(), environment)
    assert side.vector.tolist() == before.tolist()
    assert environment.state() == state
    assert side.optimizer.steps == 0
    assert not side.optimizer.mean.any()


KERNEL = """
from ppolab.machine_code.jit import compiled

@compiled()
def double(x):
    return 2.0 * x
"""


def test_a_kernel_is_cold_until_called_and_then_waits_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "kernel_of_a_test.py"
    path.write_text(KERNEL)
    cold = load(path)
    assert not is_on_disk(cold.double, 1.5)
    assert cold.double(1.5) == 3.0
    assert is_on_disk(cold.double, 1.5)
    assert is_on_disk(load(path).double, 1.5)
    assert not is_on_disk(load(path).double, np.float32(1.5))  # another type is another kernel


def test_a_change_of_the_package_makes_kernels_cold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel calls others of the package, which Numba does not look at by itself."""
    path = tmp_path / "kernel_of_a_test.py"
    path.write_text(KERNEL)
    load(path).double(1.5)
    monkeypatch.setattr(jit, "_fingerprint", lambda function: "another")
    assert not is_on_disk(load(path).double, 1.5)


def test_kernels_work_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object) -> None:
        raise RuntimeError("no locator available")

    monkeypatch.setattr("numba.core.caching.FunctionCache.__init__", nowhere)
    path = tmp_path / "kernel_of_a_test.py"
    path.write_text(KERNEL)
    kernel = load(path).double
    assert not is_on_disk(kernel, 1.5)
    assert kernel(1.5) == 3.0


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
