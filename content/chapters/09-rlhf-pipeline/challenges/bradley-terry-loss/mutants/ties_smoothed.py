# caught_by: ties
# misconception: A tie is a label that may be wrong, too.
import torch.nn.functional as F


def bradley_terry_loss(chosen, rejected, margins, ties, label_smoothing):
    """Mean negative log-likelihood of what the raters said."""
    difference = chosen - rejected
    asked = difference - margins
    decided = (1 - label_smoothing) * F.softplus(-asked) + label_smoothing * F.softplus(asked)
    tied = (1 - label_smoothing) * F.softplus(-difference) + label_smoothing * F.softplus(difference)
    return (decided * ~ties + tied * ties).mean()
