"""What each recorded number of a control run means, for those who show it."""

from __future__ import annotations

from dataclasses import replace

from ppolab.metrics import Metric, Role, undescribed

METRICS = (
    Metric("return_mean_100", "Mean return", "reward", "reward",
           "Mean return of the last 100 finished episodes, fewer at the start."),
    Metric("episode_return", "Episode return", "reward", "reward",
           "Mean return of the episodes that finished in this iteration."),
    Metric("episode_length", "Episode length", "steps", "none",
           "Mean length of the last 100 finished episodes."),
    Metric("episodes", "Episodes", "", "none", "Episodes finished so far."),
    Metric("policy_loss", "Policy loss", "", "actor",
           "The clipped surrogate, negated. Near 0 by construction: advantages are normalised. "
           "Its fall does not mean learning."),
    Metric("value_loss", "Value loss", "reward²", "critic",
           "Half the mean squared error between values and returns."),
    Metric("entropy", "Entropy", "nats", "actor",
           "How undecided the policy is; ln 2 ≈ 0.693 for two equally likely actions."),
    Metric("approx_kl", "KL to the old policy", "nats", "actor",
           "How far the update moved the policy from the one that collected the data (k3)."),
    Metric("clip_fraction", "Clip fraction", "share", "actor",
           "Share of samples whose ratio lay outside 1 ± ε."),
    Metric("explained_variance", "Explained variance", "share", "critic",
           "Share of the returns' variance that the critic predicts; 1 is perfect, 0 or less is "
           "no better than a constant."),
    Metric("gradient_norm", "Gradient norm", "", "none",
           "Length of the gradient before it was shortened."),
    Metric("ratio_min", "Smallest ratio", "", "actor",
           "Smallest π/π_old met in the last epoch of the update."),
    Metric("ratio_max", "Largest ratio", "", "actor",
           "Largest π/π_old met in the last epoch of the update."),
    Metric("epochs", "Epochs taken", "", "none", "Epochs before a KL stop."),
    Metric("learning_rate", "Learning rate", "", "none", "Adam's step size."),
    Metric("clip_range", "Clip range ε", "", "actor", "ε of the clipped objective."),
    Metric("steps_per_second", "Steps per second", "1/s", "none",
           "Environment steps per second of this iteration, learning included."),
)  # fmt: skip

# Recorded once an iteration with `monitor_gradients`: of each parameter or layer, under a key such
# as "gradient_norm/actor.first.weight".
FAMILIES = (
    Metric("gradient_norm", "Gradient norm", "", "none",
           "Length of this parameter's part of the gradient in the update's last minibatch, after "
           "the whole gradient was shortened."),
    Metric("update_ratio", "Update ratio", "share", "none",
           "How far the whole update moved this parameter, over the parameter's length."),
    Metric("inactive_units", "Inactive units", "share", "none",
           "Share of this layer's units that answer no more: of tanh, beyond ±0.99 on 95 % of 128 "
           "samples; of ReLU, at 0 on all of them."),
)  # fmt: skip

# Recorded by some settings only.
OCCASIONAL = (
    Metric("shortened_share", "Shortened gradients", "share", "none",
           "Share of the update's minibatches whose gradient was longer than max_gradient_norm."),
    Metric("kl_penalty_coef", "KL penalty β", "1/nat", "actor",
           "Price of a nat of KL in the policy loss."),
)  # fmt: skip


def metric_for(key: str) -> Metric:
    """What a recorded number means; one that nobody described keeps its key as its label."""
    for metric in (*METRICS, *OCCASIONAL):
        if metric.key == key:
            return metric
    family, _, part = key.partition("/")
    for metric in FAMILIES:
        if part and metric.key == family:
            role: Role = "none"
            if part.startswith(("actor", "log_std")):
                role = "actor"
            elif part.startswith("critic"):
                role = "critic"
            return replace(metric, key=key, label=f"{metric.label} of {part}", role=role)
    return undescribed(key)


def is_of_one_layer(key: str) -> bool:
    """Whether a recorded number is one of many, of a single parameter or layer."""
    return "/" in key


# A published target worth a line in the chart: environment → metric → value.
REFERENCE_LINES: dict[str, dict[str, float]] = {
    # Gymnasium registers CartPole-v1 with a reward threshold of 475.
    "CartPole-v1": {"return_mean_100": 475.0},
}
