"""The form min(r A, A + ε |A|), which is the same function."""

import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    ceiling = advantages + clip_range * advantages.abs()
    return -torch.min(ratio * advantages, ceiling).mean()
