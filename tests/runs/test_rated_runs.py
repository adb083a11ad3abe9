from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_language_runs import finished, tiny_task

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.huggingface.settings import HuggingFaceSettings
from ppolab.language.preference_data import Rater, read_pairs
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_stage import PAIRS_NAME, RewardStage
from ppolab.language.tasks import task_named
from ppolab.runs import Runs
from rated_cases import write_ratings

__all__ = ["tiny_task"]  # the fixture that every test here uses


@pytest.mark.parametrize(("loss", "ties"), [("bradley-terry", False), ("davidson", True)])
def test_a_reward_model_learns_from_what_people_said(loss: str, ties: bool, tmp_path: Path) -> None:
    moods = [("HAPPY", 3), ("Sad", -3), ("glad", 2), ("angry", -2)]
    tweets = [(f"{mood} in {n}", [rating, rating - 1, rating - 1])
              for n in range(40) for mood, rating in moods]  # fmt: skip
    path = write_ratings(tmp_path / "ratings", tweets)
    training = RewardConfig(batch_size=8, dtype="float32", learning_rate=5e-3, loss=loss, epochs=2)
    stage = RewardStage("tiny", pairs=300, longest_response=12, training=training,
                        ratings=str(path))  # fmt: skip
    run = finished(Runs(tmp_path / "runs").create(stage))
    pairs = read_pairs(run.path / PAIRS_NAME, task_named("tiny").tokenizer)
    texts = {task_named("tiny").tokenizer.decode(pair.chosen) for pair in pairs}
    assert len(pairs) == 300
    assert texts == {text.lower() for text in texts}  # as the course's tokenizer knows them
    assert any(pair.tie for pair in pairs) == ties
    assert run.fold().columns["rm_gold_accuracy"].values[-1] > 0.8


@pytest.mark.parametrize(
    ("further", "words"),
    [
        ({"rater": Rater(careless=0.5)}, "rater: .* means nothing where people's ratings decide"),
        ({"annotators": 3}, "annotators: 3 means nothing"),
        ({"answers": 4, "training": RewardConfig(loss="plackett-luce")}, "answers: 4 means noth"),
        ({"huggingface": HuggingFaceSettings(pairs="p.jsonl")}, "comes beside a file of pairs"),
        ({"training": RewardConfig(fault="length-bias")}, "here people's ratings decide"),
    ],
)
def test_what_only_a_simulated_rater_has_is_refused(further: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSettingError, match=words):
        RewardStage(ratings="vaderSentiment-3.3.2.tar.gz", **further)


def test_who_decides_is_checked_before_anything_begins() -> None:
    with pytest.raises(UnknownNameError, match="Known: person, mean"):
        RewardStage(rated_by="median")
