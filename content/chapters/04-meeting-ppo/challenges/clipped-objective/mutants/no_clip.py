# caught_by: negative-advantage
# misconception: The importance-weighted policy gradient is already PPO.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return -(ratio * advantages).mean()
