import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    """PPO's clipped objective as a loss: one number, to be made small."""
    # Your code here.
