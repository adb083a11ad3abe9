"""A loop over the pairs, with log σ(x) = −log(1 + e^−x) by `logsigmoid`."""

from torch.nn.functional import logsigmoid


def bradley_terry_loss(chosen, rejected, margins, ties, label_smoothing):
    total = 0.0
    for i in range(len(chosen)):
        delta = chosen[i] - rejected[i]
        wrong = 0.5 if ties[i] else label_smoothing
        if not ties[i]:
            delta = delta - margins[i]
        total = total - (1 - wrong) * logsigmoid(delta) - wrong * logsigmoid(-delta)
    return total / len(chosen)
