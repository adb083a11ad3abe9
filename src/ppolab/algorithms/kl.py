"""How far two policies lie apart: estimators of KL divergence, and controllers that steer by it.

Three divergences are easily mixed up. KL to the *old* policy tells how far one update went. KL to
the *reference* policy tells how far fine-tuning went altogether. And KL(p‖q) is not KL(q‖p): the
samples must come from the first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor


def kl_k1(log_ratio: Tensor) -> Tensor:
    r"""Estimate KL(p ‖ q) per sample of p by the plain log-ratio.

    $$k_1 = -\log r, \qquad r = q(x)/p(x)$$

    Unbiased, but single samples may be negative and the variance is high.

    Args:
        log_ratio: any shape, log q(x) − log p(x) for samples x of p, nats.

    Returns:
        The same shape, nats.

    Source: Schulman (2020), "Approximating KL divergence".
    """
    return -log_ratio


def kl_k2(log_ratio: Tensor) -> Tensor:
    r"""Estimate KL(p ‖ q) per sample of p by half the squared log-ratio.

    $$k_2 = \tfrac12 (\log r)^2$$

    Never negative and of low variance, but biased; the bias vanishes as q approaches p, and its
    gradient with respect to q has the right expectation.

    Args:
        log_ratio: any shape, log q(x) − log p(x) for samples x of p, nats.

    Returns:
        The same shape, nats.

    Source: Schulman (2020).
    """
    return 0.5 * log_ratio.square()


def kl_k3(log_ratio: Tensor) -> Tensor:
    r"""Estimate KL(p ‖ q) per sample of p by the log-ratio with a control variate.

    $$k_3 = (r - 1) - \log r$$

    Unbiased and never negative. Differentiated with respect to q it gives the gradient of
    KL(p ‖ q); differentiated with respect to p, through the samples' log-probabilities alone, it
    does not.

    Args:
        log_ratio: any shape, log q(x) − log p(x) for samples x of p, nats.

    Returns:
        The same shape, nats.

    Source: Schulman (2020).
    """
    return torch.expm1(log_ratio) - log_ratio


def kl_full(log_probs_p: Tensor, log_probs_q: Tensor) -> Tensor:
    r"""KL(p ‖ q) of categorical distributions, exactly.

    $$\sum_a p(a)\,\bigl(\log p(a) - \log q(a)\bigr)$$

    An action that p never takes (log-probability −∞) adds nothing, whatever q thinks of it.

    Args:
        log_probs_p: [..., actions], normalised log-probabilities, nats.
        log_probs_q: [..., actions], normalised log-probabilities, nats.

    Returns:
        [...], nats.
    """
    p = log_probs_p.exp()
    terms = p * (log_probs_p - log_probs_q)
    return torch.where(p > 0, terms, torch.zeros_like(terms)).sum(-1)


@dataclass(frozen=True)
class FixedKL:
    """A KL coefficient that never changes."""

    coefficient: float

    def updated(self, observed_kl: float, samples: int) -> FixedKL:
        """Return the controller after an update, which is this one."""
        return self


@dataclass(frozen=True)
class AdaptiveKL:
    r"""A proportional controller in log space that holds the KL near a target.

    $$e = \mathrm{clip}\left(\frac{\mathrm{KL}}{\mathrm{target}} - 1,\, -0.2,\, 0.2\right), \qquad
      \beta \leftarrow \beta \left(1 + \frac{n}{\mathrm{horizon}}\, e\right)$$

    Source: Ziegler et al. (2019), "Fine-tuning language models from human preferences", §2.2.
    """

    coefficient: float  # β
    target: float  # nats
    horizon: int  # samples after which a lasting error of 1 has its full effect

    def updated(self, observed_kl: float, samples: int) -> AdaptiveKL:
        """Return the controller after `samples` were seen at a mean KL of `observed_kl` nats.

        A KL that is not finite leaves the coefficient as it is: the run has other troubles then.
        """
        if not math.isfinite(observed_kl):
            return self
        error = min(max(observed_kl / self.target - 1.0, -0.2), 0.2)
        return replace(self, coefficient=self.coefficient * (1.0 + error * samples / self.horizon))


@dataclass(frozen=True)
class DoublingKL:
    r"""The original rule of PPO's penalty variant: halve or double outside a factor of 1.5.

    $$\mathrm{KL} < \mathrm{target}/1.5 \Rightarrow \beta \leftarrow \beta/2, \qquad
      \mathrm{KL} > 1.5\,\mathrm{target} \Rightarrow \beta \leftarrow 2\beta$$

    Source: Schulman et al. (2017), §4.
    """

    coefficient: float  # β
    target: float  # nats

    def updated(self, observed_kl: float, samples: int = 0) -> DoublingKL:
        """Return the controller after an update at a mean KL of `observed_kl` nats."""
        if observed_kl < self.target / 1.5:
            return replace(self, coefficient=self.coefficient / 2)
        if observed_kl > self.target * 1.5:
            return replace(self, coefficient=self.coefficient * 2)
        return self


@dataclass(frozen=True)
class ScheduledKL:
    """A coefficient that moves in a straight line from one value to another, then stays."""

    initial: float
    final: float
    horizon: int  # samples
    seen: int = 0  # samples so far

    @property
    def coefficient(self) -> float:
        """The coefficient now."""
        share = min(self.seen / self.horizon, 1.0)
        return self.initial + (self.final - self.initial) * share

    def updated(self, observed_kl: float, samples: int) -> ScheduledKL:
        """Return the controller after `samples`; the KL does not matter to it."""
        return replace(self, seen=self.seen + samples)
