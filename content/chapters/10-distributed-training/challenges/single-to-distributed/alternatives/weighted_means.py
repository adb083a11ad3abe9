"""Means of the shards, weighted by how much of the batch each shard is."""

import torch
import torch.distributed as dist


def train(learning_rate, max_norm, steps, weights, inputs, targets):
    sizes = [torch.zeros(1, dtype=torch.float64) for _ in range(dist.get_world_size())]
    dist.all_gather(sizes, torch.full((1,), float(len(inputs)), dtype=torch.float64))
    share = len(inputs) / float(sum(sizes))
    weights = [weight.clone() for weight in weights]
    for weight in weights:
        dist.broadcast(weight, src=0)
    losses = []
    for _ in range(steps):
        weights = [weight.detach().requires_grad_() for weight in weights]
        if len(inputs):
            errors = torch.tanh(inputs @ weights[0]) @ weights[1] - targets
            loss = share * errors.square().mean()
            gradients = list(torch.autograd.grad(loss, weights))
        else:
            loss = torch.zeros((), dtype=torch.float64)
            gradients = [torch.zeros_like(weight) for weight in weights]
        loss = loss.detach()
        for tensor in (loss, *gradients):
            dist.all_reduce(tensor)
        norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
        if norm > max_norm:
            gradients = [gradient * (max_norm / norm) for gradient in gradients]
        weights = [w.detach() - learning_rate * g for w, g in zip(weights, gradients, strict=True)]
        losses.append(loss.item())
    return {"weights": weights, "losses": losses}
