# caught_by: negative-advantage
# misconception: The clip is an upper bound of the ratio.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, max=1 + clip_range) * advantages
    return -torch.minimum(ratio * advantages, clipped).mean()
