"""Stages of a preset as runs that follow one another, on a task whose language has forty words."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
from test_language_runs import finished

from ppolab.errors import ConflictError, InvalidSettingError, PPOLabError
from ppolab.language.presets import RecipePreset
from ppolab.language.recipe import recipe_from_mapping
from ppolab.runs import RunFolder, Runs
from ppolab.runs.folder import write_manifest
from ppolab.runs.session import NoControls, Session
from ppolab.runs.stage_chain import begin_next, create_chain, follower_of, stages_before
from ppolab.runs.stage_results import figures_of, texts_of_run
from tiny_task import tiny_task

__all__ = ["tiny_task"]  # the fixture that every test here uses

OPTIONS = {
    "task": "tiny", "sft-updates": 4, "pairs": 90, "updates": 2, "batch-size": 8,
    "minibatch-size": 8, "epochs": 1, "longest-response": 8, "dtype": "float32",
}  # fmt: skip
OF_PPO = ("updates", "batch-size", "minibatch-size", "epochs")


def preset(**options: Any) -> RecipePreset:
    settings = {"rlhf": {"training": {"evaluate_every": 1, "evaluation_prompts": 6}}}
    given = {**OPTIONS, **options}
    if "algorithm" in options:  # the others are told nothing of PPO's updates
        given = {name: value for name, value in given.items() if name not in OF_PPO}
    recipe = recipe_from_mapping(given)
    return RecipePreset("tiny-ppo", "", "", recipe, {} if options else settings)


@pytest.fixture
def chain(runs: Runs) -> list[RunFolder]:
    """Three finished stages."""
    folders = [finished(create_chain(runs, preset(), {}))]
    for _ in range(2):
        folders.append(finished(begin_next(runs, folders[-1])))
    return folders


def test_each_stage_goes_on_from_those_before_and_names_those_after(
    runs: Runs, chain: list[RunFolder]
) -> None:
    sft, reward, rlhf = chain
    assert [folder.manifest.kind for folder in chain] == ["sft", "reward-model", "rlhf"]
    assert [stage["kind"] for stage in sft.manifest.then] == ["reward-model", "rlhf"]
    assert rlhf.manifest.then == []
    assert {folder.manifest.preset for folder in chain} == {"tiny-ppo"}
    assert reward.manifest.config["policy"] == str(sft.path)
    assert rlhf.manifest.config["reward"] == str(reward.path)
    assert stages_before(runs, rlhf) == {
        "sft": sft.path, "reward-model": reward.path, "rlhf": rlhf.path,
    }  # fmt: skip
    assert [follower_of(runs, folder) for folder in chain] == [reward, rlhf, None]


def test_a_stage_is_begun_once_and_only_after_a_finished_one(runs: Runs) -> None:
    first = create_chain(runs, preset(), {})
    with pytest.raises(ConflictError, match="nothing can go on from it yet"):
        begin_next(runs, first)
    finished(first)
    second = begin_next(runs, first)
    with pytest.raises(ConflictError, match=f"goes on in {second.id} already"):
        begin_next(runs, first)


def test_a_run_that_nothing_follows_says_so(runs: Runs, chain: list[RunFolder]) -> None:
    with pytest.raises(ConflictError, match="is followed by no stage"):
        begin_next(runs, chain[-1])


def test_another_preset_goes_on_from_a_finished_stage(runs: Runs, chain: list[RunFolder]) -> None:
    sft, reward, rlhf = chain
    dpo = create_chain(runs, preset(algorithm="dpo"), {}, after=reward)
    assert (dpo.manifest.kind, dpo.manifest.then) == ("dpo", [])
    assert dpo.manifest.config["comparisons"] == str(reward.path)
    assert dpo.manifest.config["policy"] == str(sft.path)
    again = create_chain(runs, preset(), {"pairs": 100}, after=sft)
    assert (again.manifest.kind, again.manifest.config["pairs"]) == ("reward-model", 100)
    assert follower_of(runs, sft) == again  # the newest
    with pytest.raises(ConflictError, match="after which nothing of this preset comes"):
        create_chain(runs, preset(), {}, after=rlhf)
    with pytest.raises(ConflictError, match="nothing can go on from it yet"):
        create_chain(runs, preset(), {}, after=again)
    with pytest.raises(ConflictError, match="learned the task tiny, not austen"):
        create_chain(runs, preset(task="austen"), {}, after=sft)


@pytest.mark.parametrize(
    ("name", "value"),
    [("reward", "my.py:fn"), ("model", "org/x"), ("prompts", "/a"), ("pairs-file", "/a")],
)
def test_a_request_chooses_no_code_and_no_files(runs: Runs, name: str, value: str) -> None:
    with pytest.raises(InvalidSettingError, match="ppolab rlhf --" + name):
        create_chain(runs, preset(), {name: value})
    assert runs.list() == []


def test_overrides_are_options_and_reach_stages_that_come_later(runs: Runs) -> None:
    folder = create_chain(runs, preset(), {"kl-coef": 0.4, "seed": 7})
    assert folder.manifest.seed == 7
    rlhf = folder.manifest.then[1]["config"]["training"]
    assert (rlhf["kl_coef"], rlhf["seed"]) == (0.4, 7)
    with pytest.raises(PPOLabError, match="kl_coeff"):
        create_chain(runs, preset(), {"kl_coeff": 0.4})


def test_figures_are_the_first_and_newest_measurement(chain: list[RunFolder]) -> None:
    for folder, keys in zip(chain, (["perplexity"], ["rm_accuracy"], None), strict=True):
        columns = folder.fold().columns
        figures = {figure.key: figure for figure in figures_of(folder)}
        assert keys is None or list(figures) == keys
        for key, figure in figures.items():
            measured = columns[key].values
            assert columns[key].steps[0] == 0
            assert (figure.before, figure.after) == (measured[0], measured[-1])
    assert list(figures) == [
        "eval_gold",
        "eval_reward",
        "eval_kl",
        "eval_distinct_2",
        "eval_length",
    ]
    for folder in (chain[0], chain[2]):
        samples = [event for event in folder.read() if event.type == "sample"]
        assert (samples[0].step, samples[-1].step) == (0, folder.manifest.total_steps)
        before, after = texts_of_run(folder)
        assert (before, after) == (samples[0].data["texts"], samples[-1].data["texts"])
        assert len(before) == 4
    assert texts_of_run(chain[1]) == ([], [])


def test_best_of_one_is_what_best_of_n_is_compared_with(runs: Runs, chain: list[RunFolder]) -> None:
    folder = create_chain(
        runs,
        dataclasses.replace(
            preset(algorithm="best-of-n", n="1,4"),
            settings={"best-of-n": {"training": {"prompts": 6}}},
        ),
        {},
        after=chain[1],
    )
    finished(folder)
    figures = {figure.key: figure for figure in figures_of(folder)}
    columns = folder.fold().columns
    assert figures["eval_reward"].before == columns["bon_reward/1"].values[-1]
    assert figures["eval_kl"].before == 0.0
    assert figures["eval_reward"].after == columns["eval_reward"].values[-1]
    assert figures["eval_reward"].after > figures["eval_reward"].before


def test_an_interrupted_stage_ends_as_an_uninterrupted_one_and_is_followed(
    runs: Runs, chain: list[RunFolder]
) -> None:
    broken = create_chain(runs, preset(), {})
    with broken.locked():
        walk = Session(broken, NoControls()).walk()
        next(walk)
        walk.close()
    finished(broken)
    straight = chain[0].fold().columns["sft_loss"].values
    assert broken.fold().columns["sft_loss"].values == straight
    assert begin_next(runs, broken).manifest.config["policy"] == str(broken.path)


def test_a_folder_that_is_gone_is_left_out(runs: Runs, chain: list[RunFolder]) -> None:
    runs.delete(chain[0].id)
    assert list(stages_before(runs, chain[2])) == ["reward-model", "rlhf"]
    assert not Path(chain[0].path).exists()


def test_stages_that_came_with_the_course_name_each_other_by_id_and_leave_no_model(
    chain: list[RunFolder], tmp_path: Path
) -> None:
    recorded = tmp_path / "recorded"
    ids = {str(folder.path): f"tiny-{folder.manifest.kind}" for folder in chain}
    for folder in chain:
        target = recorded / ids[str(folder.path)]
        target.mkdir(parents=True)
        config = {key: ids.get(str(value), value) for key, value in folder.manifest.config.items()}
        write_manifest(target, dataclasses.replace(folder.manifest, config=config))
        shutil.copy(folder.path / "events.jsonl", target)
    installed = Runs(tmp_path / "own", recorded)
    last = installed.get("tiny-rlhf")
    assert [path.name for path in stages_before(installed, last).values()] == list(ids.values())
    follower = follower_of(installed, installed.get("tiny-sft"))
    assert follower is not None
    assert follower.id == "tiny-reward-model"
    with pytest.raises(ConflictError, match="came with the course, without its model"):
        create_chain(installed, preset(), {}, after=installed.get("tiny-sft"))
