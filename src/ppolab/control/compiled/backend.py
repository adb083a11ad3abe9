"""The compiled back end: PPO on small networks with no framework between the numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppolab.control.compiled import acting, learning, rollouts
from ppolab.control.compiled.bridge import (
    draw_order,
    flat_samples,
    loss_settings,
    new_ended,
    new_report,
    readable_report,
    step_settings,
    steps_of,
)
from ppolab.control.compiled.cartpole import CartPole
from ppolab.control.compiled.copies import CompiledEnvironment
from ppolab.control.compiled.gridworld import GridWorld
from ppolab.control.compiled.learning import Learner, Sizes, whole_size
from ppolab.control.compiled.policies import Actions, Masks
from ppolab.control.config import PPOConfig
from ppolab.control.distributions import Categorical, DiagonalGaussian, MultiCategorical
from ppolab.control.environments import Finished
from ppolab.control.networks import MLP, ActorCritic
from ppolab.control.optimizer import Adam
from ppolab.control.parameters import FlatParameters
from ppolab.control.rollout import Environment, Rollout
from ppolab.control.update import RATIO_HIGH, RATIO_LOW, Parts, UpdateReport
from ppolab.machine_code.jit import is_on_disk

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]
Progress = Callable[[str, int, int], None]
Job = tuple[str, Any, tuple[Any, ...]]  # what it is called, a kernel, its arguments

# Below this many samples a second thread costs more to wake than it saves.
SMALLEST_SHARED_MINIBATCH = 256
SMALLEST_SHARED_ROLLOUT = 16  # copies of a compiled environment


def supports(model: torch.nn.Module, config: PPOConfig, parts: Parts | None = None) -> str | None:
    """Why the compiled back end cannot train this model, in words; None if it can."""
    if type(model) is not ActorCritic:
        return f"it trains ActorCritic networks, and this is {type(model).__name__}"
    if model.memory is not None:
        kind = type(model.memory.cells).__name__
        return f"it knows networks that remember nothing, and these have a memory ({kind})"
    for network in (model.actor, model.critic):
        if type(network) is not MLP:
            return f"it knows networks of two tanh layers, and this is {type(network).__name__}"
        if network.activation is not torch.tanh:
            return f"it knows tanh layers, and these are {config.activation}"
    if type(model.trunk) is not torch.nn.Identity:
        return "it knows networks that share nothing, and these share layers"
    if type(model.distribution) not in (Categorical, MultiCategorical, DiagonalGaussian):
        return f"it draws choices or numbers, and this is {type(model.distribution).__name__}"
    if config.precision != "float32":
        return f"it computes in float32, and {config.precision} was asked for"
    if config.policy_loss != "clipped":
        return f"it has the clipped policy loss built in, and {config.policy_loss} was asked for"
    if config.micro_batch_size is not None:
        return "it never holds a minibatch in memory, so that there is nothing to cut"
    parameter = next(model.parameters())
    if parameter.device.type != "cpu":
        return f"it computes on the CPU, and the networks are on {parameter.device}"
    if parameter.dtype != torch.float32:
        return f"it computes in float32, and the networks are in {parameter.dtype}"
    if parts is not None and parts != Parts():
        return "it has the standard advantages and policy loss built in, and others were given"
    return None


class CompiledBackend:
    """Acts, judges and learns in compiled kernels, on the memory of the model and its optimizer.

    Nothing is copied in or out: the parameter vector, its gradient and Adam's running means are
    the torch tensors, seen through NumPy. A checkpoint of the torch objects is a checkpoint of
    this. All chance comes from outside, drawn as the torch back end draws it, so that both take
    the same minibatches and, up to rounding, the same actions.

    Example:
        >>> backend = CompiledBackend(model, parameters, optimizer, config)
        >>> finished = backend.collect(rollout, environment, action_generator, config.gamma)
        >>> report, returns = backend.update(rollout, config, 2.5e-4, shuffle_generator)
    """

    name = "compiled"

    def __init__(
        self,
        model: ActorCritic,
        parameters: FlatParameters,
        optimizer: Adam,
        config: PPOConfig,
        threads: int = 1,
    ) -> None:
        self._parameters = parameters
        self._optimizer = optimizer
        self._vector: Float32 = parameters.vector.detach().numpy()
        self._gradient: Float32 = parameters.gradient.numpy()
        self._sizes = sizes_of(model)
        self._weights = np.zeros(whole_size(self._sizes), np.float32)
        shared = threads > 1 and config.minibatch_size >= SMALLEST_SHARED_MINIBATCH
        self._two_threads = True if shared else None

    def act(
        self, observations: Float32, chance: Float32, masks: Masks = None
    ) -> tuple[Actions, Float32, Float32]:
        """Draw an action for each observation.

        Args:
            observations: [batch, observation].
            chance: what decides: [batch, choices] uniform in [0, 1), or [batch, numbers] standard
                normal.
            masks: [batch, logits] bool, False for forbidden choices.

        Returns:
            Actions [batch, choices] int64 or [batch, numbers] float32, their log-probabilities
            [batch] in nats, values [batch].
        """
        actions = np.empty(chance.shape, np.float32 if self._sizes.options is None else np.int64)
        log_probs, values = np.empty((2, len(observations)), np.float32)
        self._fetch_weights()
        acting.act(
            self._sizes, self._weights, observations, masks, chance, actions, log_probs, values
        )
        return actions, log_probs, values

    def values(self, observations: Float32) -> Float32:
        """The critic's value of each observation, [batch]."""
        values = np.empty(len(observations), np.float32)
        self._fetch_weights()
        acting.judge(self._sizes, self._weights, observations, values)
        return values

    def collect(
        self,
        rollout: Rollout,
        environment: Environment,
        generator: np.random.Generator,
        gamma: float,
    ) -> list[Finished]:
        """Fill the rollout by letting the actor act; return the episodes that ended meanwhile.

        As `ppolab.control.rollout.collect`, with the same random numbers. In a compiled
        environment the whole rollout is one call.
        """
        self._fetch_weights()
        steps = steps_of(rollout)
        draw = generator.standard_normal if self._sizes.options is None else generator.random
        chance = draw(steps.actions.shape, np.float32)
        if isinstance(environment, CompiledEnvironment):
            return rollout_compiled(
                self._sizes, self._weights, steps, environment, chance, gamma, self._two_threads
            )
        return self._collect_stepwise(rollout, steps, environment, chance, gamma)

    def advantages(self, rollout: Rollout, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
        """Generalized advantages and returns, both [time, environments]."""
        return self._judge(rollout, gamma, lam)[:2]

    def _judge(self, rollout: Rollout, gamma: float, lam: float) -> tuple[Tensor, Tensor, float]:
        """Advantages and returns, and the share of these that the critic has foreseen."""
        advantages, returns = torch.empty_like(rollout.rewards), torch.empty_like(rollout.rewards)
        explained = acting.estimate_advantages(
            rollout.rewards.numpy(), rollout.values.numpy(), rollout.dones.numpy(),
            rollout.last_values.numpy(), np.float32(gamma), np.float32(lam), advantages.numpy(),
            returns.numpy(),
        )  # fmt: skip
        return advantages, returns, explained

    def update(
        self, rollout: Rollout, config: PPOConfig, learning_rate: float, generator: torch.Generator
    ) -> tuple[UpdateReport, Tensor]:
        """Improve actor and critic on one rollout, as `ppolab.control.update.update` does.

        Returns:
            The report and the returns [time, environments] the critic was trained towards.
        """
        advantages, returns, explained = self._judge(rollout, config.gamma, config.gae_lambda)
        samples = flat_samples(rollout, advantages, returns)
        adam = self._optimizer
        learner = Learner(self._vector, self._gradient, adam.mean.numpy(), adam.square.numpy())
        loss, step = loss_settings(config), step_settings(config, learning_rate)
        report = new_report(config.epochs)
        order, steps = torch.empty(rollout.rewards.numel(), dtype=torch.int64), adam.steps
        for epoch in range(config.epochs):
            draw_order(generator, config, order)
            adam.steps = learning.take_epoch(
                self._sizes, learner, samples, order.numpy(), epoch, config.minibatch_size,
                adam.steps, loss, step, RATIO_LOW, RATIO_HIGH, report, self._two_threads,
            )  # fmt: skip
            if config.target_kl is not None and report.divergences[epoch] > config.target_kl:
                break
        taken, epochs = adam.steps - steps, epoch + 1
        return readable_report(report, explained, epochs, epochs * len(order), taken), returns

    def warm_up(
        self,
        config: PPOConfig,
        environment: Environment | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Load the machine code, or compile what is not on disk yet; return how many were not.

        Args:
            config: of the run, for the types.
            environment: whose kernels are wanted too, if it is a compiled one.
            progress: called before each compilation with what it is for, how many are done and
                how many there are; not called at all where everything is on disk.
        """
        jobs = self._jobs(config, environment)
        cold = [not is_on_disk(kernel, *arguments) for _, kernel, arguments in jobs]
        done = 0
        for (label, kernel, arguments), is_cold in zip(jobs, cold, strict=True):
            if is_cold and progress is not None:
                progress(f"compiling {label}", done, sum(cold))
            done += is_cold
            kernel(*arguments)
        return done

    def _fetch_weights(self) -> None:
        learning.pad_both(self._sizes, self._vector, self._weights)

    def _collect_stepwise(
        self,
        rollout: Rollout,
        steps: rollouts.Steps,
        environment: Environment,
        chance: Float32,
        gamma: float,
    ) -> list[Finished]:
        sizes, weights, value = self._sizes, self._weights, np.empty(1, np.float32)
        shaped = rollout.actions.numpy()  # as the environment wants them
        masks = None if rollout.masks is None else rollout.masks.numpy()
        finished: list[Finished] = []
        # Row by row through all arrays at once: indexing each of them costs as much as acting.
        rows = zip(zip(*steps[:-1], strict=True), shaped, chance, strict=True)
        for t, (row, chosen, luck) in enumerate(rows):
            observations, actions, log_probs, rewards, dones, values = row
            observations[:] = environment.observations
            allowed = None
            if masks is not None:
                allowed = masks[t]
                allowed[:] = environment.masks
            acting.act(sizes, weights, observations, allowed, luck, actions, log_probs, values)
            environment.step(chosen)
            rewards[:], dones[:] = environment.rewards, environment.dones
            for episode in environment.finished:
                if episode.truncated:
                    acting.judge(sizes, weights, episode.final_observation[None], value)
                    rewards[episode.environment] += gamma * value[0]
                finished.append(episode)
        acting.judge(sizes, weights, environment.observations, steps.last_values)
        return finished

    def _jobs(self, config: PPOConfig, environment: Environment | None) -> list[Job]:
        """Every kernel with arguments of the right types, on memory of their own."""
        sizes = self._sizes
        twin = environment.twin() if isinstance(environment, CompiledEnvironment) else None
        copies = 1 if twin is None else len(twin)
        rollout = self._small_rollout(copies, environment)
        steps = steps_of(rollout)
        weights, vector = np.zeros_like(self._weights), np.zeros_like(self._vector)
        chance, gamma = np.zeros(steps.actions.shape, np.float32), np.float32(0.0)
        samples = flat_samples(rollout, rollout.values, rollout.values)
        masks = None if rollout.masks is None else rollout.masks.numpy()[0]
        jobs: list[Job] = [
            ("the weights' layout", learning.pad_both, (sizes, vector, weights)),
            ("acting", acting.act, (
                sizes, weights, steps.observations[0], masks, chance[0], steps.actions[0],
                steps.log_probs[0], steps.values[0],
            )),
            ("the critic", acting.judge, (
                sizes, weights, steps.observations[0], steps.values[0],
            )),
            ("advantages", acting.estimate_advantages, (
                steps.rewards, steps.values, steps.dones, steps.last_values, gamma, gamma,
                np.zeros_like(steps.values), np.zeros_like(steps.values),
            )),
            ("the update", learning.take_epoch, (
                sizes, Learner(*(np.zeros_like(vector) for _ in range(4))), samples,
                np.array([0, 1]), 0, 2, 0, loss_settings(config), step_settings(config, 0.0),
                RATIO_LOW, RATIO_HIGH, new_report(1), self._two_threads,
            )),
        ]  # fmt: skip
        if twin is not None:
            cart, grid = _rules(twin)
            jobs.append(("the environment", rollouts.rollout, (
                sizes, weights, twin.copies, cart, grid, chance, 0.0, steps,
                new_ended(2 * copies, sizes.inputs), shared(self._two_threads, copies),
            )))  # fmt: skip
        return jobs

    def _small_rollout(self, copies: int, environment: Environment | None) -> Rollout:
        """Two steps of what this policy's rollouts hold."""
        sizes = self._sizes
        width = sizes.log_stds if sizes.options is None else len(sizes.options)
        kind = torch.float32 if sizes.options is None else torch.int64
        masked = environment is not None and environment.masks is not None
        return dataclasses.replace(
            Rollout.small(2, copies, sizes.inputs),
            actions=torch.zeros((2, copies, width), dtype=kind),
            masks=torch.ones((2, copies, sizes.outputs), dtype=torch.bool) if masked else None,
        )


def sizes_of(model: ActorCritic) -> Sizes:
    """The sizes of a model's networks, and what its outputs mean."""
    assert isinstance(model.actor, MLP)
    first, outputs = model.actor.first, model.actor.output.out_features
    distribution = model.distribution
    options = None
    if isinstance(distribution, Categorical):
        options = np.array([outputs])
    if isinstance(distribution, MultiCategorical):
        options = np.array(distribution.counts)
    log_stds = 0 if model.log_std is None else model.log_std.numel()
    return Sizes(first.in_features, first.out_features, outputs, options, log_stds)


def rollout_compiled(
    sizes: Sizes, weights: Float32, steps: rollouts.Steps, environment: CompiledEnvironment,
    uniforms: Float32, gamma: float, two_threads: bool | None = None,
) -> list[Finished]:  # fmt: skip
    """Fill a rollout from a compiled environment in one call.

    Args:
        sizes: of the networks.
        weights: both networks, padded.
        steps: the rollout to be filled.
        environment: goes on from where it is.
        uniforms: [time, environments, choices], chance for the actions.
        gamma: discount per step.
        two_threads: True to let a second one take half of the copies, where that pays.

    Returns:
        The episodes that ended, in order of time.
    """
    cart, grid = _rules(environment)
    ended = new_ended(steps.rewards.size, sizes.inputs)
    counts = rollouts.rollout(
        sizes, weights, environment.copies, cart, grid, uniforms, float(gamma), steps, ended,
        shared(two_threads, len(environment)),
    )  # fmt: skip
    places: Any = slice(counts[0])
    if counts[1]:  # each half tells its own episodes in order of time
        middle = rollouts.middle_of(len(environment)) * len(steps.rewards)
        places = np.r_[: counts[0], middle : middle + counts[1]]
        places = places[np.lexsort((ended.environments[places], ended.times[places]))]
    rows = zip(*(array[places].tolist() for array in ended[1:5]), strict=True)
    return [
        Finished(i, episode_return, length, truncated, final)
        for (i, episode_return, length, truncated), final in zip(
            rows, ended.final_observations[places], strict=True
        )
    ]


def shared(two_threads: bool | None, copies: int) -> bool | None:
    """Whether two threads pay for a rollout of so many copies too."""
    return two_threads if copies >= SMALLEST_SHARED_ROLLOUT else None


def _rules(environment: CompiledEnvironment) -> tuple[Any, Any]:
    if isinstance(environment, CartPole):
        return environment.rules, None
    if isinstance(environment, GridWorld):
        return None, environment.rules
    raise TypeError(f"no compiled rollout for {type(environment).__name__}")
