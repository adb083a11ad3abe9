# caught_by: ties
# misconception: Equal scores are asked for by the square of the difference.
import torch.nn.functional as F


def bradley_terry_loss(chosen, rejected, margins, ties, label_smoothing):
    """Mean negative log-likelihood of what the raters said."""
    difference = chosen - rejected
    asked = difference - margins
    decided = (1 - label_smoothing) * F.softplus(-asked) + label_smoothing * F.softplus(asked)
    tied = difference.square()
    return (decided * ~ties + tied * ties).mean()
