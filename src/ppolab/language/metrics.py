"""What each recorded number of the three stages means, for those who show it."""

from __future__ import annotations

from ppolab.metrics import Metric

SFT_METRICS = (
    Metric("sft_loss", "Loss", "nats/token", "actor",
           "Mean surprise at the next token, over the batch."),
    Metric("sft_validation_loss", "Held-out loss", "nats/token", "actor",
           "The same on sentences that are never trained on."),
    Metric("perplexity", "Held-out perplexity", "", "actor",
           "exp of the held-out loss: between how many tokens the model hesitates."),
    Metric("gradient_norm", "Gradient norm", "", "none",
           "Length of the gradient before it was shortened."),
    Metric("learning_rate", "Learning rate", "", "none", "AdamW's step size."),
)  # fmt: skip

REWARD_METRICS = (
    Metric("rm_accuracy", "Held-out accuracy", "share", "reward",
           "Share of held-out pairs scored in the rater's order; a tie counts as wrong."),
    Metric("rm_gold_accuracy", "Gold accuracy", "share", "reward",
           "Share of held-out pairs scored in the order of the gold scores, whatever the rater "
           "said."),
    Metric("rm_clear_accuracy", "Accuracy on clear pairs", "share", "reward",
           "Held-out accuracy where the gold scores differ by more than one half."),
    Metric("rm_shorter_accuracy", "Accuracy where shorter is better", "share", "reward",
           "Share scored in the right order of those held-out pairs whose better answer is the "
           "shorter one; far below the accuracy, the model pays for length."),
    Metric("rm_loss", "Held-out loss", "nats", "reward",
           "Bradley–Terry loss of held-out pairs; ln 2 ≈ 0.693 knows nothing."),
    Metric("rm_margin", "Margin", "reward", "reward",
           "Mean difference of scores, chosen less rejected."),
    Metric("rm_spread", "Spread of scores", "reward", "reward",
           "Standard deviation of all scores; 0 is a reward model that says nothing."),
    Metric("rm_calibration_error", "Calibration error", "share", "reward",
           "Mean gap between how sure the model claims to be and how often it is right."),
    Metric("rm_disagreement", "Disagreement", "reward", "reward",
           "Mean standard deviation between an ensemble's members about a pair; 0 without one."),
    Metric("rm_train_loss", "Loss", "nats", "reward", "Loss of the batch that is trained on."),
    Metric("rm_train_accuracy", "Accuracy in the batch", "share", "reward",
           "Share of the batch's pairs scored in the rater's order."),
    Metric("gradient_norm", "Gradient norm", "", "none",
           "Length of the gradient before it was shortened."),
    Metric("learning_rate", "Learning rate", "", "none", "AdamW's step size."),
)  # fmt: skip

RLHF_METRICS = (
    Metric("reward", "Reward", "reward", "reward",
           "Mean score of the batch's responses by what the policy is trained to please."),
    Metric("eval_gold", "Gold score", "", "reward",
           "Mean score of held-out responses by the judge that the reward stands for."),
    Metric("kl", "KL to the reference", "nats", "reference",
           "How far the policy has gone from where it began, per response."),
    Metric("kl_coef", "KL coefficient β", "reward/nat", "reference",
           "What a nat of KL costs."),
    Metric("kl_target", "KL target", "nats", "reference",
           "The KL per response that the coefficient is steered towards."),
    Metric("response_length", "Response length", "tokens", "actor",
           "Mean length, the end token included."),
    Metric("length_correlation", "Reward for length", "", "reward",
           "Correlation of the batch's scores with the lengths of its responses; near 1 or −1, "
           "length itself is paid for."),
    Metric("entropy", "Entropy", "nats/token", "actor",
           "Mean surprise of the policy at its own tokens."),
    Metric("eval_reward", "Held-out reward", "reward", "reward",
           "Mean score of held-out responses by the reward that is trained against."),
    Metric("eval_kl", "Held-out KL", "nats", "reference",
           "KL to the reference on held-out prompts, per response."),
    Metric("eval_distinct_2", "Distinct pairs of words", "share", "actor",
           "Share of pairs of neighbouring words in held-out responses that are different; falls "
           "when the policy repeats itself."),
    Metric("eval_reference_nll", "Surprise of the reference", "nats/token", "reference",
           "How odd the held-out responses seem to the reference."),
    Metric("eval_gold_second", "Gold score, second judge", "", "reward",
           "Mean score of the same responses by a judge of another kind, whom nobody tried to "
           "please: where only the first is pleased, its weaknesses were learnt."),
    Metric("eval_accuracy", "Right answers", "share", "reward",
           "Share of held-out responses that are right, where a rule can tell; drawn as in "
           "training."),
    Metric("eval_accuracy_greedy", "Right answers, greedy", "share", "reward",
           "The same when the likeliest token is always taken: what the policy knows, without "
           "the errors of drawing."),
    Metric("eval_gold_error", "Error of the gold score", "", "reward",
           "Standard error of the gold score: how far chance alone moves it."),
    Metric("eval_perplexity", "Held-out perplexity", "", "actor",
           "Of the policy on texts of the corpus; rises as it forgets what it was taught before."),
    Metric("misplaced_reward", "Misplaced reward", "reward", "reward",
           "Reward on places after a response's end, where nothing can be learnt from it; 0 unless "
           "something is wrong."),
    Metric("ended", "Ended responses", "share", "actor",
           "Share of responses that end by themselves."),
    Metric("policy_loss", "Policy loss", "", "actor",
           "The clipped surrogate, negated. Its fall does not mean learning."),
    Metric("value_loss", "Value loss", "reward²", "critic",
           "Half the mean squared error between values and returns."),
    Metric("explained_variance", "Explained variance", "share", "critic",
           "Share of the returns' variance that the critic predicts."),
    Metric("approx_kl", "KL to the old policy", "nats/token", "actor",
           "How far the update moved the policy from the one that wrote the responses."),
    Metric("first_minibatch_kl", "KL before the first step", "nats/token", "actor",
           "The same before anything was learnt: 0 but for rounding, else writing and reading "
           "disagree."),
    Metric("clip_fraction", "Clip fraction", "share", "actor",
           "Share of tokens whose ratio lay outside 1 ± ε."),
    Metric("ratio_max", "Largest ratio", "", "actor", "Largest π/π_old of the update."),
    Metric("gradient_norm", "Gradient norm", "", "none",
           "Length of the gradient before it was shortened."),
    Metric("reward_std", "Spread of rewards", "reward", "reward",
           "Standard deviation of the batch's scores; 0 teaches nothing."),
    Metric("epochs", "Epochs taken", "", "none", "Epochs before a KL stop."),
    Metric("learning_rate", "Learning rate", "", "none", "AdamW's step size."),
    Metric("responses_per_second", "Responses per second", "1/s", "none",
           "Responses written and learnt from per second of this update."),
)  # fmt: skip

_EVALUATION = tuple(metric for metric in RLHF_METRICS if metric.key.startswith("eval_"))

DPO_METRICS = (
    Metric("dpo_held_out_accuracy", "Held-out accuracy", "share", "actor",
           "Share of held-out pairs whose chosen answer has the higher implied reward."),
    *_EVALUATION,
    Metric("dpo_loss", "Loss", "nats", "actor",
           "Bradley–Terry loss on implied rewards; it begins at ln 2 ≈ 0.693."),
    Metric("dpo_margin", "Implied margin", "reward", "reward",
           "Implied reward β·log(π/π_ref) of the batch's chosen answers less that of the others."),
    Metric("dpo_held_out_margin", "Held-out margin", "reward", "reward",
           "The same of held-out pairs."),
    Metric("dpo_accuracy", "Accuracy in the batch", "share", "actor",
           "Share of the batch's pairs whose chosen answer has the higher implied reward."),
    Metric("dpo_chosen", "Implied reward, chosen", "reward", "reward",
           "Of preferred answers. Below 0 they have become less likely than they were: only the "
           "difference is learnt."),
    Metric("dpo_rejected", "Implied reward, rejected", "reward", "reward",
           "Of the other answers."),
    Metric("gradient_norm", "Gradient norm", "", "none",
           "Length of the gradient before it was shortened."),
    Metric("learning_rate", "Learning rate", "", "none", "Adam's step size."),
)  # fmt: skip

_CHOSEN = ("eval_gold", "eval_reward", "eval_kl", "eval_gold_error", "eval_gold_second")
BEST_OF_N_METRICS = tuple(metric for metric in _EVALUATION if metric.key in _CHOSEN)
