import torch


def dual_clip_loss(log_probs, old_log_probs, advantages, mask, clip_range, dual_clip):
    """PPO's clipped objective with a floor for bad actions, as a mean over real tokens."""
    # Your code here.
