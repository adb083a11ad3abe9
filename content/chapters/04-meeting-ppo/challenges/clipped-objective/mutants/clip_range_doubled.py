# caught_by: positive-advantage
# misconception: The range is ε wide on each side of ε, or something like it.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1 - 2 * clip_range, 1 + 2 * clip_range) * advantages
    return -torch.minimum(ratio * advantages, clipped).mean()
