# caught_by: positive-advantage
# misconception: It is the product r·A that is clipped.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    product = ratio * advantages
    return -torch.minimum(product, torch.clamp(product, 1 - clip_range, 1 + clip_range)).mean()
