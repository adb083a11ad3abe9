# caught_by: gradient-stops
# misconception: Clipping changes the value; the gradient goes on as before.
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    value = torch.minimum(ratio * advantages, clipped)
    surrogate = ratio * advantages
    return -(surrogate + (value - surrogate).detach()).mean()
