"""No graph at all: the gradients of a linear policy and a linear critic written out."""

import torch


@torch.no_grad()
def train(policy, critic, observations, actions, rewards, dones, orders, settings):
    time, environments = rewards.shape
    x = observations.flatten(0, 1)
    taken = torch.nn.functional.one_hot(actions.flatten(), policy.shape[1]).to(x.dtype)
    values = observations @ critic
    following, rows = torch.zeros_like(values[0]), []
    next_value = torch.zeros_like(values[0])
    for t in reversed(range(time)):
        keep = settings["gamma"] * (1 - dones[t])
        delta = rewards[t] + keep * next_value - values[t]
        following = delta + settings["gae_lambda"] * keep * following
        next_value = values[t]
        rows.insert(0, following)
    advantages = torch.stack(rows).flatten()
    targets = advantages + values.flatten()
    old = ((x @ policy).log_softmax(1) * taken).sum(1)
    epsilon, rate = settings["clip_range"], settings["learning_rate"]
    for order in orders:
        for rows in order.split(settings["minibatch_size"]):
            log_probs = (x[rows] @ policy).log_softmax(1)
            ratio = ((log_probs * taken[rows]).sum(1) - old[rows]).exp()
            a = advantages[rows]
            moves = torch.where(a >= 0, ratio <= 1 + epsilon, ratio >= 1 - epsilon)
            weight = (ratio * a * moves)[:, None]
            score = taken[rows] - log_probs.exp()
            errors = x[rows] @ critic - targets[rows]
            policy = policy + rate * x[rows].T @ (weight * score) / len(rows)
            critic = critic - rate * x[rows].T @ errors / len(rows)
    return [policy, critic]
