# caught_by: inputs-untouched
# misconception: A tensor that was passed in is mine to reuse.
import torch


def dual_clip_loss(log_probs, old_log_probs, advantages, mask, clip_range, dual_clip):
    """PPO's clipped objective with a floor for bad actions, as a mean over real tokens."""
    advantages *= mask
    log_ratio = torch.where(mask, log_probs - old_log_probs, torch.zeros_like(log_probs))
    ratio = log_ratio.exp()
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    objective = torch.minimum(ratio * advantages, clipped * advantages)
    floored = torch.maximum(objective, dual_clip * advantages)
    objective = torch.where(advantages < 0, floored, objective)
    return -(objective * mask).sum() / mask.sum()
