# caught_by: large-differences
# misconception: A small number inside the logarithm makes it safe.
import torch.nn.functional as F


def bradley_terry_loss(chosen, rejected, margins, ties, label_smoothing):
    """Mean negative log-likelihood of what the raters said."""
    difference = chosen - rejected
    asked = difference - margins
    decided = (1 - label_smoothing) * -(asked.sigmoid() + 1e-12).log() + label_smoothing * -((-asked).sigmoid() + 1e-12).log()
    tied = 0.5 * F.softplus(-difference) + 0.5 * F.softplus(difference)
    return (decided * ~ties + tied * ties).mean()
