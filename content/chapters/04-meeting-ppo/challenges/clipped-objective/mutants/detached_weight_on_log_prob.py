# caught_by: inside-range
# misconception: A weighted log-probability has the same gradient, so it will do (its value and its clip are not those of the objective).
import torch


def clipped_objective(log_probs, old_log_probs, advantages, clip_range):
    weight = torch.exp(log_probs - old_log_probs).detach()
    weight = torch.clamp(weight, 1 - clip_range, 1 + clip_range)
    return -(weight * advantages * log_probs).mean()
