# caught_by: inside-range
# misconception: A difference of log-probabilities plus one is the ratio (true only to first order).
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = 1 + log_probs - old_log_probs
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    return -torch.minimum(ratio * advantages, clipped).mean()
