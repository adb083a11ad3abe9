# caught_by: positive-advantage
# misconception: The clip is a clamp of the ratio; the minimum is decoration.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    return -clipped.mean()
