"""Pitfalls on the task that comes with the course, each by its name and each with its alert.

The policy that is held, and raises none, is among the recorded runs.
"""

from __future__ import annotations

import pytest
import torch
from test_language_runs import finished

from ppolab.language.config import RLHFConfig
from ppolab.language.pitfalls import PITFALLS, with_pitfall
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_stage import RewardStage
from ppolab.language.rlhf_stage import RLHFStage
from ppolab.language.sft_stage import SFTStage
from ppolab.language.sft_training import SFTConfig
from ppolab.runs import RunFolder, Runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def alerts(folder: RunFolder) -> list[str]:
    return [event.data["kind"] for event in folder.read() if event.type == "alert"]


def last(folder: RunFolder, key: str) -> float:
    return folder.fold().columns[key].values[-1]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    torch.set_num_threads(1)
    return Runs(tmp_path_factory.mktemp("austen"))


@pytest.fixture(scope="module")
def sft(runs: Runs) -> RunFolder:
    return finished(runs.create(SFTStage(training=SFTConfig(updates=60))))


@pytest.fixture(scope="module")
def reward_stage(sft: RunFolder) -> RewardStage:
    training = RewardConfig(batch_size=16, learning_rate=2e-3, evaluate_every=50)
    return RewardStage(policy=str(sft.path), pairs=2400, training=training)


@pytest.fixture(scope="module")
def sound(runs: Runs, reward_stage: RewardStage) -> RunFolder:
    return finished(runs.create(reward_stage))


@pytest.mark.parametrize("name", ["swapped-pairs", "length-bias"])
def test_a_reward_model_with_a_pitfall_is_caught_and_a_sound_one_is_not_accused(
    name: str, runs: Runs, reward_stage: RewardStage, sound: RunFolder
) -> None:
    faulty = finished(runs.create(with_pitfall(reward_stage, name)))
    assert PITFALLS[name].caught_by in alerts(faulty)
    assert alerts(sound) == []
    assert last(sound, "rm_gold_accuracy") > 0.55


def test_nothing_that_holds_the_policy_ends_in_one_answer_which_is_told(
    runs: Runs, sft: RunFolder, sound: RunFolder
) -> None:
    training = RLHFConfig(updates=100, shared_trunk=True)
    stage = RLHFStage(policy=str(sft.path), reward=str(sound.path), training=training)
    loose = finished(runs.create(with_pitfall(stage, "kl-off")))
    assert {"KL runaway", "mode collapse", "reward hacking"} <= set(alerts(loose))
    # Less than half is left; with the preset's reward model and critic a fifth (recorded runs).
    assert last(loose, "eval_distinct_2") < 0.4
    assert last(loose, "eval_reward") > 2  # it looks like success
