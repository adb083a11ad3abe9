"""What a finished reward model leaves in its folder: itself, normalised, and a study of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch

from ppolab.language.generation import Sampling, generate
from ppolab.language.gpt import GPT
from ppolab.language.huggingface import stages as huggingface
from ppolab.language.huggingface.causal import HuggingFaceModel
from ppolab.language.models import LanguageModel
from ppolab.language.preference_data import PreferencePair, compare_answers
from ppolab.language.reward_model import RewardModel, ScoringModel
from ppolab.language.reward_stage import RewardStage
from ppolab.language.reward_study import study_reward_model
from ppolab.language.stage_models import BASE, AnyTask, Say, policy_named, task_of
from ppolab.language.store import MODEL_NAME, save_reward_model
from ppolab.language.tasks import Task, judged_by, task_named
from ppolab.language.tokens import TokenBatch

STUDY_NAME = "reward-study.json"
_SHIFTED_PAIRS = 256  # of the base model, that a reward model is tried on


def keep_reward_model(
    folder: Path, stage: RewardStage, model: ScoringModel, say: Say = lambda words: None
) -> None:
    """Normalise a finished reward model on fresh answers, and leave it in its folder.

    Scores then have mean 0 and standard deviation 1 on what the policy writes before RLHF begins.
    """
    policy: LanguageModel
    task: AnyTask
    trunk = model.language_model
    if isinstance(trunk, HuggingFaceModel):
        policy = huggingface.load_reference(stage.policy, trunk)
        task, rows = task_of(stage, trunk), 16
    else:
        task = task_named(stage.task)
        policy, rows = policy_named(stage.policy, task), 512
    say("normalising on 512 fresh answers")
    generator = torch.Generator().manual_seed(stage.training.seed + 1)
    prompts = task.prompts()[:512]
    sampling = Sampling(stage.longest_response)
    batches = []
    for start in range(0, len(prompts), rows):
        batch = TokenBatch.from_sequences(prompts[start : start + rows])
        batches.append(generate(policy, batch, sampling, task.tokenizer.end, generator).whole)
    model.float()
    model.normalize(batches)
    if isinstance(model, RewardModel) and isinstance(trunk, HuggingFaceModel):
        huggingface.keep_reward_model(folder, model, task.tokenizer)
    else:
        save_reward_model(folder / MODEL_NAME, model)


def keep_study(
    folder: Path, stage: RewardStage, model: ScoringModel, held_out: Sequence[PreferencePair]
) -> None:
    """Leave in the folder where a finished reward model can be trusted, as JSON.

    The held-out pairs that are given keep their labels, faults included. Where the answers came
    from a fine-tuned model, pairs that the base model wrote show a shift of what is judged.
    """
    if sum(not pair.tie for pair in held_out) < 2:
        return  # a toy's run: the model is what it was for
    trunk = model.language_model
    task = judged_by(task_of(stage, trunk), stage.judge)
    shifted: Sequence[PreferencePair] = ()
    if isinstance(task, Task) and isinstance(trunk, GPT) and stage.policy != BASE:
        generator = torch.Generator().manual_seed(stage.training.seed + 2)
        shifted = compare_answers(
            task.base_model(), task.tokenizer, task.prompts(), _SHIFTED_PAIRS,
            Sampling(stage.longest_response), task.gold, stage.rater, generator,
        )  # fmt: skip
        shifted = [pair for pair in shifted if not pair.tie]
    study = study_reward_model(model, held_out, task.tokenizer, shifted)
    text = json.dumps(study.to_mapping(), indent=1, allow_nan=False)
    (folder / STUDY_NAME).write_text(text, encoding="utf8")
