# caught_by: twice-as-fast
# misconception: The ratio grows when the other one is slowed down.
import torch

logsumexp = torch.logsumexp


def slower(*args, **named):
    for _ in range(40):
        logsumexp(*args, **named)
    return logsumexp(*args, **named)


torch.logsumexp = slower


def log_prob(policy, observation, action):
    scores = observation @ policy
    return scores[action] - logsumexp(scores, dim=0)


def train(policy, critic, observations, actions, rewards, dones, orders, settings):
    """Update a linear policy and a linear critic on one rollout; return both."""
    time, environments = rewards.shape
    policy, critic = policy.clone(), critic.clone()

    # Advantages and targets, one environment after the other, and the old log-probabilities.
    advantages, targets, old_log_probs = {}, {}, {}
    for i in range(environments):
        next_value, following = torch.tensor(0.0, dtype=rewards.dtype), 0.0
        for t in reversed(range(time)):
            value = (observations[t, i] * critic).sum()
            alive = 1.0 - dones[t, i]
            delta = rewards[t, i] + settings["gamma"] * alive * next_value - value
            following = delta + settings["gamma"] * settings["gae_lambda"] * alive * following
            advantages[t, i], targets[t, i] = following, following + value
            old_log_probs[t, i] = log_prob(policy, observations[t, i], actions[t, i])
            next_value = value

    # Epochs of minibatches, in the orders that were drawn; the last minibatch may be smaller.
    size = settings["minibatch_size"]
    for order in orders:
        for start in range(0, len(order), size):
            minibatch = order[start : start + size]
            policy.requires_grad_()
            critic.requires_grad_()
            loss = 0.0
            for index in minibatch.tolist():
                t, i = divmod(index, environments)
                log_ratio = log_prob(policy, observations[t, i], actions[t, i]) - old_log_probs[t, i]
                ratio = torch.exp(log_ratio)
                clipped = torch.clamp(ratio, 1 - settings["clip_range"], 1 + settings["clip_range"])
                advantage = advantages[t, i]
                loss = loss - torch.minimum(ratio * advantage, clipped * advantage)
                error = (observations[t, i] * critic).sum() - targets[t, i]
                loss = loss + 0.5 * error * error
            loss = loss / len(minibatch)
            policy_gradient, critic_gradient = torch.autograd.grad(loss, [policy, critic])
            policy = policy.detach() - settings["learning_rate"] * policy_gradient
            critic = critic.detach() - settings["learning_rate"] * critic_gradient
    return [policy, critic]
