# caught_by: inside-range
# misconception: The ratio is old over new.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(old_log_probs - log_probs)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    return -torch.minimum(ratio * advantages, clipped).mean()
