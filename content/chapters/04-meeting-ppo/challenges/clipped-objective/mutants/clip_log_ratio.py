# caught_by: positive-advantage
# misconception: Clipping the log-ratio to ±ε is the same as clipping the ratio to 1 ± ε.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    log_ratio = log_probs - old_log_probs
    ratio = torch.exp(log_ratio)
    clipped = torch.exp(torch.clamp(log_ratio, -clip_range, clip_range)) * advantages
    return -torch.minimum(ratio * advantages, clipped).mean()
