"""A whole PPO training as one program compiled by XLA. Started by the referee, in .venv-bench.

A peer written for the benchmark in the way PureJaxRL made known (Lu et al. 2022, "Discovered policy
optimisation", and its README): the environment is JAX too, and the training is a scan over updates,
each a scan over steps and a scan over minibatches, so that nothing returns to Python in between.
"""

from __future__ import annotations

import itertools
from functools import partial
from importlib.metadata import version
from typing import Any, NamedTuple

import gymnax
import jax
import jax.numpy as jnp
import optax
from compiling import serve_compiled

Network = list[tuple[jax.Array, jax.Array]]  # weights and biases, layer by layer


class Samples(NamedTuple):
    """Of a rollout [time, environments, …], or of a minibatch [batch, …]."""

    observations: jax.Array
    actions: jax.Array
    log_probs: jax.Array
    values: jax.Array
    rewards: jax.Array
    dones: jax.Array


def new_network(key: jax.Array, sizes: tuple[int, ...], output_gain: float) -> Network:
    layers = []
    for position, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        key, own = jax.random.split(key)
        gain = output_gain if position == len(sizes) - 2 else 2**0.5
        weights = jax.nn.initializers.orthogonal(gain)(own, (inputs, outputs))
        layers.append((weights, jnp.zeros(outputs)))
    return layers


def forward(network: Network, x: jax.Array) -> jax.Array:
    for weights, biases in network[:-1]:
        x = jnp.tanh(x @ weights + biases)
    weights, biases = network[-1]
    return x @ weights + biases


def loss(
    networks: dict[str, Network],
    batch: tuple[Samples, jax.Array, jax.Array],
    config: dict[str, Any],
) -> jax.Array:
    """Clipped objective, clipped value loss and entropy bonus of a minibatch."""
    samples, advantages, returns = batch
    everything = jax.nn.log_softmax(forward(networks["actor"], samples.observations))
    log_probs = jnp.take_along_axis(everything, samples.actions[:, None], 1)[:, 0]
    entropy = -(jnp.exp(everything) * everything).sum(1).mean()
    values = forward(networks["critic"], samples.observations)[:, 0]
    advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    ratio, clip = jnp.exp(log_probs - samples.log_probs), config["clip_range"]
    gain = jnp.minimum(ratio * advantages, jnp.clip(ratio, 1 - clip, 1 + clip) * advantages)
    most = config["value_clip_range"]
    near = samples.values + jnp.clip(values - samples.values, -most, most)
    wrong = 0.5 * jnp.maximum((values - returns) ** 2, (near - returns) ** 2).mean()
    return -gain.mean() + config["value_coef"] * wrong - config["entropy_coef"] * entropy


def advantages_of(rollout: Samples, last_values: jax.Array, config: dict[str, Any]) -> jax.Array:
    """Generalized advantages [time, environments]."""
    gamma, lambda_ = config["gamma"], config["gae_lambda"]

    def back(
        carry: tuple[jax.Array, jax.Array], now: tuple[jax.Array, ...]
    ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        advantage, next_value = carry
        reward, value, done = now
        delta = reward + gamma * next_value * (1 - done) - value
        advantage = delta + gamma * lambda_ * (1 - done) * advantage
        return (advantage, value), advantage

    start = (jnp.zeros_like(last_values), last_values)
    now = (rollout.rewards, rollout.values, rollout.dones)
    return jax.lax.scan(back, start, now, reverse=True, unroll=16)[1]


def make_training(config: dict[str, Any], steps: int) -> Any:
    """A function of a random key that trains and returns each update's mean length of episodes."""
    environment, parameters = gymnax.make("CartPole-v1")
    count, length = config["environments"], config["rollout_steps"]
    samples = count * length
    minibatches, updates = samples // config["minibatch_size"], steps // samples
    gradient_steps = updates * config["epochs"] * minibatches
    optimizer = optax.chain(
        optax.clip_by_global_norm(config["max_gradient_norm"]),
        optax.adam(
            optax.linear_schedule(config["learning_rate"], 0.0, gradient_steps),
            eps=config["adam_epsilon"],
        ),
    )
    reset = jax.vmap(environment.reset, (0, None))
    step = jax.vmap(environment.step, (0, 0, 0, None))

    def act(networks: Any, carry: Any, key: jax.Array) -> Any:
        state, observations = carry
        draw, move = jax.random.split(key)
        everything = jax.nn.log_softmax(forward(networks["actor"], observations))
        actions = jax.random.categorical(draw, everything)
        log_probs = jnp.take_along_axis(everything, actions[:, None], 1)[:, 0]
        values = forward(networks["critic"], observations)[:, 0]
        keys = jax.random.split(move, count)
        following, state, rewards, dones, _ = step(keys, state, actions, parameters)
        seen = Samples(observations, actions, log_probs, values, rewards, dones.astype(jnp.float32))
        return (state, following), seen

    def descend(carry: Any, batch: Any) -> Any:
        networks, moments = carry
        slopes = jax.grad(partial(loss, config=config))(networks, batch)
        changes, moments = optimizer.update(slopes, moments)
        return (optax.apply_updates(networks, changes), moments), None

    def epoch(flat: Any, carry: Any, key: jax.Array) -> Any:
        order = jax.random.permutation(key, samples).reshape(minibatches, -1)
        batches = jax.tree.map(lambda x: x[order], flat)
        return jax.lax.scan(descend, carry, batches)

    def update(carry: Any, key: jax.Array) -> Any:
        learned, world = carry
        acting, shuffling = jax.random.split(key)
        walk = partial(act, learned[0])
        world, rollout = jax.lax.scan(walk, world, jax.random.split(acting, length))
        last_values = forward(learned[0]["critic"], world[1])[:, 0]
        advantages = advantages_of(rollout, last_values, config)
        whole = (rollout, advantages, advantages + rollout.values)
        flat = jax.tree.map(lambda x: x.reshape(samples, *x.shape[2:]), whole)
        keys = jax.random.split(shuffling, config["epochs"])
        learned, _ = jax.lax.scan(partial(epoch, flat), learned, keys)
        lengths = samples / jnp.maximum(rollout.dones.sum(), 1.0)
        return (learned, world), lengths

    def train(key: jax.Array) -> jax.Array:
        actor, critic, begin, rest = jax.random.split(key, 4)
        hidden = config["hidden_size"]
        networks = {
            "actor": new_network(actor, (4, hidden, hidden, 2), 0.01),
            "critic": new_network(critic, (4, hidden, hidden, 1), 1.0),
        }
        observations, state = reset(jax.random.split(begin, count), parameters)
        carry = ((networks, optimizer.init(networks)), (state, observations))
        return jax.lax.scan(update, carry, jax.random.split(rest, updates))[1]

    return train


if __name__ == "__main__":
    serve_compiled({"gymnax": version("gymnax")}, make_training, lambda out: float(out[-1]))
