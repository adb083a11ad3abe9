# caught_by: negative-advantage
# misconception: Only good actions have to be held back.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    clipped = torch.where(advantages > 0, clipped, ratio * advantages)
    return -torch.minimum(ratio * advantages, clipped).mean()
