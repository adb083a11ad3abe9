import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    """PPO's clipped objective as a loss: one number, to be made small."""
    ratio = torch.exp(log_probs - old_log_probs)
    unclipped = ratio * advantages
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    return -torch.minimum(unclipped, clipped).mean()
