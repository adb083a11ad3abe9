"""Gathers sums and gradients of all ranks and adds them up by itself, in one message per step."""

import torch
import torch.distributed as dist


def together(vector):
    parts = [torch.empty_like(vector) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, vector)
    return torch.stack(parts).sum(0)


def train(learning_rate, max_norm, steps, weights, inputs, targets):
    hidden, output = weights[0].clone(), weights[1].clone()
    dist.broadcast(hidden, 0)
    dist.broadcast(output, 0)
    losses = []
    for _ in range(steps):
        units = torch.tanh(inputs @ hidden)
        errors = units @ output - targets
        first = inputs.T @ (2 * errors[:, None] * output * (1 - units**2))
        second = units.T @ (2 * errors)
        own = [first.flatten(), second, errors.square().sum()[None]]
        own.append(torch.full_like(own[-1], len(errors)))
        whole = together(torch.cat(own))
        gradient, loss = whole[:-2] / whole[-1], whole[-2] / whole[-1]
        step = learning_rate * gradient * min(1.0, max_norm / float(gradient.norm()))
        hidden = hidden - step[: hidden.numel()].view_as(hidden)
        output = output - step[hidden.numel() :]
        losses.append(float(loss))
    return {"weights": [hidden, output], "losses": losses}
