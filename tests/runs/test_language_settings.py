"""Settings of a stage that are changed while it goes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_runs import Orders, series

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.best_of_n import BestOfNConfig
from ppolab.language.changeable import changeable
from ppolab.language.config import RLHFConfig
from ppolab.language.dpo import DPOConfig
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_stage import RewardStage
from ppolab.language.rlhf_stage import RLHFStage, rlhf_trainer
from ppolab.language.sft import warmup_then_decay
from ppolab.language.sft_stage import SFTStage
from ppolab.language.sft_training import SFTConfig
from ppolab.recorder import NullRecorder
from ppolab.runs import RunFolder, Runs
from ppolab.runs.checkpoints import load_newest_checkpoint
from ppolab.runs.fold import Column
from ppolab.runs.kinds import Configuration
from ppolab.runs.language_monitors.drift import KLRunaway
from ppolab.runs.session import NoControls, Session
from tiny_task import tiny_task

__all__ = ["tiny_task"]  # the fixture that every test here uses

CONFIG = RLHFConfig(
    updates=6, batch_size=8, minibatch_size=4, epochs=2, longest_response=12, warmup_updates=0,
    evaluate_every=3, evaluation_prompts=6, dtype="float32", learning_rate=0.002,
)  # fmt: skip

FINE_TUNING = SFTStage("tiny", training=SFTConfig(updates=6, batch_size=8, dtype="float32"))


def rlhf(**changes: Any) -> RLHFStage:
    return RLHFStage("tiny", training=dataclasses.replace(CONFIG, **changes))


def driven(runs: Runs, stage: Configuration, **orders: dict[str, Any]) -> RunFolder:
    """A run to its end or to an order to stop; `after_2` is given after two iterations."""
    folder = runs.create(stage)
    given = Orders({int(key.removeprefix("after_")): told for key, told in orders.items()})
    with folder.locked():
        assert Session(folder, given, given.note).run() != "failed", folder.status().words
    return folder


def setting(name: str, value: float) -> dict[str, Any]:
    return {"action": "set", "name": name, "value": value}


def told(folder: RunFolder) -> dict[str, Any]:
    """What was measured, but speeds."""
    return {key: of for key, of in series(folder).items() if not key.endswith("per_second")}


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (CONFIG, ["kl_target", "learning_rate", "clip_range"]),
        (dataclasses.replace(CONFIG, kl_controller="fixed"),
         ["kl_coef", "learning_rate", "clip_range"]),
        (dataclasses.replace(CONFIG, kl_coef=0.0), ["kl_coef", "learning_rate", "clip_range"]),
        (SFTConfig(), ["learning_rate"]),
        (RewardConfig(), ["learning_rate"]),
        (DPOConfig(), ["beta", "learning_rate"]),
        (BestOfNConfig(), []),
    ],
)  # fmt: skip
def test_what_may_be_changed_is_what_steers_the_training(config: Any, names: list[str]) -> None:
    assert [found.name for found in changeable(config.to_mapping())] == names


def test_a_new_target_steers_the_price_of_a_nat_from_where_it_is(tmp_path: Path) -> None:
    folder = driven(Runs(tmp_path), rlhf(), after_2=setting("kl_target", 1.5))
    columns = folder.fold().columns
    kl, price = columns["kl"].values, columns["kl_coef"].values
    targets = [8.0, 8.0, 1.5, 1.5, 1.5, 1.5]
    assert list(columns["kl_target"].values) == targets
    expected = [0.1]
    for observed, target in zip(kl, targets, strict=True):  # Ziegler et al. (2019), §2.2
        error = min(max(observed / target - 1, -0.2), 0.2)
        expected.append(expected[-1] * (1 + error * 8 / 1000))
    assert list(price) == pytest.approx(expected[:-1], rel=1e-12)
    (event,) = [event for event in folder.read() if event.type == "setting"]
    assert (event.step, event.data) == (2, {"name": "kl_target", "value": 1.5, "from": 8.0})


@pytest.mark.parametrize("algorithm", ["ppo", "rloo", "grpo", "reinforce++"])
def test_a_new_price_and_rate_hold_from_the_next_update(tmp_path: Path, algorithm: str) -> None:
    stage = rlhf(
        algorithm=algorithm, kl_controller="fixed", responses_per_prompt=2,
        final_learning_rate=1.0,
    )  # fmt: skip
    folder = driven(
        Runs(tmp_path), stage, after_1=setting("kl_coef", 0.5),
        after_3=setting("learning_rate", 1e-7), after_4=setting("clip_range", 0.9),
    )  # fmt: skip
    columns = folder.fold().columns
    assert list(columns["kl_coef"].values) == [0.1, 0.5, 0.5, 0.5, 0.5, 0.5]
    rates = columns["learning_rate"].values
    assert list(rates) == pytest.approx([0.002, 0.002, 0.002, 1e-7, 1e-7, 1e-7])
    # With hardly any step the ratios stay where they were.
    assert columns["ratio_max"].values[2] > 1.01 > columns["ratio_max"].values[3]


def test_a_clip_range_that_was_widened_cuts_nothing_any_more(tmp_path: Path) -> None:
    stage = rlhf(clip_range=0.02, final_learning_rate=1.0)
    columns = driven(Runs(tmp_path), stage, after_3=setting("clip_range", 1.0)).fold().columns
    shares = columns["clip_fraction"].values
    assert min(shares[1:3]) > 0.1
    assert max(shares[3:]) < 0.5 * min(shares[1:3])


@pytest.mark.parametrize(
    ("stage", "name", "value"),
    [
        (rlhf(), "kl_target", 1.5),
        (rlhf(kl_controller="fixed"), "kl_coef", 0.4),
        (rlhf(), "learning_rate", 1e-4),
        (FINE_TUNING, "learning_rate", 1e-4),
        (RewardStage("tiny", pairs=90, longest_response=12,
                     training=RewardConfig(batch_size=12, dtype="float32")),
         "learning_rate", 1e-4),
        (RewardStage("tiny", pairs=90, longest_response=12,
                     training=RewardConfig(batch_size=12, members=2, dtype="float32")),
         "learning_rate", 1e-4),
    ],
)  # fmt: skip
def test_a_run_with_a_changed_setting_goes_on_from_its_checkpoint_bit_for_bit(
    tmp_path: Path, stage: Configuration, name: str, value: float
) -> None:
    runs = Runs(tmp_path)
    whole = driven(runs, stage, after_2=setting(name, value))
    cut = driven(runs, stage, after_2=setting(name, value), after_4={"action": "stop"})
    assert cut.status().state == "stopped"
    with cut.locked():
        assert Session(cut, NoControls()).run() == "finished"
    assert told(cut) == told(whole)
    untouched = told(driven(runs, stage))
    assert untouched != told(whole), "the setting changes nothing, and this test proves nothing"
    first, second = load_newest_checkpoint(whole.path), load_newest_checkpoint(cut.path)
    assert first is not None
    assert second is not None
    assert first[2] == second[2]
    for key, tensor in first[1].items():
        assert torch.equal(tensor, second[1][key]), key


def test_a_stage_that_crashed_before_its_first_checkpoint_tells_its_beginning_once(
    tmp_path: Path,
) -> None:
    runs = Runs(tmp_path)
    whole, folder = driven(runs, FINE_TUNING), runs.create(FINE_TUNING)

    def crash(step: int, metrics: dict[str, float]) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with folder.locked():
        assert Session(folder, NoControls(), crash).run() == "interrupted"
    assert load_newest_checkpoint(folder.path) is None
    with folder.locked():
        assert Session(folder, NoControls()).run() == "finished"
    assert told(folder) == told(whole)
    assert list(folder.fold().columns["perplexity"].steps) == [0, 6]
    assert series(folder)["perplexity"] == told(whole)["perplexity"]


def test_a_stage_that_is_stopped_while_it_prepares_begins_anew_later(tmp_path: Path) -> None:
    runs, stop = Runs(tmp_path), {"action": "stop"}
    whole = driven(runs, FINE_TUNING)
    heard: list[str] = []
    folder = runs.create(FINE_TUNING)
    with folder.locked():
        assert Session(folder, Orders({0: stop}), on_words=heard.append).run() == "stopped"
    assert heard == ["reading Tiny"]  # and then it did not begin
    assert folder.status().words == "stopped before it began"
    assert load_newest_checkpoint(folder.path) is None
    with folder.locked():
        assert Session(folder, NoControls()).run() == "finished"
    assert told(folder) == told(whole)


def test_the_rate_of_fine_tuning_keeps_its_shape(tmp_path: Path) -> None:
    folder = driven(Runs(tmp_path), FINE_TUNING, after_2=setting("learning_rate", 1e-4))
    full = [1e-3] * 2 + [1e-4] * 4
    expected = [rate * warmup_then_decay((done + 1) / 6) for done, rate in enumerate(full)]
    assert list(folder.fold().columns["learning_rate"].values) == pytest.approx(expected)


def test_a_checkpoint_from_before_there_were_live_settings_is_read() -> None:
    trainer = rlhf_trainer(rlhf(), NullRecorder(), lambda words: None)
    tensors, extra = trainer.state()
    del extra["live_settings"]
    assert trainer.restore(tensors, {**extra, "kl_coef": 0.25})
    assert trainer.kl_controller.coefficient == 0.25
    assert trainer.config == CONFIG


def test_what_cannot_be_set_is_refused_with_what_can() -> None:
    trainer = rlhf_trainer(rlhf(), NullRecorder(), lambda words: None)
    with pytest.raises(UnknownNameError, match="kl_target"):
        trainer.change("kl_coef", 0.2)  # the controller steers it
    with pytest.raises(InvalidSettingError, match=r"0\.5 to 50"):
        trainer.change("kl_target", 0.0)
    assert trainer.config == CONFIG


def test_a_runaway_is_measured_by_the_target_that_is_set() -> None:
    kl = Column()
    for step in range(5):
        kl.append(step, 30.0)
    for target, found in ((8.0, True), (12.0, False)):
        aim = Column()
        aim.append(0, 4.0)
        aim.append(4, target)
        finding = KLRunaway(limit=24.0).judge({"kl": kl, "kl_target": aim})
        assert (finding is not None) == found
