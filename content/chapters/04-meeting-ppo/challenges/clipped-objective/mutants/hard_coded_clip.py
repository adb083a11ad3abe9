# caught_by: clip-range
# misconception: ε is 0.2.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 0.8, 1.2) * advantages
    return -torch.minimum(ratio * advantages, clipped).mean()
