from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from test_language_runs import SFT, finished, reward_stage, rlhf_stage

from ppolab.errors import StorageError, UnknownNameError
from ppolab.language.best_of_n import BestOfNConfig
from ppolab.language.dpo import DPOConfig
from ppolab.language.pitfalls import PITFALLS, reward_at_padding, with_pitfall
from ppolab.language.preference_data import read_pairs
from ppolab.language.reward_stage import PAIRS_NAME, RewardStage
from ppolab.language.rival_stages import CURVE_NAME, BestOfNStage, DPOStage
from ppolab.language.rlhf_stage import RLHFStage
from ppolab.language.store import MODEL_NAME, load_gpt
from ppolab.language.tasks import task_named
from ppolab.runs import RunFolder, Runs
from ppolab.runs.kinds import run_kind
from ppolab.runs.session import NoControls, Session
from tiny_task import tiny_task

__all__ = ["tiny_task"]  # the fixture that every test here uses


def alerts(folder: RunFolder) -> list[str]:
    return [event.data["kind"] for event in folder.read() if event.type == "alert"]


def test_dpo_learns_from_the_pairs_that_the_reward_stage_left(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    sft = finished(runs.create(SFT))
    reward = finished(runs.create(reward_stage(sft.path)))
    assert len(read_pairs(reward.path / PAIRS_NAME, task_named("tiny").tokenizer)) == 90
    training = DPOConfig(batch_size=9, dtype="float32", longest_response=12, evaluate_every=5,
                         evaluation_prompts=6)  # fmt: skip
    dpo = finished(runs.create(DPOStage("tiny", str(sft.path), str(reward.path), training)))
    assert dpo.manifest.total_steps == 9  # 81 pairs are left of 90
    columns = dpo.fold().columns
    assert columns["dpo_loss"].values[0] == pytest.approx(0.6931, abs=1e-3)
    assert columns["eval_kl"].values[0] == pytest.approx(0.0, abs=1e-4)
    assert len(columns["dpo_held_out_accuracy"].values) == 3
    load_gpt(dpo.path / MODEL_NAME)
    with pytest.raises(StorageError, match=r"holds no pairs\.jsonl"):
        runs.create(DPOStage("tiny", str(sft.path), str(sft.path), training))


def test_best_of_n_goes_on_after_an_interruption_and_leaves_its_curve(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    stage = BestOfNStage("tiny", training=BestOfNConfig(n=(1, 2, 4, 8), prompts=6,
                                                        prompts_at_a_time=2,
                                                        longest_response=12))  # fmt: skip
    straight, broken = finished(runs.create(stage)), runs.create(stage)
    with broken.locked():
        walk = Session(broken, NoControls()).walk()
        next(walk)
        walk.close()
    finished(broken)
    curve = json.loads((straight.path / CURVE_NAME).read_text())
    assert json.loads((broken.path / CURVE_NAME).read_text()) == curve
    rewards = [point["reward"] for point in curve["points"]]
    assert rewards == sorted(rewards)  # the judge is the chooser: more choice is never worse
    assert rewards == [point["gold"] for point in curve["points"]]
    assert curve["points"][0]["kl"] == 0.0
    assert curve["law"]["method"] == "best-of-n"


def test_reward_at_padding_is_caught_once_and_sound_code_is_not_accused(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    # A fine-tuned model ends its answers at different lengths, which it takes for padding to be.
    stage = rlhf_stage(finished(runs.create(SFT)).path, "gold")
    sound = finished(runs.create(stage))
    assert "misplaced reward" not in alerts(sound)
    faulty = finished(runs.create(with_pitfall(stage, "reward-at-padding")))
    assert alerts(faulty).count("misplaced reward") == 1
    (event,) = [e for e in faulty.read() if e.data.get("kind") == "misplaced reward"]
    assert "after its last token" in event.data["found"]
    assert "last token of the response" in event.data["try"]


def test_reward_at_padding_pays_the_last_column_by_hand() -> None:
    kl = torch.tensor([[1.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    paid = reward_at_padding(torch.tensor([5.0, 7.0]), kl, torch.tensor([1, 3]), 0.5)
    assert paid.tolist() == [[-0.5, 0.0, 5.0], [-0.5, -1.0, 5.5]]


@pytest.mark.parametrize("name", sorted(PITFALLS))
def test_a_pitfall_changes_its_stage_alone_and_a_monitor_of_the_named_stage_watches(
    name: str,
) -> None:
    pitfall = PITFALLS[name]
    stages = {"reward-model": RewardStage(), "rlhf": RLHFStage()}
    for kind, stage in stages.items():
        changed = with_pitfall(stage, name)
        assert (changed != stage) == (kind == pitfall.stage)
    watched_by = run_kind(pitfall.caught_in).monitors(stages[pitfall.caught_in].to_mapping())
    assert pitfall.caught_by in {monitor.kind for monitor in watched_by}


def test_an_unknown_pitfall_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match="kl-off"):
        with_pitfall(RLHFStage(), "nope")
    with pytest.raises(UnknownNameError, match="reward-at-padding"):
        dataclasses.replace(RLHFStage(), fault="nope")
