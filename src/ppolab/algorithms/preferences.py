"""Learning from comparisons: how likely it is that one answer is preferred to another.

All of it rests on one idea: an answer has a hidden worth r, people choose by worth plus chance, and
only differences of worth can ever be seen. Adding a constant to every r changes nothing.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 – the field's own abbreviation
from torch import Tensor


def preference_probability(chosen: Tensor, rejected: Tensor) -> Tensor:
    r"""Probability that the first of two answers is preferred, by their worths.

    $$P(a \succ b) = \sigma(r_a - r_b)$$

    Args:
        chosen: any shape, r_a, reward units (nats of preference).
        rejected: the same shape, r_b.

    Returns:
        The same shape, in (0, 1).

    Source: Bradley and Terry (1952), "Rank analysis of incomplete block designs".
    """
    return torch.sigmoid(chosen - rejected)


def bradley_terry_loss(
    chosen: Tensor,
    rejected: Tensor,
    margin: Tensor | float = 0.0,
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""Negative log-likelihood of the choices that were made.

    $$\ell = -(1 - \varepsilon) \log \sigma(\Delta) - \varepsilon \log \sigma(-\Delta), \qquad
      \Delta = r_\text{chosen} - r_\text{rejected} - m$$

    A margin asks for a larger difference where raters were sure. Smoothing says that a share ε of
    the labels is wrong, so that no difference is ever large enough to be certain; without it a
    pair that can be told apart drives the difference to infinity.

    Args:
        chosen: [pairs], worth of the preferred answers, with gradient.
        rejected: [pairs], worth of the others, with gradient.
        margin: m ≥ 0, one for all or [pairs], reward units.
        label_smoothing: ε in [0, 0.5).

    Returns:
        [pairs], nats.

    Raises:
        ValueError: shapes that differ, or a smoothing outside [0, 0.5).

    Source: Stiennon et al. (2020), "Learning to summarize from human feedback", eq. 1; margin:
    Touvron et al. (2023), "Llama 2", eq. 2; smoothing: Mitchell (2023), "A note on DPO with noisy
    preferences".
    """
    _require_pairs(chosen, rejected)
    _require_smoothing(label_smoothing)
    difference = chosen - rejected - margin
    right, wrong = F.softplus(-difference), F.softplus(difference)
    return (1.0 - label_smoothing) * right + label_smoothing * wrong


def davidson_probabilities(first: Tensor, second: Tensor, log_tie: Tensor) -> Tensor:
    r"""How likely each answer is to be preferred, and how likely a tie is called.

    $$\bigl(e^{r_a},\; e^{r_b},\; \nu\,e^{(r_a + r_b)/2}\bigr) / Z$$

    Args:
        first: [pairs], r_a.
        second: [pairs], r_b.
        log_tie: [], log ν.

    Returns:
        [pairs, 3], probabilities of the first, the second and a tie.

    Raises:
        ValueError: shapes that differ.

    Source: Davidson (1970), eq. 3.
    """
    _require_pairs(first, second)
    return torch.stack([first, second, 0.5 * (first + second) + log_tie], dim=1).softmax(1)


def davidson_loss(first: Tensor, second: Tensor, outcomes: Tensor, log_tie: Tensor) -> Tensor:
    r"""Negative log-likelihood where raters may also call it a tie.

    $$P(a \succ b) = \frac{e^{r_a}}{Z}, \quad P(a \sim b) = \frac{\nu\,e^{(r_a + r_b)/2}}{Z}, \quad
      Z = e^{r_a} + e^{r_b} + \nu\,e^{(r_a + r_b)/2}$$

    A tie then says that the two are of much the same worth. ν → 0 gives Bradley–Terry.

    Args:
        first: [pairs], r_a, with gradient.
        second: [pairs], r_b, with gradient.
        outcomes: [pairs] int64: 0 the first was preferred, 1 the second, 2 a tie.
        log_tie: [], log ν, may be learnt.

    Returns:
        [pairs], nats.

    Raises:
        ValueError: shapes that differ.

    Source: Davidson (1970), "On extending the Bradley–Terry model to accommodate ties", eq. 3.
    """
    _require_pairs(first, second)
    logits = torch.stack([first, second, 0.5 * (first + second) + log_tie], dim=1)
    return F.cross_entropy(logits, outcomes, reduction="none")


def all_pairs_loss(ranked: Tensor, label_smoothing: float = 0.0) -> Tensor:
    r"""Bradley–Terry over every pair of a ranking.

    $$\ell = -\binom{K}{2}^{-1} \sum_{i < j} \log \sigma(r_i - r_j)$$

    All pairs of one prompt count as one example: spread over several batches, each answer would be
    read K − 1 times in an epoch, and the model overfits.

    Args:
        ranked: [rankings, K], worths from best to worst, with gradient; K ≥ 2.
        label_smoothing: ε in [0, 0.5).

    Returns:
        [rankings], nats.

    Raises:
        ValueError: fewer than two answers, or a smoothing outside [0, 0.5).

    Source: Ouyang et al. (2022), "Training language models to follow instructions with human
    feedback", eq. 1.
    """
    _require_ranking(ranked)
    _require_smoothing(label_smoothing)
    better, worse = torch.triu_indices(ranked.shape[1], ranked.shape[1], offset=1)
    difference = ranked[:, better] - ranked[:, worse]
    right, wrong = F.softplus(-difference), F.softplus(difference)
    return ((1.0 - label_smoothing) * right + label_smoothing * wrong).mean(1)


def plackett_luce_loss(ranked: Tensor) -> Tensor:
    r"""Negative log-likelihood of a whole ranking: the best is chosen, then the best of the rest.

    $$\ell = -\sum_{k=1}^{K-1} \Bigl(r_k - \log \sum_{j \ge k} e^{r_j}\Bigr)$$

    With two answers it is the Bradley–Terry loss.

    Args:
        ranked: [rankings, K], worths from best to worst, with gradient; K ≥ 2.

    Returns:
        [rankings], nats.

    Raises:
        ValueError: fewer than two answers.

    Source: Plackett (1975), "The analysis of permutations"; Luce (1959).
    """
    _require_ranking(ranked)
    remaining = ranked.flip(1).logcumsumexp(1).flip(1)  # log Σ_{j ≥ k} e^{r_j}
    return (remaining - ranked)[:, :-1].sum(1)


def contrastive_loss(first: Tensor, second: Tensor, temperature: float = 0.05) -> Tensor:
    r"""Pull two views of the same text together, and away from the other texts of the batch.

    $$\ell_i = -\log \frac{e^{\cos(h_i, h_i')/\tau}}{\sum_j e^{\cos(h_i, h_j')/\tau}}$$

    Added to a reward model's loss it keeps its hidden states apart from each other, so that small
    differences between answers stay visible.

    Args:
        first: [texts, width], hidden states, with gradient.
        second: [texts, width], the same texts seen otherwise, such as through other dropout.
        temperature: τ > 0.

    Returns:
        [texts], nats.

    Raises:
        ValueError: shapes that differ.

    Source: Gao et al. (2021), "SimCSE", eq. 1; for reward models Wang et al. (2024), "Secrets of
    RLHF in large language models, part II", §3.
    """
    _require_pairs(first, second)
    similar = F.normalize(first, dim=1) @ F.normalize(second, dim=1).t() / temperature
    return F.cross_entropy(similar, torch.arange(len(first), device=first.device), reduction="none")


def dpo_loss(
    chosen: Tensor,
    rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
    beta: float,
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""Direct preference optimisation: Bradley–Terry on the reward that a policy implies.

    $$\hat r(y) = \beta \log \frac{\pi_\theta(y \mid x)}{\pi_\text{ref}(y \mid x)}, \qquad
      \ell = -\log \sigma(\hat r_\text{chosen} - \hat r_\text{rejected})$$

    The policy that solves the KL-regularised problem can be written down for any reward; solved for
    the reward, it turns the preference loss into a loss of the policy, with no reward model and
    no sampling.

    Args:
        chosen: [pairs], log π_θ of the preferred responses, summed over tokens, with gradient.
        rejected: [pairs], of the others.
        reference_chosen: [pairs], log π_ref of the preferred responses.
        reference_rejected: [pairs], of the others.
        beta: β > 0, the price of leaving the reference.
        label_smoothing: ε in [0, 0.5), the share of labels taken to be wrong.

    Returns:
        [pairs], nats.

    Raises:
        ValueError: shapes that differ, or a smoothing outside [0, 0.5).

    Source: Rafailov et al. (2023), "Direct preference optimization", eq. 7.
    """
    return bradley_terry_loss(
        beta * (chosen - reference_chosen),
        beta * (rejected - reference_rejected),
        label_smoothing=label_smoothing,
    )


def _require_pairs(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape:
        raise ValueError(
            f"the two sides of the pairs have shapes {tuple(first.shape)} and "
            f"{tuple(second.shape)}: they must be equal"
        )


def _require_ranking(ranked: Tensor) -> None:
    if ranked.ndim != 2 or ranked.shape[1] < 2:
        raise ValueError(
            f"ranked has shape {tuple(ranked.shape)}: [rankings, K] with K of at least 2 is needed"
        )


def _require_smoothing(label_smoothing: float) -> None:
    if not 0 <= label_smoothing < 0.5:
        raise ValueError(f"label_smoothing {label_smoothing} must lie in [0, 0.5)")
