# caught_by: negative-advantage
# misconception: What counts is how large the advantage is.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    advantages = advantages.abs()
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    return -torch.minimum(ratio * advantages, clipped).mean()
