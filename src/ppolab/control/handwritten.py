r"""One minibatch step of PPO by hand: every gradient derived on paper, in plain NumPy.

Autograd makes this module superfluous; reading it makes autograd believable. It computes what
`ppolab.control.update` computes for a minibatch, with `sum`, `@` and `exp`, and it is what
`ppolab.control.compiled` does tile by tile. From the bottom up:

1. `forward` and `backward`: a network with two tanh layers, and the chain rule through it.
2. `pull`: how the clipped objective changes with an action's log-probability.
3. `choice_slopes` and `normal_slopes`: from there to what the actor puts out, which is a logit for
   each choice, or the mean of a normal distribution for each number of an action; and the entropy.
4. `value_slope`: how the value loss changes with the value.
5. `minibatch_gradient`: both networks together.
6. `shorten` and `adam`: from a gradient to a step.

Shapes: a batch is [batch, …], a weight is [outputs, inputs] as torch keeps it. Everything works in
the precision of its arguments, float32 or float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppolab.control.config import PPOConfig
from ppolab.control.distributions import LOG_2PI
from ppolab.control.networks import MASKED, MLP

Floats = NDArray[np.floating]
Int64 = NDArray[np.int64]


class Network(NamedTuple):
    """The weights of a network with two tanh layers, or the loss's slope along each of them."""

    first: Floats  # [hidden, inputs]
    first_bias: Floats  # [hidden]
    second: Floats  # [hidden, hidden]
    second_bias: Floats  # [hidden]
    output: Floats  # [outputs, hidden]
    output_bias: Floats  # [outputs]

    @classmethod
    def of(cls, module: MLP) -> Network:
        """See a module's weights as NumPy arrays; memory is shared."""
        return cls(*(parameter.detach().numpy() for parameter in module.parameters()))


class Activations(NamedTuple):
    """What the forward pass must remember for the backward pass."""

    inputs: Floats  # [batch, inputs]
    first: Floats  # [batch, hidden]
    second: Floats  # [batch, hidden]
    output: Floats  # [batch, outputs]


@dataclass(frozen=True)
class Minibatch:
    """Samples of a rollout, drawn for one gradient step."""

    observations: Floats  # [batch, observation]
    actions: NDArray[Any]  # [batch] int64 choices, or [batch, numbers]
    log_probs: Floats  # [batch], nats, of the policy that acted
    values: Floats  # [batch], of the critic that acted
    advantages: Floats  # [batch], not normalised yet
    returns: Floats  # [batch]
    masks: NDArray[np.bool_] | None = None  # [batch, logits], False for forbidden choices


class Gradient(NamedTuple):
    """The gradient of the whole loss, and the losses it belongs to."""

    actor: Network
    critic: Network
    policy_loss: float
    value_loss: float
    entropy: float  # nats
    ratios: Floats  # [batch]
    log_std: Floats | None = None  # [numbers], where actions are numbers


class PolicySlopes(NamedTuple):
    """How the policy's part of the loss changes with what the actor puts out, and with log σ."""

    output: Floats  # [batch, outputs]
    ratios: Floats  # [batch]
    entropy: float  # nats, mean of the batch
    log_std: Floats | None = None  # [numbers]


def forward(network: Network, inputs: Floats) -> Activations:
    r"""Run inputs [batch, inputs] through the network.

    $$h_1 = \tanh(x W_1^\top + b_1), \quad h_2 = \tanh(h_1 W_2^\top + b_2), \quad
      y = h_2 W_3^\top + b_3$$
    """
    first = np.tanh(inputs @ network.first.T + network.first_bias)
    second = np.tanh(first @ network.second.T + network.second_bias)
    return Activations(inputs, first, second, second @ network.output.T + network.output_bias)


def backward(network: Network, seen: Activations, output_slope: Floats) -> Network:
    r"""Carry the loss's slope at the output back to every weight.

    Write δ for the slope of the loss along what enters a layer's tanh, one row per sample. The
    output has no tanh, so δ₃ = ∂L/∂y. Two rules do the rest. A weight multiplies an activation, so
    its slope is the product of δ and that activation, summed over the samples; a bias multiplies 1:

    $$\frac{\partial L}{\partial W_l} = \delta_l^\top h_{l-1}, \qquad
      \frac{\partial L}{\partial b_l} = \sum_\text{batch} \delta_l, \qquad h_0 = x$$

    And a δ passes down through the weights it came up through, then through tanh, whose slope at
    z is 1 − tanh² z:

    $$\delta_{l-1} = (\delta_l W_l) \odot (1 - h_{l-1}^2)$$

    Args:
        network: the weights.
        seen: of the forward pass.
        output_slope: [batch, outputs], ∂L/∂y.
    """
    second_slope = (output_slope @ network.output) * (1.0 - seen.second**2)
    first_slope = (second_slope @ network.second) * (1.0 - seen.first**2)
    return Network(
        first=first_slope.T @ seen.inputs,
        first_bias=first_slope.sum(axis=0),
        second=second_slope.T @ seen.first,
        second_bias=second_slope.sum(axis=0),
        output=output_slope.T @ seen.second,
        output_bias=output_slope.sum(axis=0),
    )


def log_softmax(logits: Floats) -> Floats:
    r"""Logarithms of the probabilities: $\log p_k = z_k - \log \sum_j e^{z_j}$, row by row.

    The largest logit is taken out first, or its exponential could be infinite.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    normalised: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised


def pull(ratios: Floats, advantages: Floats, clip_range: float) -> Floats:
    r"""How one sample's clipped objective changes with the log-probability of its action, [batch].

    A sample's loss is −min(rA, clip(r)A), and r = exp(log p − log p_old). Of the two in the minimum
    the smaller one counts. If that is rA, the slope along r is −A, and because dr = r d log p, the
    slope along log p is −rA. If it is clip(r)A, r stands at an end of its range and nothing moves:
    0. What the distribution is does not matter so far.

    Args:
        ratios: [batch], r.
        advantages: [batch], normalised if they are to be.
        clip_range: ε.
    """
    unclipped = ratios * advantages
    clipped = np.clip(ratios, 1.0 - clip_range, 1.0 + clip_range) * advantages
    slopes: Floats = np.where(unclipped <= clipped, -unclipped, 0.0)
    return slopes


def choice_slopes(
    logits: Floats, actions: Int64, old_log_probs: Floats, advantages: Floats,
    clip_range: float, entropy_coef: float,
) -> PolicySlopes:  # fmt: skip
    r"""How the policy's part of the loss changes with each logit.

    **The softmax.** Raising logit k raises log p_a by 1 if k is the action taken, and lowers it by
    p_k through the sum in the denominator:

    $$\frac{\partial \log p_a}{\partial z_k} = \mathbb 1[k = a] - p_k$$

    **The entropy** H = −Σ p log p enters the loss as −c H. From dp_j/dz_k = p_j(1[j=k] − p_k):

    $$\frac{\partial H}{\partial z_k} = -\sum_j \frac{\partial p_j}{\partial z_k}(\log p_j + 1)
        = -p_k(\log p_k + H)$$

    A logit above average, log p_k > −H, is pushed down by the bonus; the slopes add up to 0. A
    forbidden choice has p_k = 0, so both slopes are 0: nothing is learned about it.

    The loss is a mean, so all is divided by the number of samples.

    Args:
        logits: [batch, choices]; `MASKED` where a choice is forbidden.
        actions: [batch], the choices made.
        old_log_probs: [batch], nats.
        advantages: [batch], normalised if they are to be.
        clip_range: ε.
        entropy_coef: c.
    """
    batch, rows = len(actions), np.arange(len(actions))
    log_probs = log_softmax(logits)
    probabilities = np.exp(log_probs)
    ratios = np.exp(log_probs[rows, actions] - old_log_probs)

    taken = np.zeros_like(log_probs)
    taken[rows, actions] = 1.0
    entropy = -(probabilities * log_probs).sum(axis=1, keepdims=True)  # [batch, 1]
    slopes = pull(ratios, advantages, clip_range)[:, None] * (taken - probabilities)
    slopes += entropy_coef * probabilities * (log_probs + entropy)
    return PolicySlopes(slopes / batch, ratios, float(entropy.mean()))


def normal_slopes(
    means: Floats, log_std: Floats, actions: Floats, old_log_probs: Floats, advantages: Floats,
    clip_range: float, entropy_coef: float,
) -> PolicySlopes:  # fmt: skip
    r"""How the policy's part of the loss changes with each mean, and with each log σ.

    **The density.** An action is several numbers, each from a normal distribution of its own. With
    z = (a − μ) / σ, how many standard deviations the number lies from its mean,

    $$\log p(a) = \sum_k \left[ -\tfrac12 z_k^2 - \log\sigma_k - \tfrac12 \log 2\pi \right]$$

    and because dz/dμ = −1/σ and dz/d log σ = −z:

    $$\frac{\partial \log p}{\partial \mu_k} = \frac{z_k}{\sigma_k}, \qquad
      \frac{\partial \log p}{\partial \log\sigma_k} = z_k^2 - 1$$

    A good action pulls the mean towards itself. It widens the distribution if it was further out
    than one standard deviation, and narrows it if it was closer.

    **The entropy** is H = Σ (log σ + ½ log 2πe): the means do not matter to it, and along each
    log σ its slope is 1, so that the bonus widens all of them evenly.

    log σ is the same in every state. Its slope is therefore summed over the batch, as a bias's is.

    Args:
        means: [batch, numbers], μ.
        log_std: [numbers], log σ.
        actions: [batch, numbers], as they were drawn, before the environment clipped them.
        old_log_probs: [batch], nats.
        advantages: [batch], normalised if they are to be.
        clip_range: ε.
        entropy_coef: c.
    """
    z = (actions - means) * np.exp(-log_std)  # [batch, numbers]
    log_probs = (-0.5 * z**2 - log_std - 0.5 * LOG_2PI).sum(axis=1)
    ratios = np.exp(log_probs - old_log_probs)
    entropy = (log_std + 0.5 * (1.0 + LOG_2PI)).sum()

    pulls = pull(ratios, advantages, clip_range)[:, None] / len(means)
    return PolicySlopes(
        output=pulls * z * np.exp(-log_std),
        ratios=ratios,
        entropy=float(entropy),
        log_std=(pulls * (z**2 - 1.0)).sum(axis=0) - log_std.dtype.type(entropy_coef),
    )


def value_slope(
    values: Floats, old_values: Floats, returns: Floats, clip_range: float | None, coef: float
) -> tuple[Floats, float]:
    r"""How the value loss changes with each value [batch, 1], and the loss itself.

    Plain: ½(V − R)² has slope V − R. Clipped, the larger of two squares counts. If it is the plain
    one, nothing changes. If it is that of the clipped value, V itself matters only while it lies
    within ±ε of the old value; outside, the slope is 0.

    Args:
        values: [batch], reward units.
        old_values: [batch], of the critic that acted.
        returns: [batch], what the critic should have said.
        clip_range: ε in reward units, or None.
        coef: the weight of the value loss in the whole.
    """
    errors = values - returns
    slopes, squares = errors, errors**2
    if clip_range is not None:
        moved = values - old_values
        clipped_errors = old_values + np.clip(moved, -clip_range, clip_range) - returns
        clipped_counts = clipped_errors**2 > squares
        inside = np.abs(moved) <= clip_range
        slopes = np.where(clipped_counts, np.where(inside, clipped_errors, 0.0), errors)
        squares = np.maximum(squares, clipped_errors**2)
    return coef * slopes[:, None] / len(values), float(0.5 * squares.mean())


def minibatch_gradient(
    actor: Network,
    critic: Network,
    batch: Minibatch,
    config: PPOConfig,
    log_std: Floats | None = None,
) -> Gradient:
    """The gradient of policy loss − c₂ · entropy + c₁ · value loss along every weight.

    Args:
        actor: puts out logits or means.
        critic: puts out the value.
        batch: the samples.
        config: the settings of the loss.
        log_std: [numbers], log σ, where actions are numbers; None where they are choices.
    """
    advantages = batch.advantages
    if config.normalize_advantages:
        advantages = advantages - advantages.mean()
        if len(advantages) > 1:
            advantages = advantages / (advantages.std(ddof=1) + 1e-8)

    seen = forward(actor, batch.observations)
    settings = (batch.log_probs, advantages, config.clip_range, config.entropy_coef)
    if log_std is not None:
        policy = normal_slopes(seen.output, log_std, batch.actions, *settings)
    else:
        output = seen.output
        logits = output if batch.masks is None else np.where(batch.masks, output, MASKED)
        policy = choice_slopes(logits, batch.actions, *settings)

    judged = forward(critic, batch.observations)
    output_slope, value_loss = value_slope(
        judged.output[:, 0], batch.values, batch.returns, config.value_clip_range,
        config.value_coef,
    )  # fmt: skip

    ratios = policy.ratios
    clipped = np.clip(ratios, 1.0 - config.clip_range, 1.0 + config.clip_range)
    return Gradient(
        actor=backward(actor, seen, policy.output),
        critic=backward(critic, judged, output_slope),
        policy_loss=float(-np.minimum(ratios * advantages, clipped * advantages).mean()),
        value_loss=value_loss,
        entropy=policy.entropy,
        ratios=ratios,
        log_std=policy.log_std,
    )


def shorten(gradient: Floats, max_norm: float) -> float:
    """Scale a gradient in place to at most `max_norm`; return its length before.

    One length over all weights of both networks, so the direction stays what it was.
    """
    norm = float(np.sqrt((gradient**2).sum()))
    gradient *= min(1.0, max_norm / (norm + 1e-6))
    return norm


def adam(
    weights: Floats, gradient: Floats, mean: Floats, square: Floats, steps: int,
    learning_rate: float, epsilon: float, keep_mean: float = 0.9, keep_square: float = 0.999,
) -> None:  # fmt: skip
    r"""Take the `steps`-th step of Adam (the first is 1), changing weights, mean and square.

    $$m \gets \beta_1 m + (1 - \beta_1) g, \qquad v \gets \beta_2 v + (1 - \beta_2) g^2, \qquad
      \theta \gets \theta - \eta\,\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} +
      \epsilon}$$

    Both means begin at 0 and are too small at first; the divisions by 1 − βᵗ make up for that.

    Source: Kingma & Ba (2015), "Adam: a method for stochastic optimization", algorithm 1.
    """
    mean += (1.0 - keep_mean) * (gradient - mean)
    square += (1.0 - keep_square) * (gradient**2 - square)
    unbiased_mean = mean / (1.0 - keep_mean**steps)
    unbiased_square = square / (1.0 - keep_square**steps)
    weights -= learning_rate * unbiased_mean / (np.sqrt(unbiased_square) + epsilon)
