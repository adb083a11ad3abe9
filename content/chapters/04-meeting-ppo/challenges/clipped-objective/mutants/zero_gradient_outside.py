# caught_by: gradient-pulls-back
# misconception: Outside the range the gradient is always zero.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    outside = (ratio - 1).abs() > clip_range
    ratio = torch.where(outside, ratio.detach(), ratio)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    return -torch.minimum(ratio * advantages, clipped).mean()
