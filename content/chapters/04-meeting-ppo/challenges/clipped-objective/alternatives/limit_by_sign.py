"""The minimum written out: each sign of the advantage has one end of the range that matters."""

import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = (log_probs - old_log_probs).exp()
    low = torch.full_like(ratio, 1 - clip_range)
    high = torch.full_like(ratio, 1 + clip_range)
    useful = torch.where(
        advantages >= 0, torch.minimum(ratio, high), torch.maximum(ratio, low)
    )
    return -(useful * advantages).mean()
