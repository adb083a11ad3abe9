"""Bound the ratio instead of the product, differently for each sign of the advantage."""

import torch


def dual_clip_loss(log_probs, old_log_probs, advantages, mask, clip_range, dual_clip):
    ratio = torch.exp((log_probs - old_log_probs)[mask])
    advantage = advantages[mask]
    good = ratio.clamp(max=1 + clip_range)
    bad = ratio.clamp(1 - clip_range, dual_clip)
    return -(torch.where(advantage >= 0, good, bad) * advantage).mean()
