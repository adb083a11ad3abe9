"""A loop over the real tokens, case by case."""


def dual_clip_loss(log_probs, old_log_probs, advantages, mask, clip_range, dual_clip):
    total, count = 0.0, 0
    for i, j in mask.nonzero().tolist():
        advantage = advantages[i, j]
        ratio = (log_probs[i, j] - old_log_probs[i, j]).exp()
        if advantage >= 0:
            bounded = 1 + clip_range if ratio > 1 + clip_range else ratio
        elif ratio < 1 - clip_range:
            bounded = 1 - clip_range
        else:
            bounded = dual_clip if ratio > dual_clip else ratio
        # The product keeps the graph connected where every token is clipped.
        total = total + bounded * advantage + 0 * log_probs[i, j]
        count += 1
    return -total / count
