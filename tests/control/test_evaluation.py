from __future__ import annotations

import math
import statistics
from itertools import count
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest
import torch
from probes import Probe

from ppolab.control import camera, evaluation
from ppolab.control.config import PPOConfig
from ppolab.control.environments import VectorEnvironment
from ppolab.control.evaluation import (
    bootstrap_interval,
    evaluate,
    normalization_of,
    record_episode,
)
from ppolab.control.networks import MLP, ActorCritic
from ppolab.control.trainer import PPOTrainer
from ppolab.errors import InvalidSettingError


class OneOrHundred(Probe):
    """An episode lasts 1 step or 100, with equal chance; every step pays 1."""

    def first(self) -> float:
        self.length = int(self.np_random.choice([1, 100]))
        return 0.0

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return 1.0, self.taken == self.length, False


class FourOrSix(Probe):
    """Shows 4 or 6; pays 1 for action 1 at 6 and for action 0 at 4, else −1."""

    actions = 2

    def first(self) -> float:
        return float(self.np_random.choice([4.0, 6.0]))

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return (1.0 if (action == 1) == (self.shown == 6.0) else -1.0), True, False


class Forever(Probe):
    """Never ends, and has no time limit."""

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return 1.0, False, False


class Pictured(Probe):
    """Ends after three steps; its picture is as bright as steps were taken."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 30}

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.render_mode = render_mode

    def first(self) -> float:
        return float(self.np_random.normal())

    def answer(self, action: int) -> tuple[float, bool, bool]:
        self.shown = float(self.np_random.normal())
        return float(self.taken), self.taken == 3, False

    def render(self) -> np.ndarray:  # type: ignore[override]
        return np.full((300, 700, 3), self.taken, np.uint8)


class Unprinted(Pictured):
    """Its renderer lacks something."""

    def render(self) -> np.ndarray:
        raise gymnasium.error.DependencyNotInstalled("no pencil is installed")


class Unrepeated(Pictured):
    """Draws on something that no seed reaches."""

    clock = count()

    def first(self) -> float:
        return float(next(self.clock))


@pytest.fixture(scope="module", autouse=True)
def more_probes(known_probes: None) -> None:
    for probe in (OneOrHundred, FourOrSix, Forever, Pictured, Unprinted, Unrepeated):
        gymnasium.register(f"Probe{probe.__name__}-v0", probe)


def trainer_of(environment: str, **changes: Any) -> PPOTrainer:
    return PPOTrainer(
        PPOConfig(
            environment=environment, environments=2, backend="torch", hidden_size=4, **changes
        )
    )


@torch.no_grad()
def set_by_hand(model: ActorCritic, slopes: list[float], biases: list[float]) -> None:
    """Make the actor's outputs slope · tanh(tanh(observation)) + bias, the critic's 0.5."""
    for parameter in model.parameters():
        parameter.zero_()
    assert isinstance(model.actor, MLP)
    assert isinstance(model.critic, MLP)
    model.actor.first.weight[0, 0] = model.actor.second.weight[0, 0] = 1.0
    model.actor.output.weight[:, 0] = torch.tensor(slopes)
    model.actor.output.bias[:] = torch.tensor(biases)
    model.critic.output.bias[:] = 0.5


def seen(observation: float) -> float:
    return math.tanh(math.tanh(observation))


def test_the_likeliest_actions_of_a_known_policy_give_the_known_return() -> None:
    trainer = trainer_of("ProbeActionForObservation-v0")
    set_by_hand(trainer.model, slopes=[0.0, 0.1], biases=[0.0, 0.0])  # right, if only just
    right = evaluate(trainer.model, trainer.config, 40, seed=3, deterministic=True)
    assert (right.mean, right.std, right.interval) == (1.0, 0.0, (1.0, 1.0))
    assert right.lengths.tolist() == [1] * 40
    set_by_hand(trainer.model, slopes=[0.0, -0.1], biases=[0.0, 0.0])
    assert evaluate(trainer.model, trainer.config, 40, seed=3, deterministic=True).mean == -1.0


def test_drawn_actions_follow_the_policys_probabilities() -> None:
    trainer = trainer_of("ProbeActionForObservation-v0")
    # The right action has probability 3/4, so the mean return is 3/4 − 1/4.
    set_by_hand(trainer.model, slopes=[0.0, math.log(3) / seen(1.0)], biases=[0.0, 0.0])
    drawn = evaluate(trainer.model, trainer.config, 800, seed=3, deterministic=False)
    assert set(drawn.returns.tolist()) == {-1.0, 1.0}
    assert drawn.mean == pytest.approx(0.5, abs=4 * math.sqrt(0.75 / 800))
    assert drawn.std == pytest.approx(statistics.stdev(drawn.returns.tolist()), rel=1e-9)
    assert drawn.interval is not None
    assert drawn.interval[0] < drawn.mean < drawn.interval[1]


@pytest.mark.parametrize("deterministic", [True, False])
def test_the_same_seed_gives_the_same_result(deterministic: bool) -> None:
    trainer = trainer_of("CartPole-v1")

    def play(seed: int) -> evaluation.Evaluation:
        return evaluate(trainer.model, trainer.config, 12, seed, deterministic)

    first, again, other = play(1), play(1), play(2)
    assert first.returns.tolist() == again.returns.tolist()
    assert first.interval == again.interval
    assert first.returns.tolist() != other.returns.tolist()


def test_the_seed_decides_the_actions_drawn_too() -> None:
    trainer = trainer_of("ProbeActionReward-v0")  # nothing else in it is up to chance
    results = [evaluate(trainer.model, trainer.config, 30, seed, False) for seed in (1, 2)]
    assert results[0].returns.tolist() != results[1].returns.tolist()


def test_short_episodes_are_not_preferred() -> None:
    trainer = trainer_of("ProbeOneOrHundred-v0")
    lengths = [
        evaluate(trainer.model, trainer.config, 16, seed, deterministic=True).lengths
        for seed in range(25)
    ]
    # 400 lengths with mean 50.5 and standard deviation 49.5: one error of the mean is 2.5.
    assert np.mean(lengths) == pytest.approx(50.5, abs=10)
    # Taking the first sixteen that end, from as many copies, counts next to no long one.
    environment = VectorEnvironment("ProbeOneOrHundred-v0", 16, seed=1)
    naive: list[int] = []
    while len(naive) < 16:
        environment.step(np.zeros(16, np.int64))
        naive.extend(episode.length for episode in environment.finished)
    assert np.mean(naive[:16]) < 20


@pytest.mark.parametrize("episodes", [1, 2, 16, 17, 20, 33])
def test_as_many_episodes_as_asked_for(episodes: int) -> None:
    trainer = trainer_of("ProbeEndsAtItsLimit-v0")
    result = evaluate(trainer.model, trainer.config, episodes, seed=1, deterministic=True)
    assert result.returns.tolist() == [3.0] * episodes
    assert result.lengths.tolist() == [3] * episodes


def test_one_episode_shows_no_spread() -> None:
    trainer = trainer_of("ProbeValueOnly-v0")
    result = evaluate(trainer.model, trainer.config, 1, seed=1, deterministic=True)
    assert math.isnan(result.std)
    assert result.interval is None


def test_the_interval_is_that_of_the_mean() -> None:
    values = np.random.default_rng(7).exponential(10.0, 400)
    half = 1.96 * values.std(ddof=1) / math.sqrt(400)  # by the central limit theorem
    low, high = bootstrap_interval(values, seed=1) or (math.nan, math.nan)
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)
    assert bootstrap_interval(np.array([0.0, 1.0]), seed=1) == (0.0, 1.0)


def test_observations_are_normalised_as_training_left_it() -> None:
    trainer = trainer_of("ProbeFourOrSix-v0", normalize_observations=True, normalize_rewards=True)
    set_by_hand(trainer.model, slopes=[0.0, 1.0], biases=[0.0, 0.0])
    state = trainer.environment.state()

    def play(mean: float) -> tuple[float, set[float]]:
        moments = {"mean": [mean], "variance": [4.0], "count": 100.0}
        trainer.environment.restore({**state, "moments": moments})
        normalization = normalization_of(trainer.environment)
        result = evaluate(trainer.model, trainer.config, 64, 1, True, normalization)
        assert trainer.environment.state()["moments"] == moments
        episode = record_episode(trainer.model, trainer.config, 1, True, normalization)
        assert episode.observations[0, 0] in (4.0, 6.0)  # kept in the environment's own units
        return result.mean, set(result.returns.tolist())

    assert play(mean=5.0) == (1.0, {1.0})
    # With other moments both look small: were they learned anew, the policy would be right again.
    mean, returns = play(mean=7.0)
    assert returns == {-1.0, 1.0}
    assert abs(mean) < 0.6
    with pytest.raises(InvalidSettingError, match="normalization"):
        evaluate(trainer.model, trainer.config, 4, seed=1, deterministic=True)


@pytest.mark.parametrize("deterministic", [True, False])
def test_forbidden_actions_are_not_taken(deterministic: bool) -> None:
    trainer = trainer_of("ProbeMaskedByMethod-v0")  # it stops the test at a forbidden action
    set_by_hand(trainer.model, slopes=[0.0] * 4, biases=[9.0, 0.0, math.log(3), 9.0])
    result = evaluate(trainer.model, trainer.config, 60, 1, deterministic)
    assert set(result.returns.tolist()) == {0.0, 1.0}
    episode = record_episode(trainer.model, trainer.config, 1, deterministic)
    np.testing.assert_allclose(
        episode.policy["action_probabilities"], [[0.0, 0.25, 0.75, 0.0]], rtol=1e-6
    )
    if deterministic:
        assert episode.actions.tolist() == [2]


def test_training_goes_on_as_if_nobody_had_looked() -> None:
    trainer, undisturbed = trainer_of("CartPole-v1"), trainer_of("CartPole-v1")
    for either in (trainer, undisturbed):
        either.iterate()
    chance = torch.get_rng_state()
    evaluate(trainer.model, trainer.config, 8, seed=1, deterministic=False)
    record_episode(trainer.model, trainer.config, seed=1, deterministic=False)
    assert torch.equal(torch.get_rng_state(), chance)
    for either in (trainer, undisturbed):
        either.iterate()
    assert torch.equal(trainer.parameters.vector, undisturbed.parameters.vector)
    assert trainer.environment.state() == undisturbed.environment.state()


def test_a_training_seed_does_not_bring_back_the_training_episodes() -> None:
    trainer = trainer_of("CartPole-v1")
    episode = record_episode(trainer.model, trainer.config, trainer.config.seed, True)
    assert not (trainer.environment.observations == episode.observations[0]).all(1).any()


def test_an_episode_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "LONGEST", 50)
    trainer = trainer_of("ProbeForever-v0")
    for play in (
        lambda: evaluate(trainer.model, trainer.config, 4, 1, True),
        lambda: record_episode(trainer.model, trainer.config, 1, True),
    ):
        with pytest.raises(InvalidSettingError, match="did not end in 50 steps"):
            play()
    # Fifty episodes of three steps each are no episode of 150.
    short = trainer_of("ProbeEndsAtItsLimit-v0")
    assert evaluate(short.model, short.config, 16 * 50, 1, True).mean == 3.0


@pytest.mark.parametrize(("episodes", "seed"), [(0, 1), (4, -1), (4, 2**31)])
def test_episodes_and_seed_are_checked(episodes: int, seed: int) -> None:
    trainer = trainer_of("ProbeValueOnly-v0")
    with pytest.raises(InvalidSettingError):
        evaluate(trainer.model, trainer.config, episodes, seed, deterministic=True)


@pytest.mark.parametrize("deterministic", [True, False])
def test_the_recorded_episode_is_the_one_that_would_be_evaluated(deterministic: bool) -> None:
    trainer = trainer_of("CartPole-v1")
    result = evaluate(trainer.model, trainer.config, 1, 5, deterministic)
    episode = record_episode(trainer.model, trainer.config, 5, deterministic)
    assert episode.episode_return == result.mean
    assert len(episode.rewards) == result.lengths[0]
    parameters, values = trainer.model(torch.from_numpy(episode.observations[:-1]))
    np.testing.assert_allclose(episode.values, values.detach().numpy(), rtol=1e-4, atol=1e-6)
    probabilities = episode.policy["action_probabilities"]
    np.testing.assert_allclose(
        probabilities, torch.softmax(parameters, 1).detach().numpy(), rtol=1e-4
    )
    assert (episode.actions == probabilities.argmax(1)).all() == deterministic


def test_every_moment_has_its_frame_and_its_numbers() -> None:
    trainer = trainer_of("ProbePictured-v0")
    set_by_hand(trainer.model, slopes=[0.0], biases=[0.0])
    episode = record_episode(trainer.model, trainer.config, seed=1, deterministic=True)
    assert episode.frames is not None
    assert episode.frames_absent == ""
    assert episode.frames.shape == (4, 100, 233, 3)  # a third of 700 columns: at most 320
    assert episode.frame_steps is not None
    assert episode.frame_steps.tolist() == [0, 1, 2, 3]
    assert episode.frames[:, 50, 50, 0].tolist() == [0, 1, 2, 3]
    assert episode.rewards.tolist() == [1.0, 2.0, 3.0]
    assert episode.values.tolist() == [0.5, 0.5, 0.5]
    assert episode.actions.tolist() == [0, 0, 0]
    assert len(np.unique(episode.observations)) == 4
    assert not episode.truncated
    assert set(episode.arrays()) == {
        "observations", "actions", "rewards", "values", "action_probabilities", "truncated",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("most", "kept"),
    [(4, [0, 1, 2, 3]), (3, [0, 2, 3]), (1, [0, 3])],  # of four moments
)
def test_of_a_long_episode_every_second_or_fourth_moment_is_kept_and_the_last(
    monkeypatch: pytest.MonkeyPatch, most: int, kept: list[int]
) -> None:
    monkeypatch.setattr(camera, "MOST_FRAMES", most)
    trainer = trainer_of("ProbePictured-v0")
    episode = record_episode(trainer.model, trainer.config, seed=1, deterministic=True)
    assert episode.frame_steps is not None
    assert episode.frames is not None
    assert episode.frame_steps.tolist() == kept
    assert episode.frames[:, 50, 50, 0].tolist() == kept


def test_a_thinned_picture_keeps_the_mean_of_what_it_loses() -> None:
    frame = np.zeros((4, 5, 3), np.uint8)
    frame[2] = 100  # a line of one pixel
    frame[0, 0, 1] = 8
    small = camera.thinned(frame, 2)
    assert small[..., 0].tolist() == [[0, 0], [50, 50]]
    assert small[..., 1].tolist() == [[2, 0], [50, 50]]


@pytest.mark.parametrize(
    ("environment", "reason", "steps"),
    [
        ("ProbeUnprinted-v0", "no pencil is installed", 3),
        ("ProbeUnrepeated-v0", "does not repeat an episode from its seed", 3),
        ("ProbeEndless-v0", "does not render pictures", 4),
        ("compiled/CartPole-v1", "has no pictures", None),
    ],
)
def test_without_frames_the_numbers_are_there_and_the_reason(
    environment: str, reason: str, steps: int | None
) -> None:
    trainer = trainer_of(environment)
    episode = record_episode(trainer.model, trainer.config, seed=1, deterministic=True)
    assert episode.frames is None
    assert reason in episode.frames_absent
    assert episode.frame_steps is None
    assert len(episode.rewards) == len(episode.observations) - 1
    assert steps is None or len(episode.rewards) == steps
    assert episode.truncated == (environment == "ProbeEndless-v0")


def test_continuous_actions_are_told_by_mean_and_spread() -> None:
    trainer = trainer_of("ProbeTarget-v0")
    set_by_hand(trainer.model, slopes=[0.0, 0.0], biases=[0.5, -3.0])
    with torch.no_grad():
        trainer.model.log_std[:] = math.log(0.2)  # type: ignore[index]
    episode = record_episode(trainer.model, trainer.config, seed=1, deterministic=True)
    np.testing.assert_allclose(episode.policy["action_means"], [[0.5, -3.0]])
    np.testing.assert_allclose(episode.policy["action_stds"], [[0.2, 0.2]], rtol=1e-6)
    np.testing.assert_allclose(episode.actions, [[0.5, -3.0]])  # not cut to the bounds


@pytest.mark.parametrize(
    ("environment", "shape"),
    [("ProbeSwitches-v0", (1, 3)), ("ProbeSeveral-v0", (1, 5)), ("ProbeImage-v0", (1, 2))],
)
def test_every_kind_of_policy_is_told(environment: str, shape: tuple[int, ...]) -> None:
    trainer = trainer_of(environment)
    episode = record_episode(trainer.model, trainer.config, seed=1, deterministic=False)
    (told,) = episode.policy.values()
    assert told.shape == shape
    assert len(episode.observations) == 2
