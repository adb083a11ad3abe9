# caught_by: negative-advantage
# misconception: A floor is the smaller of two.
import torch


def dual_clip_loss(log_probs, old_log_probs, advantages, mask, clip_range, dual_clip):
    """PPO's clipped objective with a floor for bad actions, as a mean over real tokens."""
    log_ratio = torch.where(mask, log_probs - old_log_probs, torch.zeros_like(log_probs))
    ratio = log_ratio.exp()
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    objective = torch.minimum(ratio * advantages, clipped * advantages)
    floored = torch.minimum(objective, dual_clip * advantages)
    objective = torch.where(advantages < 0, floored, objective)
    return -(objective * mask).sum() / mask.sum()
