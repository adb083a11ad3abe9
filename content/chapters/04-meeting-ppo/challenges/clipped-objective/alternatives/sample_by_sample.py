"""A plain loop over the samples, as one would do it by hand."""

import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    total = 0.0
    rows = zip(log_probs.flatten(), old_log_probs.flatten(), advantages.flatten())
    for log_prob, old_log_prob, advantage in rows:
        ratio = torch.exp(log_prob - old_log_prob)
        limit = (1 + clip_range) if advantage > 0 else (1 - clip_range)
        past_the_limit = ratio > limit if advantage > 0 else ratio < limit
        total = total + (limit * advantage if past_the_limit else ratio * advantage)
    return -total / log_probs.numel()
