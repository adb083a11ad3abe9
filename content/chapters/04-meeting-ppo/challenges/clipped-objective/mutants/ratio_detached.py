# caught_by: gradient
# misconception: The ratio is only a weight, so no gradient has to go through it.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs).detach()
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    return -torch.minimum(ratio * advantages, clipped).mean()
