# caught_by: positive-advantage
# misconception: The objective takes the better of the two terms; PPO is optimistic.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    return -torch.maximum(ratio * advantages, clipped).mean()
