"""What all stages of RLHF are told at once: options of `ppolab rlhf`, of a preset and of a file.

An option says in its metadata which settings of which stages it sets, as "rlhf.training.updates"
or, for all stages, "*.task"; `ppolab.language.pipeline` writes them there. An option that is left
at its default leaves its settings at theirs, so that the defaults here are theirs too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.stage_settings import build

T = TypeVar("T")
SETS = "sets"
RIVALS = ("dpo", "best-of-n")  # in place of reinforcement; each is a stage of its own
MODEL = "reward-model"  # kind of the stage, and in a reward the model that it has left
VERIFIABLE = ("arithmetic",)  # tasks where a rule knows right from wrong
ALGORITHMS = ("ppo", "rloo", "grpo", "reinforce++", *RIVALS)


def sets(default: T, *settings: str) -> T:
    """An option that is written into settings of stages."""
    made: T = field(default=default, metadata={SETS: settings})
    return made


@dataclass(frozen=True)
class PreferenceOptions:
    """Who compares answers, and what learns to foresee it."""

    pairs: int = sets(8000, "reward-model.pairs")
    """Pairs of answers that the rater compares."""
    answers: int = sets(2, "reward-model.answers")
    """Answers in each comparison; more than 2 are ranked, for a loss of rankings."""
    annotators: int = sets(0, "reward-model.annotators")
    """Simulated people who compare in turn, each with ratings of their own; 0 asks the judge."""
    steepness: float = sets(4.0, "reward-model.rater.steepness")
    """How sure the rater is, nats of preference per unit of gold score."""
    careless: float = sets(0.0, "reward-model.rater.careless")
    """Share of comparisons answered without looking."""
    length_bias: float = sets(0.0, "reward-model.rater.length_bias")
    """Nats of preference per word by which an answer is longer."""
    ties: float = sets(0.0, "reward-model.rater.ties")
    """How readily the rater calls a tie (Davidson's ν); 0 never. Needs the loss davidson."""
    reward_loss: Literal["bradley-terry", "davidson", "all-pairs", "plackett-luce"] = sets(
        "bradley-terry", "reward-model.training.loss"
    )
    """What the reward model learns by: of pairs, with ties (davidson), or of rankings."""
    label_smoothing: float = sets(
        0.0, "reward-model.training.label_smoothing", "dpo.training.label_smoothing"
    )
    """Share of the comparisons taken to be wrong."""
    contrastive: float = sets(0.0, "reward-model.training.contrastive")
    """Weight of the term that keeps the hidden states of different answers apart."""
    pooling: Literal["last", "mean", "attention"] = sets("last", "reward-model.training.pooling")
    """Which hidden states the score is made of: the last token's, their mean, or by attention."""
    reward_head: Literal["linear", "mlp"] = sets("linear", "reward-model.training.head")
    """What makes a score of them."""
    ensemble: Literal["none", "heads", "models", "dropout"] = sets(
        "none", "reward-model.training.ensemble"
    )
    """Several opinions: heads on one model, models trained apart, or dropout."""
    members: int = sets(4, "reward-model.training.members")
    """Opinions of the ensemble."""
    reward_dropout: float = sets(0.1, "reward-model.training.dropout")
    """Share of units dropped before the head, for ensemble dropout and the contrastive term."""
    reward_epochs: int = sets(1, "reward-model.training.epochs", "dpo.training.epochs")
    """Passes over the pairs; a second learns the raters' errors by heart."""
    ratings: str = sets("", "reward-model.ratings")
    """File or folder of texts that people have rated, compared in place of answers: the source
    package of vaderSentiment (docs/rlhf.md)."""
    rated_by: Literal["person", "mean"] = sets("person", "reward-model.rated_by")
    """Whose ratings decide: one person's of each text, or the mean of all."""
    held_out: float = sets(0.1, "reward-model.training.held_out", "dpo.training.held_out")
    """Share of the pairs kept for measuring."""


@dataclass(frozen=True)
class PolicyOptions:
    """How the policy is improved, and what holds it near the model it began as."""

    reward: str | None = None
    """What to please: my.py:function, answer, a classifier, reward-model, gold, or a sum of such as
    in "reward-model + 0.5*my.py:polite"; by default the reward model."""
    rule: Literal["mean", "deviation", "variance", "worst"] = sets("mean", "rlhf.rule")
    """What an ensemble of reward models is taken to say: the mean, less deviations or variance, or
    the worst case."""
    caution: float = sets(1.0, "rlhf.caution")
    """How many deviations, or how much of the variance, the rules of that name take off."""
    updates: int = sets(100, "rlhf.training.updates")
    """Batches of responses that the policy learns from."""
    batch_size: int = sets(64, "rlhf.training.batch_size")
    """Responses in a batch."""
    minibatch_size: int = sets(16, "rlhf.training.minibatch_size")
    """Responses per gradient step; must divide the batch."""
    micro_batch_size: int | None = sets(None, "rlhf.training.micro_batch_size")
    """Responses that go through the model at once; None takes the whole minibatch."""
    epochs: int = sets(4, "rlhf.training.epochs")
    """Passes over each batch."""
    responses_per_prompt: int | None = sets(None, "rlhf.training.responses_per_prompt")
    """Responses to each prompt; None takes 4 for rloo and grpo, 1 for the others."""
    temperature: float = sets(1.0, "rlhf.training.temperature", "best-of-n.training.temperature")
    """Logits are divided by it."""
    kl_coef: float = sets(0.1, "rlhf.training.kl_coef", "dpo.training.beta")
    """Price of a nat of KL at the start; 0 leaves the policy unbound. DPO's β."""
    kl_target: float = sets(8.0, "rlhf.training.kl_target")
    """KL per response that the coefficient is steered towards, nats."""
    kl_controller: Literal["adaptive", "fixed"] = sets("adaptive", "rlhf.training.kl_controller")
    """Whether the coefficient is steered at all."""
    kl_horizon: int = sets(1000, "rlhf.training.kl_horizon")
    """Responses over which the controller has its full effect."""
    kl_estimator: Literal["k1", "k2", "k3"] = sets("k1", "rlhf.training.kl_estimator")
    """How the KL is estimated from the tokens that were written."""
    kl_placement: Literal["reward", "loss"] = sets("reward", "rlhf.training.kl_placement")
    """Whether the KL is taken off each token's reward, or added to the loss."""
    shared_trunk: bool = sets(False, "rlhf.training.shared_trunk")
    """Let policy and critic share a trunk: half the work, a little less learnt per update."""
    whiten_rewards: bool = sets(False, "rlhf.training.whiten_rewards")
    """Divide rewards by their standard deviation over the batch; keep their mean."""
    whiten_advantages: bool = sets(True, "rlhf.training.whiten_advantages")
    """Give the batch's advantages mean 0 and standard deviation 1."""
    reward_clip: float | None = sets(10.0, "rlhf.training.reward_clip")
    """Scores beyond ± this are cut; None leaves them."""
    missing_end_penalty: float = sets(1.0, "rlhf.training.missing_end_penalty")
    """Taken off the score of a response that does not end by itself."""
    clip_range: float = sets(0.2, "rlhf.training.clip_range")
    """ε of the clipped objective."""
    gae_lambda: float = sets(0.95, "rlhf.training.gae_lambda")
    """λ of generalized advantage estimation."""
    n: str = "1,2,4,8,16,32,64"
    """Answers that best-of-n chooses among, rising; as many as the last are written."""


@dataclass(frozen=True)
class ModelOptions:
    """For a Hugging Face model (--model), and for texts of one's own."""

    prompts: str | None = None
    """JSON lines to write about in place of the task: "prompt", and for fine-tuning "response"."""
    pairs_file: str | None = None
    """JSON lines to learn preferences from: "prompt", "chosen", "rejected"."""
    lora_rank: int = 0
    """Rank of LoRA adapters, which alone are trained; 0 trains all weights."""
    lora_alpha: int = 16
    """The adapter's product is multiplied by alpha / rank."""
    gradient_checkpointing: bool = False
    """Less memory for about a third more time."""
    rollouts: Literal["own", "vllm"] = "own"
    """Who writes the responses: the model itself, or vLLM with its weights."""


@dataclass(frozen=True)
class Recipe:
    """What is done in all stages."""

    task: str = sets("austen", "*.task")
    """What to write about: austen, cheerful sentences; movies, film reviews full of praise (extra
    movies); arithmetic, sums that a rule checks."""
    judge: str = sets(
        "", "reward-model.judge", "rlhf.judge", "dpo.judge", "best-of-n.judge"
    )  # fmt: skip
    """Who judges in place of the task's own: lexicon, of rated words, or people, learnt from
    ratings of texts. The task's own is then shown beside it."""
    model: str = sets("base", "sft.model")
    """What to begin with: base, or a Hugging Face model's folder or id."""
    algorithm: Literal["ppo", "rloo", "grpo", "reinforce++", "dpo", "best-of-n"] = "ppo"
    """How the policy is improved: by reinforcement, by the comparisons themselves (dpo), or not at
    all but by choosing among several answers (best-of-n)."""
    pitfall: str | None = None
    """A mistake to make on purpose: kl-off, placeholder-loss, untrained-reward, swapped-pairs,
    reward-at-padding or length-bias. A monitor should catch it."""
    seed: int = sets(1, "*.training.seed")
    """Seeds all stages."""
    sft_updates: int = sets(400, "sft.training.updates")
    """Gradient steps of fine-tuning."""
    longest_response: int = sets(
        24, "reward-model.longest_response", "rlhf.training.longest_response",
        "dpo.training.longest_response", "best-of-n.training.longest_response",
    )  # fmt: skip
    """Tokens of a response at most."""
    learning_rate: float | None = None
    """Adam's step size in every stage; None takes what suits stage and model."""
    dtype: Literal["auto", "float32", "bfloat16"] = sets(
        "auto", "sft.training.dtype", "reward-model.training.dtype", "rlhf.training.dtype",
        "dpo.training.dtype",
    )  # fmt: skip
    """Arithmetic; auto measures which is quicker here."""
    preferences: PreferenceOptions = field(default_factory=PreferenceOptions)
    policy: PolicyOptions = field(default_factory=PolicyOptions)
    models: ModelOptions = field(default_factory=ModelOptions)

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise UnknownNameError("algorithm", self.algorithm, list(ALGORITHMS))


def kinds_of(recipe: Recipe) -> tuple[str, ...]:
    """The kinds of a recipe's stages, in order.

    Prompts of one's own have no judge, so that without pairs there is no reward model. Where a rule
    knows right from wrong none is needed, unless one is asked for, as DPO does for its pairs.
    """
    own_prompts, own_pairs = recipe.models.prompts is not None, recipe.models.pairs_file is not None
    judged = own_pairs or not own_prompts
    asked = recipe.algorithm == "dpo" or MODEL in (recipe.policy.reward or "")
    if recipe.task in VERIFIABLE and not own_prompts and not own_pairs and not asked:
        judged = False
    last = recipe.algorithm if recipe.algorithm in RIVALS else "rlhf"
    return ("sft", *([MODEL] if judged else []), last)


def words_of(kind: str, algorithm: str) -> str:
    """What a stage is called: the algorithm's name where there are several."""
    named = {"sft": "Fine-tuning", MODEL: "Reward model", "dpo": "DPO", "best-of-n": "Best of n"}
    return named.get(kind) or algorithm.upper()


def groups() -> dict[str, type[Any]]:
    """The groups of options, by the name of the recipe's field."""
    return {"preferences": PreferenceOptions, "policy": PolicyOptions, "models": ModelOptions}


def recipe_from_mapping(data: Mapping[str, Any]) -> Recipe:
    """A recipe from options by name, such as a file holds: {"updates": 50, "kl-coef": 0.2}.

    Raises:
        UnknownNameError: there is no such option.
        InvalidSettingError: a value of the wrong type.
    """
    grouped = groups()
    place = {
        option.name: name for name, group in grouped.items() for option in dataclasses.fields(group)
    }
    top = {f.name for f in dataclasses.fields(Recipe)} - grouped.keys()
    values: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {name: {} for name in grouped}
    for key, value in data.items():
        name = str(key).replace("-", "_")
        if name in place:
            inner[place[name]][name] = value
        elif name in top:
            values[name] = value
        else:
            known = sorted(option.replace("_", "-") for option in (*top, *place))
            raise UnknownNameError("option", key, known)
    values |= {name: build(grouped[name], name, given) for name, given in inner.items()}
    made: Recipe = build(Recipe, "recipe", values)
    return made


def options_of(recipe: Recipe) -> dict[str, Any]:
    """All options by name, from which `recipe_from_mapping` makes the same recipe."""
    data = dataclasses.asdict(recipe)
    inner = [data.pop(name) for name in groups()]
    return data | {name: value for group in inner for name, value in group.items()}


def options_set(recipe: Recipe) -> dict[str, tuple[str, Any]]:
    """What differs from the defaults, by the setting it is written to: (option, value)."""
    found: dict[str, tuple[str, Any]] = {}
    for part in (recipe, *(getattr(recipe, name) for name in groups())):
        for option in dataclasses.fields(part):
            value = getattr(part, option.name)
            if SETS in option.metadata and value != option.default:
                found |= dict.fromkeys(option.metadata[SETS], (option.name, value))
    return found


def option_of(setting: str) -> str | None:
    """The option that has a setting of its own, if any; as it is written in a terminal."""
    parts: list[type[Any]] = [Recipe, *groups().values()]
    rest = setting.partition(".")[2]
    for option in (option for part in parts for option in dataclasses.fields(part)):
        if {setting, f"*.{rest}"} & set(option.metadata.get(SETS, ())):
            return option.name.replace("_", "-")
    return None


def numbers_of(listed: str) -> tuple[int, ...]:
    """The numbers of a list such as 1,2,4,8.

    Raises:
        InvalidSettingError: one of them is no whole number.
    """
    try:
        return tuple(int(number) for number in listed.split(","))
    except ValueError as error:
        raise InvalidSettingError(
            "n", listed, "is no list of whole numbers", "Give such as 1,2,4,8"
        ) from error
