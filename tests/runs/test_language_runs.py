import dataclasses
import json
from pathlib import Path

import pytest

from ppolab.errors import InvalidSettingError, StorageError, UnknownNameError
from ppolab.language.config import RLHFConfig
from ppolab.language.preference_data import Rater
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_keeping import STUDY_NAME
from ppolab.language.reward_stage import RewardStage
from ppolab.language.rlhf_stage import RLHFStage
from ppolab.language.sft_stage import SFTStage
from ppolab.language.sft_training import SFTConfig
from ppolab.language.stage_settings import stage_from_mapping
from ppolab.language.store import MODEL_NAME, load_gpt, load_reward_model
from ppolab.runs import RunFolder, Runs
from ppolab.runs.session import NoControls, Session
from tiny_task import tiny_task

__all__ = ["tiny_task"]  # the fixture that every test here uses

SFT = SFTStage("tiny", training=SFTConfig(updates=30, batch_size=8, learning_rate=0.02,
                                          evaluate_every=10, dtype="float32"))  # fmt: skip


def reward_stage(policy: Path) -> RewardStage:
    training = RewardConfig(batch_size=8, evaluate_every=4, dtype="float32")
    return RewardStage("tiny", str(policy), 90, 12, training=training)


def rlhf_stage(policy: Path, reward: Path | str) -> RLHFStage:
    training = RLHFConfig(
        updates=4, batch_size=8, minibatch_size=4, epochs=2, longest_response=12,
        evaluate_every=2, evaluation_prompts=6, dtype="float32",
    )  # fmt: skip
    return RLHFStage("tiny", str(policy), str(reward), training)


def finished(folder: RunFolder) -> RunFolder:
    with folder.locked():
        assert Session(folder, NoControls()).run() == "finished", folder.status().words
    return folder


def test_three_stages_follow_each_other_and_leave_their_models(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    sft = finished(runs.create(SFT))
    perplexity = sft.fold().columns["perplexity"].values
    assert perplexity[-1] < perplexity[0]
    load_gpt(sft.path / MODEL_NAME)
    assert "perplexity" in sft.status().words

    reward = finished(runs.create(reward_stage(sft.path)))
    assert reward.manifest.kind == "reward-model"
    assert len(reward.fold().columns["rm_train_loss"].values) == reward.manifest.total_steps
    assert float(load_reward_model(reward.path / MODEL_NAME).scale) != 1.0  # it was normalised
    study = json.loads((reward.path / STUDY_NAME).read_text("utf8"))
    assert sum(study["counts"]) == 9  # a tenth of the pairs
    assert study["shifted"]["pairs"] == 256

    rlhf = finished(runs.create(rlhf_stage(sft.path, reward.path)))
    columns = rlhf.fold().columns
    assert len(columns["eval_gold"].values) == 3  # before, in the middle and at the end
    assert columns["eval_kl"].values[0] == pytest.approx(0.0, abs=1e-4)
    assert columns["first_minibatch_kl"].values[0] <= 1e-9
    load_gpt(rlhf.path / MODEL_NAME)


@pytest.mark.parametrize("name", ["sft", "reward-model", "rlhf"])
def test_a_stage_that_was_interrupted_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    sft = finished(runs.create(SFT))
    stage = {"sft": SFT, "reward-model": reward_stage(sft.path),
             "rlhf": rlhf_stage(sft.path, "gold")}[name]  # fmt: skip
    straight, broken = finished(runs.create(stage)), runs.create(stage)
    with broken.locked():
        walk = Session(broken, NoControls()).walk()
        for _ in range(3):
            next(walk)
        walk.close()
    assert broken.status().state == "interrupted"
    finished(broken)
    varying = {"responses_per_second"}
    for key, column in straight.fold().columns.items():
        if key not in varying:
            assert broken.fold().columns[key].values == column.values, key
    first, second = straight.path / MODEL_NAME, broken.path / MODEL_NAME
    assert first.read_bytes() == second.read_bytes()


def test_a_stage_without_the_one_before_it_says_which_is_missing(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    unfinished = runs.create(SFT)
    folder = runs.create(reward_stage(unfinished.path))
    with folder.locked():
        assert Session(folder, NoControls()).run() == "failed"
    assert "has left no model. Let the run finish first" in folder.status().words


def test_settings_that_cannot_be_used_are_named_before_anything_begins(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    with pytest.raises(
        UnknownNameError, match=r"task: 'verse' is not known. Known: arithmetic, austen, movies"
    ):
        runs.create(SFTStage("verse"))
    with pytest.raises(InvalidSettingError, match=r"pairs: 20 are too few for batches of 32"):
        runs.create(RewardStage("tiny", pairs=20))
    assert not list(tmp_path.glob("*/run.json"))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / MODEL_NAME).write_bytes(b"not a model")
    with pytest.raises(StorageError, match="is no gpt of ours"):
        load_gpt(tmp_path / MODEL_NAME)


def test_settings_of_reward_models_come_back_from_json_and_old_ones_still_load() -> None:
    stage = RewardStage("tiny", rater=Rater(ties=0.5), answers=2, annotators=3,
                        training=RewardConfig(loss="davidson", pooling="attention"))  # fmt: skip
    assert stage_from_mapping(RewardStage, json.loads(json.dumps(stage.to_mapping()))) == stage
    rlhf = RLHFStage("tiny", rule="worst", objectives=((0.5, "gold"),))
    again = stage_from_mapping(RLHFStage, json.loads(json.dumps(rlhf.to_mapping())))
    assert again == rlhf
    old = {"rater": {"steepness": 4.0, "careless": 0.0, "length_bias": 0.0},
           "training": {"seed": 1, "epochs": 1, "batch_size": 32, "learning_rate": 0.0005,
                        "weight_decay": 0.0, "label_smoothing": 0.0, "held_out": 0.1,
                        "evaluate_every": 50, "dtype": "auto"}}  # fmt: skip
    slow = RewardConfig(learning_rate=0.0005)
    assert stage_from_mapping(RewardStage, old) == RewardStage(training=slow)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RewardStage(answers=3), "cannot be compared by the loss bradley-terry"),
        (lambda: RewardStage(rater=Rater(ties=1.0)), "mean nothing to the loss bradley-terry"),
        (lambda: RewardStage(annotators=-1), "annotators: -1"),
        (lambda: RLHFStage(rule="median"), "rule: 'median' is not known"),
        (lambda: RLHFStage(caution=-1.0), "caution: -1.0"),
        (lambda: RLHFStage(objectives=(("gold", 1.0),)), "is no weight with a reward"),  # type: ignore[arg-type]
    ],
)
def test_stages_that_cannot_be_are_refused_in_words(make, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises((InvalidSettingError, UnknownNameError), match=words):
        make()


def test_an_ensemble_of_ranked_answers_is_kept_and_pleased_with_caution(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    training = RewardConfig(batch_size=8, evaluate_every=4, dtype="float32", ensemble="models",
                            members=2, loss="plackett-luce")  # fmt: skip
    stage = RewardStage("tiny", pairs=30, longest_response=12, training=training, answers=3,
                        annotators=2)  # fmt: skip
    reward = finished(runs.create(stage))
    assert reward.fold().columns["rm_disagreement"].values[-1] > 0
    assert len(load_reward_model(reward.path / MODEL_NAME).members) == 2  # type: ignore[arg-type]
    cautious = dataclasses.replace(
        rlhf_stage(Path("base"), reward.path), rule="worst", objectives=((0.5, "gold"),)
    )
    rewards = finished(runs.create(cautious)).fold().columns["reward"].values
    plain = finished(runs.create(rlhf_stage(Path("base"), reward.path)))
    assert plain.fold().columns["reward"].values[0] != rewards[0]
