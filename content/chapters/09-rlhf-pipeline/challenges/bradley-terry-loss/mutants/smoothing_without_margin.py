# caught_by: label-smoothing
# misconception: The wrong label knows no margin.
import torch.nn.functional as F


def bradley_terry_loss(chosen, rejected, margins, ties, label_smoothing):
    """Mean negative log-likelihood of what the raters said."""
    difference = chosen - rejected
    asked = difference - margins
    decided = (1 - label_smoothing) * F.softplus(-asked) + label_smoothing * F.softplus(difference)
    tied = 0.5 * F.softplus(-difference) + 0.5 * F.softplus(difference)
    return (decided * ~ties + tied * ties).mean()
