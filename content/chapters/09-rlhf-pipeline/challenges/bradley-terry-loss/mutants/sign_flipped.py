# caught_by: decided-pairs
# misconception: A likelihood is a loss.
import torch.nn.functional as F


def bradley_terry_loss(chosen, rejected, margins, ties, label_smoothing):
    """Mean negative log-likelihood of what the raters said."""
    difference = chosen - rejected
    asked = difference - margins
    decided = (1 - label_smoothing) * F.softplus(-asked) + label_smoothing * F.softplus(asked)
    tied = 0.5 * F.softplus(-difference) + 0.5 * F.softplus(difference)
    return -(decided * ~ties + tied * ties).mean()
