import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ppolab.errors import InvalidSettingError, PPOLabError, UnknownNameError
from ppolab.language.arithmetic import ArithmeticTask
from ppolab.language.huggingface.settings import HuggingFaceSettings
from ppolab.language.pipeline import STAGES, going_on, stages_of
from ppolab.language.presets import load_recipe, read_recipe, recipe_names
from ppolab.language.recipe import (
    SETS,
    VERIFIABLE,
    ModelOptions,
    PolicyOptions,
    Recipe,
    groups,
    kinds_of,
    recipe_from_mapping,
)
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_stage import RewardStage
from ppolab.language.rlhf_stage import RLHFStage
from ppolab.language.sft_stage import SFTStage
from ppolab.language.sft_training import SFTConfig
from ppolab.language.tasks import TASKS


def setting(stage: Any, path: str) -> Any:
    for name in path.split("."):
        stage = getattr(stage, name)
    return stage


OPTIONS = [
    (option, place)
    for part in (Recipe, *groups().values())
    for option in dataclasses.fields(part)
    for place in option.metadata.get(SETS, ())
]


@pytest.mark.parametrize(("option", "place"), OPTIONS, ids=lambda item: getattr(item, "name", item))
def test_an_option_has_the_default_of_each_setting_that_it_sets(option: Any, place: str) -> None:
    kind, _, path = place.partition(".")
    for stage in STAGES.values() if kind == "*" else [STAGES[kind]]:
        default = setting(stage(), path)
        assert option.default == default or option.name == "responses_per_prompt"


def test_the_plain_recipe_is_the_stages_at_their_defaults() -> None:
    assert stages_of(Recipe()) == {
        "sft": SFTStage(),
        "reward-model": RewardStage(),
        "rlhf": RLHFStage(reward=""),
    }


def test_options_arrive_in_the_settings_of_their_stages() -> None:
    stages = stages_of(
        recipe_from_mapping(
            {
                "seed": 5, "sft-updates": 7, "pairs": 90, "careless": 0.2, "pooling": "attention",
                "reward-head": "mlp", "ensemble": "heads", "members": 3, "rule": "worst",
                "label-smoothing": 0.1, "kl-estimator": "k3", "kl-controller": "fixed",
                "shared-trunk": True, "longest-response": 9, "learning-rate": 0.01,
            }
        )
    )  # fmt: skip
    sft, reward, rlhf = stages.values()
    assert isinstance(sft, SFTStage)
    assert isinstance(reward, RewardStage)
    assert isinstance(rlhf, RLHFStage)
    assert [stage.training.seed for stage in (sft, reward, rlhf)] == [5, 5, 5]
    assert [stage.training.learning_rate for stage in (sft, reward, rlhf)] == [0.01] * 3
    assert (sft.training.updates, reward.pairs, reward.rater.careless) == (7, 90, 0.2)
    assert reward.training == RewardConfig(
        seed=5, learning_rate=0.01, pooling="attention", head="mlp", ensemble="heads", members=3,
        label_smoothing=0.1,
    )  # fmt: skip
    assert (reward.longest_response, rlhf.training.longest_response) == (9, 9)
    assert (rlhf.rule, rlhf.training.kl_estimator, rlhf.training.kl_controller) == (
        "worst", "k3", "fixed",
    )  # fmt: skip
    assert rlhf.training.shared_trunk


@pytest.mark.parametrize(
    ("algorithm", "kind", "answers"),
    [("ppo", "rlhf", 1), ("grpo", "rlhf", 4), ("rloo", "rlhf", 4), ("dpo", "dpo", None)],
)
def test_the_algorithm_chooses_the_last_stage(
    algorithm: Any, kind: str, answers: int | None
) -> None:
    last = list(stages_of(Recipe(algorithm=algorithm)).values())[-1]
    assert last.kind == kind
    assert answers is None or setting(last, "training.responses_per_prompt") == answers


def test_prompts_of_ones_own_without_pairs_have_no_reward_model() -> None:
    assert kinds_of(Recipe(models=ModelOptions(prompts="p.jsonl"))) == ("sft", "rlhf")
    both = Recipe(models=ModelOptions(prompts="p.jsonl", pairs_file="c.jsonl"))
    assert kinds_of(both) == ("sft", "reward-model", "rlhf")


def test_where_a_rule_judges_there_is_no_reward_model_unless_one_is_asked_for() -> None:
    assert {name for name, task in TASKS.items() if isinstance(task, ArithmeticTask)} == set(
        VERIFIABLE
    )
    assert kinds_of(Recipe("arithmetic")) == ("sft", "rlhf")
    assert kinds_of(Recipe("arithmetic", algorithm="best-of-n")) == ("sft", "best-of-n")
    assert kinds_of(Recipe("arithmetic", algorithm="dpo")) == ("sft", "reward-model", "dpo")
    asked = Recipe("arithmetic", policy=PolicyOptions(reward="gold + 0.5*reward-model"))
    assert kinds_of(asked) == ("sft", "reward-model", "rlhf")


def test_a_model_that_begins_at_random_is_fine_tuned_in_larger_steps() -> None:
    stages = stages_of(Recipe("arithmetic"))
    assert setting(stages["sft"], "training.batch_size") == 96
    assert setting(stages["sft"], "training.learning_rate") == 2e-3
    assert stages["rlhf"] == RLHFStage("arithmetic", reward="")
    own = stages_of(Recipe("arithmetic", learning_rate=0.01))["sft"]
    assert setting(own, "training.learning_rate") == 0.01
    large = stages_of(Recipe("arithmetic", model="org/model"))["sft"]
    assert setting(large, "training") == SFTConfig(learning_rate=3e-6)


def test_large_models_learn_slowly_and_adapters_ten_times_as_fast() -> None:
    plain = stages_of(Recipe(model="org/model", policy=PolicyOptions(shared_trunk=True)))
    lora = stages_of(Recipe(model="org/model", models=ModelOptions(lora_rank=4)))
    assert setting(plain["rlhf"], "training.learning_rate") == 3e-6
    assert setting(lora["rlhf"], "training.learning_rate") == pytest.approx(3e-5)
    assert setting(lora["rlhf"], "training.shared_trunk")
    assert setting(lora["sft"], "huggingface") == HuggingFaceSettings(lora_rank=4)


def test_a_stage_goes_on_from_the_folders_before_it() -> None:
    sft, model = Path("runs/a"), Path("runs/b")
    stages = stages_of(Recipe(policy=PolicyOptions(reward="reward-model + 0.5*my.py:polite")))
    reward = going_on(stages["reward-model"], {"sft": sft})
    rlhf = going_on(stages["rlhf"], {"sft": sft, "reward-model": model})
    assert setting(reward, "policy") == setting(rlhf, "policy") == "runs/a"
    assert setting(rlhf, "reward") == "runs/b + 0.5*my.py:polite"
    dpo = going_on(stages_of(Recipe(algorithm="dpo"))["dpo"], {"sft": sft, "reward-model": model})
    assert setting(dpo, "comparisons") == "runs/b"


def test_without_a_reward_model_the_judge_is_pleased_unless_one_was_asked_for() -> None:
    rlhf = stages_of(Recipe())["rlhf"]
    assert setting(going_on(rlhf, {"sft": Path("a")}), "reward") == "gold"
    asked = stages_of(Recipe(policy=PolicyOptions(reward="reward-model")))["rlhf"]
    with pytest.raises(InvalidSettingError, match="names a reward model, and there is none"):
        going_on(asked, {"sft": Path("a")})
    with pytest.raises(InvalidSettingError, match="goes on from a fine-tuned model"):
        going_on(rlhf, {})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kl_coeff": 1}, "option: 'kl_coeff' is not known"),
        ({"kl-coef": "much"}, "kl_coef: 'much' is not a number. Give a number such as 0.001"),
        ({"learning-rate": "1e-3"}, "YAML takes 1e-3 for text"),
        ({"updates": 2.5}, "updates: 2.5 is not a whole number"),
        ({"shared-trunk": 1}, "shared_trunk: 1 is not true or false"),
        ({"pooling": 3}, "pooling: 3 is not text"),
        ({"pooling": "first"}, "pooling: 'first' is not known"),
        ({"algorithm": "a2c"}, "algorithm: 'a2c' is not known"),
        ({"ensemble": "heads", "members": 1}, "members: 1 leave no ensemble"),
        ({"ties": 0.5}, "mean nothing to the loss bradley-terry"),
        ({"answers": 4}, "answers: 4 cannot be compared"),
        ({"pitfall": "none"}, "pitfall: 'none' is not known"),
        ({"algorithm": "dpo", "kl-target": 4.0}, "means nothing to the stages sft, rew"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(PPOLabError) as raised:
        stages_of(recipe_from_mapping(options))
    assert words in str(raised.value)


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_file_holds_options_and_settings_that_have_none(tmp_path: Path) -> None:
    preset = read_recipe(
        written(
            tmp_path,
            "title: Mine\nkl-coef: 0.2\nsettings:\n  rlhf:\n    training: {gamma: 0.9}\n"
            "    objectives: [[0.5, gold]]\n  sft: {training: {learning_rate: 0.02}}\n",
        )
    )
    stages = stages_of(preset.recipe, preset.settings)
    assert (preset.name, preset.title) == ("mine", "Mine")
    assert setting(stages["rlhf"], "training.gamma") == 0.9
    assert setting(stages["rlhf"], "training.kl_coef") == 0.2
    assert setting(stages["rlhf"], "objectives") == ((0.5, "gold"),)
    assert setting(stages["sft"], "training.learning_rate") == 0.02


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "is not a list of options"),
        ("kl-coef: [", "is no YAML"),
        ("settings: 3\n", "settings: 3 is not settings by stage"),
        ("settings: {ppo: {}}\n", "stage: 'ppo' is not known. Known: sft, reward-model, rlhf"),
        ("settings: {rlhf: 3}\n", "rlhf: 3 is not a group of settings"),
        ("settings: {rlhf: {training: {gama: 1}}}\n", "setting: 'gama' is not known"),
        ("settings: {rlhf: {training: {gamma: 2}}}\n", "gamma: 2 must lie in [0, 1]"),
        ("settings: {rlhf: {training: {kl_coef: 2}}}\n",
         "rlhf.training.kl_coef: 2 has an option of its own. Write kl-coef"),
        ("settings: {sft: {task: austen}}\n", "sft.task: 'austen' has an option of its own"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    def read() -> None:
        preset = read_recipe(written(tmp_path, text))
        stages_of(preset.recipe, preset.settings)

    with pytest.raises(PPOLabError) as raised:
        read()
    assert words in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingError, match=r"config: '.*none.yaml' cannot be read"):
        read_recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", recipe_names())
def test_a_preset_can_be_used_and_says_what_it_is(name: str) -> None:
    preset = load_recipe(name)
    stages = stages_of(preset.recipe, preset.settings)
    assert list(stages) == list(kinds_of(preset.recipe))
    assert preset.title
    assert preset.description.endswith(".")


def test_presets_differ_in_what_their_names_say() -> None:
    def last(name: str) -> Any:
        preset = load_recipe(name)
        return list(stages_of(preset.recipe, preset.settings).values())[-1]

    assert last("austen-grpo").training.algorithm == "grpo"
    assert last("austen-kl-off").training.kl_coef == 0
    assert last("austen-ensemble").rule == "deviation"
    assert last("austen-best-of-n").kind == "best-of-n"
    assert last("austen-ppo") == RLHFStage(reward="")
    with pytest.raises(UnknownNameError, match="austen-grpo"):
        load_recipe("austen-a2c")


def test_groups_are_those_of_the_recipe_and_no_two_options_share_a_name() -> None:
    made = {
        option.name: option.default_factory
        for option in dataclasses.fields(Recipe)
        if isinstance(option.default_factory, type)
    }
    assert groups() == made
    options = [
        option.name for part in (Recipe, *made.values()) for option in dataclasses.fields(part)
    ]
    assert len(options) == len(set(options))
