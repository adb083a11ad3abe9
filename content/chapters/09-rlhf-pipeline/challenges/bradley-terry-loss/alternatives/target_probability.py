"""A cross-entropy with the probability that the label gives: 1 − ε, or one half for a tie."""

import torch
import torch.nn.functional as F


def bradley_terry_loss(chosen, rejected, margins, ties, label_smoothing):
    logits = chosen - rejected - torch.where(ties, torch.zeros_like(margins), margins)
    right = torch.full_like(logits, 1 - label_smoothing)
    target = torch.where(ties, torch.full_like(logits, 0.5), right)
    return F.binary_cross_entropy_with_logits(logits, target)
