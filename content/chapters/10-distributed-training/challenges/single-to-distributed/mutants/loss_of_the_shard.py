# caught_by: losses
# misconception: Each rank reports what it sees.
import torch
import torch.distributed as dist


def train(learning_rate, max_norm, steps, weights, inputs, targets):
    """Gradient descent on the batch that all ranks hold together."""
    weights = [weight.clone() for weight in weights]
    for weight in weights:
        dist.broadcast(weight, src=0)
    count = torch.tensor(float(len(inputs)), dtype=inputs.dtype)
    dist.all_reduce(count)
    losses = []
    for _ in range(steps):
        hidden, output = (weight.requires_grad_() for weight in weights)
        errors = torch.tanh(inputs @ hidden) @ output - targets
        loss = errors.square().sum() / count
        gradients = torch.autograd.grad(loss, [hidden, output])
        loss = loss.detach()
        for gradient in gradients:
            dist.all_reduce(gradient)
        norm = sum(gradient.square().sum() for gradient in gradients).sqrt()
        scale = torch.clamp(max_norm / norm, max=1.0)
        weights = [
            weight.detach() - learning_rate * scale * gradient
            for weight, gradient in zip(weights, gradients, strict=True)
        ]
        losses.append(loss.item())
    return {"weights": weights, "losses": losses}
