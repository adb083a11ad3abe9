# caught_by: inputs-untouched
# misconception: A tensor that was passed in is mine to reuse.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    old_log_probs.copy_(log_probs.detach())
    return -torch.minimum(ratio * advantages, clipped).mean()
