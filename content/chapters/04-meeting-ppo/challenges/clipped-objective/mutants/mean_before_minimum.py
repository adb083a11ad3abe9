# caught_by: mean-over-samples
# misconception: The clip acts on the batch, not on each sample.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    return -torch.minimum((ratio * advantages).mean(), clipped.mean())
