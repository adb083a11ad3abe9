from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import parallels
import pytest
import torch
from numpy.typing import NDArray

from ppolab.algorithms.advantages import generalized_advantages
from ppolab.control.acting import NumpyActor, actor_for
from ppolab.control.config import PPOConfig
from ppolab.control.environments import Finished, Team
from ppolab.control.multi_agent import MultiAgentEnvironment, register
from ppolab.control.normalization import NormalizedEnvironment
from ppolab.control.rollout import Rollout, collect
from ppolab.control.trainer import PPOTrainer
from ppolab.errors import InvalidSettingError, UnknownNameError

parallels.register_all()


def small(environment: str, **changes: Any) -> PPOConfig:
    return PPOConfig.from_mapping(
        {"environment": environment, "total_steps": 1024, "environments": 2, "rollout_steps": 64,
         "minibatch_size": 32, "epochs": 2, "learning_rate": 0.003, "hidden_size": 16, **changes}
    )  # fmt: skip


def iterate(trainer: PPOTrainer, count: int) -> list[dict[str, float | None]]:
    """Metrics that must repeat exactly: all but the speed, with None for NaN, which equals none."""
    return [
        {
            key: None if math.isnan(value) else value
            for key, value in trainer.iterate().items()
            if key != "steps_per_second"
        }
        for _ in range(count)
    ]


class Zero:
    """Takes action 0 always; the value of a row is its first entry plus its last."""

    def act(self, observations: NDArray[Any], masks: Any = None) -> Any:
        zeros = np.zeros(len(observations), np.float32)
        return zeros.astype(np.int64), zeros, self.values(observations)

    def values(self, observations: NDArray[Any], rows: Any = None) -> NDArray[np.float32]:
        return observations[:, 0] + observations[:, -1]


@pytest.mark.parametrize(
    ("name", "backend", "critic"),
    [
        ("CartPole-v1", "torch", "own"),
        ("CartPole-v1", "compiled", "own"),
        ("CartPole-v1", "torch", "central"),
        ("Pendulum-v1", "torch", "own"),
    ],
)
def test_one_agent_alone_trains_bit_for_bit_as_without_agents(
    name: str, backend: str, critic: str
) -> None:
    plain = PPOTrainer(small(name, backend=backend, rollout_steps=256, total_steps=2048))
    alone = PPOTrainer(
        small(f"multi/{name}", backend=backend, critic=critic, rollout_steps=256, total_steps=2048)
    )
    assert alone.backend.name == backend
    assert iterate(alone, 3) == iterate(plain, 3)
    assert torch.equal(alone.parameters.vector, plain.parameters.vector)
    assert plain.episodes > 0


def test_an_episode_whose_agents_leave_one_by_one_lies_in_the_rollout_as_by_hand() -> None:
    environment = MultiAgentEnvironment("multi/Leavers", 2, seed=1, agent_index=False)
    rollout = Rollout.allocate(6, environment)
    finished = collect(rollout, environment, Zero(), gamma=0.5)  # type: ignore[arg-type]
    assert environment.agents == ("a", "b", "c")
    yes, no = True, False
    present = [
        [yes, yes, yes], [yes, yes, yes], [no, yes, yes], [no, no, yes],
        [yes, yes, yes], [yes, yes, yes],
    ]  # fmt: skip
    dones = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0], [1, 0, 0]]
    # b is cut off after its third step, seeing [2, 3]: its value 5, discounted, is paid then.
    rewards = [[1, 10, 100], [1, 10, 100], [0, 12.5, 100], [0, 0, 100], [1, 10, 100], [1, 10, 100]]
    steps_seen = [[0, 0, 0], [1, 1, 1], [0, 2, 2], [0, 0, 3], [0, 0, 0], [1, 1, 1]]
    assert rollout.present is not None
    for copy in (slice(0, 3), slice(3, 6)):
        assert rollout.present[:, copy].tolist() == present
        assert rollout.dones[:, copy].tolist() == dones
        assert rollout.rewards[:, copy].tolist() == rewards
        assert rollout.observations[:, copy, 1].tolist() == steps_seen
        first = rollout.observations[:, copy, 0]
        assert torch.equal(first, torch.tensor([1.0, 2.0, 3.0]) * torch.tensor(present))
    one = [episode for episode in finished if episode.environment < 3]
    told = [(e.agent, e.episode_return, e.length, e.truncated) for e in one]
    assert told == [
        ("a", 2.0, 2, False), ("b", 30.0, 3, True), ("c", 400.0, 4, False), ("a", 2.0, 2, False),
    ]  # fmt: skip
    assert [e.final_observation.tolist() for e in one] == [[1, 2], [2, 3], [3, 4], [1, 2]]
    returns = {"a": 2.0, "b": 30.0, "c": 400.0}
    assert [e.team for e in one] == [None, None, Team(0, 432.0, 4, False, returns), None]


def test_advantages_of_an_agent_end_where_it_left() -> None:
    environment = MultiAgentEnvironment("multi/Leavers", 1, seed=1, agent_index=False)
    rollout = Rollout.allocate(4, environment)
    collect(rollout, environment, Zero(), gamma=0.5)  # type: ignore[arg-type]
    advantages = generalized_advantages(
        rollout.rewards, rollout.values, rollout.dones, rollout.last_values, 0.5, 1.0
    )
    # With λ = 1: discounted rewards minus the value (the agent's number plus the steps taken).
    assert advantages[0, 0] == 1 + 0.5 * 1 - 1
    assert advantages[1, 0] == 1 - 2
    assert advantages[0, 1] == 10 + 0.5 * 10 + 0.25 * (10 + 0.5 * 5) - 2
    assert advantages[3, 2] == 100 - 6


def test_the_central_critic_sees_the_others_after_the_agents_own_part() -> None:
    environment = MultiAgentEnvironment("multi/Leavers", 1, seed=1, central=True)
    own = 2 + 3  # observation, index
    assert environment.layout.actor_size == own
    assert environment.observations.tolist() == [
        [1, 0, 1, 0, 0, 2, 0, 3, 0],
        [2, 0, 0, 1, 0, 3, 0, 1, 0],
        [3, 0, 0, 0, 1, 1, 0, 2, 0],
    ]
    environment.step(np.zeros(3, np.int64))
    environment.step(np.zeros(3, np.int64))
    # a left: it shows nothing but which agent it was, to itself and to the others.
    assert environment.observations.tolist() == [
        [0, 0, 1, 0, 0, 2, 2, 3, 2],
        [2, 2, 0, 1, 0, 3, 2, 0, 0],
        [3, 2, 0, 0, 1, 0, 0, 2, 2],
    ]
    # The last thing it saw was still with all the others.
    assert environment.finished[0].final_observation.tolist() == [1, 2, 1, 0, 0, 2, 2, 3, 2]


def test_the_central_critic_sees_the_state_where_there_is_one() -> None:
    environment = MultiAgentEnvironment("multi/Told", 1, seed=1, central=True, agent_index=False)
    assert environment.observations.tolist() == [[1, 0, 0, 3], [2, 0, 0, 3], [3, 0, 0, 3]]
    for _ in range(3):
        environment.step(np.zeros(3, np.int64))
    # b is cut off here, and its value is that of this state, not of the next episode's first.
    assert environment.finished[0].final_observation.tolist() == [2, 3, 3, 1]
    assert environment.observations[2].tolist() == [3, 3, 3, 1]


def test_the_actor_does_not_see_what_is_for_the_critic() -> None:
    trainer = PPOTrainer(small("multi/Told", critic="central"))
    rows = torch.from_numpy(trainer.environment.observations)
    changed = rows.clone()
    changed[:, trainer.environment.layout.actor_size :] += 1.0
    parameters, values = trainer.model(rows)
    other_parameters, other_values = trainer.model(changed)
    assert torch.equal(parameters, other_parameters)
    assert (values != other_values).all()
    index = rows.clone()
    index[:, 2] += 1.0
    assert not torch.equal(trainer.model(index)[0], parameters)
    # Those who act see what the update sees.
    actor = actor_for(trainer.model, np.random.default_rng(1))
    assert isinstance(actor, NumpyActor)
    actions, log_probs, numbers = actor.act(rows.numpy())
    expected, _, _ = trainer.model.evaluate(rows, torch.from_numpy(actions))
    np.testing.assert_allclose(log_probs, expected.detach().numpy(), rtol=1e-5)
    np.testing.assert_allclose(numbers, values.detach().numpy(), rtol=1e-4)


def test_shorter_vectors_are_filled_up_and_missing_actions_forbidden() -> None:
    environment = MultiAgentEnvironment("multi/Unequal", 1, seed=1)
    assert environment.observations.tolist() == [
        [0.5, 0, 0, 1, 0, 0],
        [0.5, 0.5, 0.5, 0, 1, 0],
        [0.5, 0, 0, 0, 0, 1],
    ]
    assert environment.masks is not None
    expected = [[True, True, False, False], [True] * 4, [True] * 4]
    assert environment.masks.tolist() == expected
    trainer = PPOTrainer(small("multi/Unequal"))
    trainer.iterate()
    assert trainer.rollout.actions[:, 0].max() == 1
    assert trainer.rollout.actions[:, 1].max() == 3


def test_agents_whose_spaces_cannot_be_brought_together_are_named() -> None:
    with pytest.raises(InvalidSettingError, match=r"actions one network cannot share \(a, c: Disc"):
        MultiAgentEnvironment("multi/CannotShare", 1, seed=1)


@pytest.mark.parametrize(("name", "agent"), [("Masked", 0), ("MaskedByInfo", 1)])
def test_forbidden_actions_are_told_by_observation_or_info(name: str, agent: int) -> None:
    trainer = PPOTrainer(small(f"multi/{name}"))
    assert trainer.environment.layout.size == 2 + 3  # the mask is no observation
    expected = np.ones((6, 2), np.bool_)
    expected[[agent, 3 + agent], 0] = False
    assert trainer.environment.masks is not None
    assert trainer.environment.masks.tolist() == expected.tolist()
    trainer.iterate()  # the environment stops the test at a forbidden action
    assert trainer.rollout.actions[:, (agent + 1) % 3].min() == 0


def test_images_are_told_apart_by_the_index_and_refused_to_a_central_critic() -> None:
    environment = MultiAgentEnvironment("multi/Pictures", 1, seed=1)
    pieces = environment.layout.split(torch.from_numpy(environment.observations))
    assert pieces["0"].shape == (3, 36, 36, 1)
    assert pieces["0"][:, 5, 5, 0].tolist() == [50, 100, 150]
    assert pieces["1"].tolist() == np.eye(3).tolist()
    with pytest.raises(InvalidSettingError, match="critic: 'central' needs observations that are"):
        MultiAgentEnvironment("multi/Pictures", 1, seed=1, central=True)


@pytest.mark.parametrize(
    ("name", "steps", "problem"),
    [
        ("BreaksItsPromise", 2, "lets an agent leave before the others"),
        ("Loses", 1, "lost agent 'c' without an end"),
        ("Stranger", 0, "has an agent 'z' that is not among its possible agents"),
    ],
)
def test_an_environment_that_breaks_a_promise_is_told_which(
    name: str, steps: int, problem: str
) -> None:
    def play() -> None:
        environment = MultiAgentEnvironment(f"multi/{name}", 1, seed=1)
        for _ in range(steps):
            environment.step(np.zeros(3, np.int64))

    with pytest.raises(InvalidSettingError, match=problem):
        play()


def test_normalisation_looks_at_those_who_are_there() -> None:
    inner = MultiAgentEnvironment("multi/Leavers", 1, seed=1, agent_index=False)
    environment = NormalizedEnvironment(inner, 0.5, observations=True, rewards=True)
    for _ in range(3):
        environment.step(np.zeros(3, np.int64))
    state = environment.state()
    assert state is not None
    # Numbers of the agents seen: 1 2 3, 1 2 3, 2 3, 3; discounted rewards of those who acted.
    assert state["moments"]["count"] == pytest.approx(9.0, abs=1e-3)
    seen = [1, 2, 3, 1, 2, 3, 2, 3, 3]
    assert state["moments"]["mean"][0] == pytest.approx(np.mean(seen), rel=1e-3)
    rewards = [1, 10, 100, 1.5, 15, 150, 17.5, 175]
    assert state["return_moments"]["count"] == pytest.approx(8.0, abs=1e-3)
    assert state["return_moments"]["mean"][0] == pytest.approx(np.mean(rewards), rel=1e-3)


def test_the_teams_return_and_each_agents_are_reported() -> None:
    trainer = PPOTrainer(small("multi/Leavers", learning_rate=1e-9))
    metrics = trainer.iterate()
    actions, present = trainer.rollout.actions, trainer.rollout.present
    assert present is not None
    assert metrics["episodes"] == 2 * 64 / 4
    assert metrics["episode_length"] == 4.0
    chosen = (actions * present).sum(0).view(2, 3).sum(0) / 32  # of action 1, an episode
    expected = [2 + 1000 * chosen[0], 30 + 1000 * chosen[1], 400 + 1000 * chosen[2]]
    for agent, value in zip("abc", expected, strict=True):
        assert metrics[f"return_of_{agent}"] == pytest.approx(float(value))
    assert metrics["return_mean_100"] == pytest.approx(float(sum(expected)))
    assert trainer.step == 128  # an environment step is one of all agents


def test_where_agents_may_leave_the_compiled_back_end_gives_way() -> None:
    with pytest.raises(InvalidSettingError, match="some hold no step of the policy"):
        PPOTrainer(small("multi/Leavers", backend="compiled"))
    with pytest.raises(InvalidSettingError, match="this is Blinkered"):
        PPOTrainer(small("multi/Together", backend="compiled", critic="central"))
    assert PPOTrainer(small("multi/Leavers")).backend.name == "torch"
    assert PPOTrainer(small("multi/Together")).backend.name == "compiled"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("Guide", {"critic": "central", "backend": "torch"}),
        ("Guide", {"backend": "compiled"}),
        ("Leavers", {"normalize_observations": True, "normalize_rewards": True}),
        ("Unequal", {"critic": "central"}),
    ],
)
def test_a_resumed_team_equals_an_uninterrupted_one(name: str, changes: dict[str, Any]) -> None:
    # 63 steps: the checkpoint falls into the middle of an episode.
    config = small(f"multi/{name}", rollout_steps=63, minibatch_size=42, **changes)
    uninterrupted = PPOTrainer(config)
    iterate(uninterrupted, 2)
    tensors, extra = uninterrupted.state()
    expected = iterate(uninterrupted, 3)
    resumed = PPOTrainer(config)
    iterate(resumed, 1)  # whatever it did before must not show
    assert resumed.restore(tensors, extra)
    assert iterate(resumed, 3) == expected
    assert torch.equal(resumed.parameters.vector, uninterrupted.parameters.vector)


def test_a_team_goes_on_with_what_those_earned_who_had_left() -> None:
    first, second = (MultiAgentEnvironment("multi/Leavers", 1, seed=1) for _ in range(2))
    for _ in range(3):
        first.step(np.ones(3, np.int64))
    second.restore(json.loads(json.dumps(first.state())))
    assert second.present is not None
    assert second.present.tolist() == [False, False, True]
    for environment in (first, second):
        environment.step(np.zeros(3, np.int64))
        (last,) = environment.finished
        assert last.team is not None
        assert last.team.agent_returns == {"a": 2002.0, "b": 3030.0, "c": 3400.0}
        assert last.team.length == last.length == 4


def test_explained_variance_is_of_those_who_acted() -> None:
    trainer = PPOTrainer(small("multi/Leavers"))
    learn, seen = trainer.backend.update, []
    trainer.backend.update = lambda *given: seen.append(learn(*given)) or seen[-1]  # type: ignore
    metrics = trainer.iterate()
    present = trainer.rollout.present
    assert present is not None
    returns, values = (array[present].numpy() for array in (seen[0][1], trainer.rollout.values))
    assert metrics["explained_variance"] == pytest.approx(
        1 - (returns - values).var() / returns.var(), abs=1e-5
    )


def test_an_environment_that_cannot_be_captured_says_so() -> None:
    assert MultiAgentEnvironment("multi/CartPole-v1", 1, seed=1).state() is None


def test_a_central_critic_of_one_agent_without_others_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="needs several agents, and CartPole-v1 has one"):
        PPOTrainer(small("CartPole-v1", critic="central"))
    with pytest.raises(InvalidSettingError, match="Known: own, central"):
        small("multi/Guide", critic="shared")


@pytest.mark.parametrize("name", ["Leavers", "Together", "Guide"])
def test_a_team_that_remembers_is_replayed_as_it_acted(name: str) -> None:
    trainer = PPOTrainer(
        small(f"multi/{name}", memory="gru", minibatch_size=64, learning_rate=1e-12)
    )
    for _ in range(2):  # the second rollout begins with what was remembered of the first
        metrics = trainer.iterate()
        assert metrics["ratio_min"] == pytest.approx(1.0, abs=1e-4)
        assert metrics["ratio_max"] == pytest.approx(1.0, abs=1e-4)


def test_names_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="multi/Guide"):
        PPOTrainer(small("multi/Nobody"))
    with pytest.raises(InvalidSettingError, match="Begin it with multi/"):
        register("Nobody", parallels.Leavers)


def test_the_list_of_finished_episodes_is_of_rows_and_ordered_by_them() -> None:
    environment = MultiAgentEnvironment("multi/Together", 2, seed=1)
    for _ in range(3):
        environment.step(np.zeros(6, np.int64))
    assert [episode.environment for episode in environment.finished] == [0, 1, 2, 3, 4, 5]
    assert all(
        isinstance(episode, Finished) and episode.truncated for episode in environment.finished
    )
    assert environment.present is None
