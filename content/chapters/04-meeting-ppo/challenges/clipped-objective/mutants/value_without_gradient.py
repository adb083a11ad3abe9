# caught_by: gradient
# misconception: The right number is all an optimiser needs.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    loss = -torch.minimum(ratio * advantages, clipped).mean()
    return torch.tensor(loss.item(), dtype=log_probs.dtype)
