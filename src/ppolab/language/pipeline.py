"""The stages of a recipe in order, and how each goes on from the folders of those before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.config import GROUPED
from ppolab.language.huggingface.settings import HuggingFaceSettings
from ppolab.language.pitfalls import with_pitfall
from ppolab.language.recipe import (
    MODEL,
    VERIFIABLE,
    Recipe,
    kinds_of,
    numbers_of,
    option_of,
    options_set,
)
from ppolab.language.reward_stage import RewardStage
from ppolab.language.rival_stages import BestOfNStage, DPOStage
from ppolab.language.rlhf_stage import RLHFStage
from ppolab.language.sft_stage import SFTStage
from ppolab.language.stage_models import BASE
from ppolab.language.stage_rewards import GOLD
from ppolab.language.stage_settings import stage_from_mapping

AnyStage = SFTStage | RewardStage | RLHFStage | DPOStage | BestOfNStage
STAGES: dict[str, type[AnyStage]] = {
    stage.kind: stage for stage in (SFTStage, RewardStage, RLHFStage, DPOStage, BestOfNStage)
}
_WHAT_THERE_IS = ""  # in a reward: the reward model if one was trained, else the task's own judge
# For models a thousand times larger than ours, after Huang et al. (2024), "The N+ implementation
# details of RLHF with PPO"; LoRA wants about ten times as much (Schulman and Thinking Machines
# 2025, "LoRA without regret").
LARGE_MODEL_RATE = 3e-6
LORA_FACTOR = 10
# Fine-tuning where the task's model begins at random: after 400 such steps it adds, not yet surely.
FROM_NOTHING: dict[str, Any] = {"batch_size": 96, "learning_rate": 2e-3}

Settings = Mapping[str, Mapping[str, Any]]  # kind of a stage → its settings


def stages_of(recipe: Recipe, further: Settings | None = None) -> dict[str, AnyStage]:
    """The settings of a recipe's stages by kind, in order; `going_on` fills in their folders.

    Args:
        recipe: the options.
        further: settings that have no option, by the kind of stage.

    Raises:
        UnknownNameError, InvalidSettingError: what cannot be used.
    """
    kinds = kinds_of(recipe)
    data: dict[str, dict[str, Any]] = {kind: _own_settings(kind, recipe) for kind in kinds}
    settings = options_set(recipe)
    for place, (option, value) in settings.items():
        used = {where.partition(".")[0] for where, given in settings.items() if given[0] == option}
        if not used & {"*", *kinds}:
            raise InvalidSettingError(
                option, value, f"means nothing to the stages {', '.join(kinds)}", "Leave it out"
            )
        kind, _, path = place.partition(".")
        for one in kinds if kind == "*" else [kind] if kind in data else []:
            _put(data[one], path, value)
    for kind, given in (further or {}).items():
        _add_further(kind, given, data)
    stages = {kind: stage_from_mapping(STAGES[kind], data[kind]) for kind in kinds}
    if recipe.pitfall is not None:
        stages = {kind: with_pitfall(stage, recipe.pitfall) for kind, stage in stages.items()}
    return stages


def going_on(stage: AnyStage, before: Mapping[str, Path]) -> AnyStage:
    """A stage that goes on from the folders of those before it, by their kinds.

    Raises:
        InvalidSettingError: the fine-tuned model or the reward model that it needs is not there.
    """
    if isinstance(stage, SFTStage):
        return stage
    sft, model = before.get("sft"), before.get(MODEL)
    if sft is None and stage.policy == BASE:
        raise InvalidSettingError(
            "sft", None, f"is missing: the stage {stage.kind} goes on from a fine-tuned model",
            "Give the folder of an SFT run by --sft, or run all stages",
        )  # fmt: skip
    named: dict[str, Any] = {"policy": str(sft or stage.policy)}
    if isinstance(stage, RLHFStage | BestOfNStage):
        named["reward"] = _with_model(stage.reward, model)
    elif isinstance(stage, DPOStage):
        named["comparisons"] = str(model or stage.comparisons)
    return dataclasses.replace(stage, **named)


def _own_settings(kind: str, recipe: Recipe) -> dict[str, Any]:
    """What depends on more than one option, or is not what a stage does by itself."""
    models, policy = recipe.models, recipe.policy
    reward = _WHAT_THERE_IS if policy.reward is None else policy.reward
    if kind == "best-of-n":
        training = {"n": numbers_of(policy.n)}
        return {"policy": recipe.model, "reward": reward, "training": training}
    if kind == "dpo":
        return {"policy": recipe.model, "training": _rate(recipe)}
    own: dict[str, Any] = {
        "huggingface": dataclasses.asdict(
            HuggingFaceSettings(
                models.prompts or "", models.pairs_file or "", models.lora_rank,
                models.lora_alpha, models.gradient_checkpointing, models.rollouts,
            )
        ),
        "training": _rate(recipe),
    }  # fmt: skip
    if kind == "sft" and recipe.task in VERIFIABLE and recipe.model == BASE:
        own["training"] = FROM_NOTHING | own["training"]
    if kind != "sft":
        own["policy"] = recipe.model
    if kind == RLHFStage.kind:
        own["reward"] = reward
        own["training"] |= {
            "algorithm": recipe.algorithm,
            "responses_per_prompt": 4 if recipe.algorithm in GROUPED else 1,
        }
        if models.lora_rank > 0 and recipe.algorithm == "ppo":
            # Beside an adapter a critic of its own would be a second copy of the model.
            own["training"]["shared_trunk"] = True
    return own


def _rate(recipe: Recipe) -> dict[str, float]:
    """The learning rate of a stage, where it is not the one that suits the course's own model."""
    if recipe.learning_rate is not None:
        return {"learning_rate": recipe.learning_rate}
    if recipe.model == BASE:
        return {}
    return {"learning_rate": LARGE_MODEL_RATE * (LORA_FACTOR if recipe.models.lora_rank else 1)}


def _add_further(kind: str, given: Any, data: dict[str, dict[str, Any]]) -> None:
    if kind not in data:
        raise UnknownNameError("stage", kind, list(data))
    for path, value in _leaves(given, kind):
        option = option_of(f"{kind}.{path}")
        if option is not None:
            raise InvalidSettingError(
                f"{kind}.{path}", value, "has an option of its own",
                f"Write {option} outside of `settings`",
            )  # fmt: skip
        _put(data[kind], path, value)


def _leaves(given: Any, kind: str) -> list[tuple[str, Any]]:
    """Settings and those of groups such as "training", by path."""
    if not isinstance(given, Mapping):
        raise InvalidSettingError(kind, given, "is not a group of settings", "Give a mapping")
    found: list[tuple[str, Any]] = []
    for name, value in given.items():
        if isinstance(value, Mapping):
            found += [(f"{name}.{inner}", leaf) for inner, leaf in value.items()]
        else:
            found.append((str(name), value))
    return found


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    group, _, name = path.rpartition(".")
    if group:
        data.setdefault(group, {})[name] = value
    else:
        data[name] = value


def _with_model(reward: str, model: Path | None) -> str:
    """What the policy is to please, with the reward model's folder in place of its name."""
    if reward == _WHAT_THERE_IS:
        return GOLD if model is None else str(model)
    terms = reward.split(" + ")
    named = [term.rpartition("*")[2].strip() for term in terms]
    if MODEL in named and model is None:
        raise InvalidSettingError(
            "reward", reward, "names a reward model, and there is none",
            "Give its folder by --reward-model, or run all stages",
        )  # fmt: skip
    return " + ".join(
        term.replace(MODEL, str(model)) if name == MODEL else term
        for term, name in zip(terms, named, strict=True)
    )
