"""Losses instead of objectives: the larger of the two losses, as many code bases write it."""

import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    losses = -advantages * ratio
    clipped_losses = -advantages * ratio.clamp(1.0 - clip_range, 1.0 + clip_range)
    return torch.max(losses, clipped_losses).mean()
