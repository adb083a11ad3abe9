"""Policies with a memory: what is remembered, replayed, reset, kept, and what it is good for."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
import recall
import torch
from gymnasium.spaces import Box
from torch import Tensor, nn

from ppolab.algorithms.policy_losses import PolicyLoss, clipped_policy_loss
from ppolab.control.acting import actor_for
from ppolab.control.config import PPOConfig
from ppolab.control.distributions import Categorical
from ppolab.control.environments import Finished
from ppolab.control.evaluation import evaluate, record_episode
from ppolab.control.memory import Memory, replay
from ppolab.control.minibatches import minibatches
from ppolab.control.networks import ActorCritic
from ppolab.control.observations import ObservationLayout
from ppolab.control.rollout import Rollout, collect
from ppolab.control.trainer import PPOTrainer
from ppolab.control.update import Parts
from ppolab.errors import InvalidSettingError

KINDS = ("gru", "lstm")


@pytest.fixture(scope="module", autouse=True)
def known_tasks() -> None:
    recall.register()


def settings(environment: str = "Recall-v0", **changes: Any) -> PPOConfig:
    return PPOConfig.from_mapping(
        {"environment": environment, "memory": "gru", "memory_size": 16, "hidden_size": 16,
         "environments": 8, "rollout_steps": 16, "minibatch_size": 64, "epochs": 4, "gamma": 0.9,
         "total_steps": 2048, "learning_rate": 0.01, "entropy_coef": 0.01, **changes}
    )  # fmt: skip


def train(kind: str) -> PPOTrainer:
    """Train for 3,072 steps; of three seeds each kind of memory needed 1,792 at most."""
    trainer = PPOTrainer(
        settings(
            memory=kind, environments=16, minibatch_size=256, learning_rate=0.02, total_steps=3072,
            backend="torch",
        )
    )  # fmt: skip
    while not trainer.finished:
        trainer.iterate()
    return trainer


def make_outputs_large(trainer: PPOTrainer) -> None:
    """Let the policy and the values differ from step to step, by the memory more than anything."""
    torch.manual_seed(3)
    with torch.no_grad():
        for head in (trainer.model.actor, trainer.model.critic):
            for parameter in head.parameters():
                parameter.copy_(torch.randn(parameter.shape))


# ------------------------------------------------------------------------------------ learning


@pytest.mark.parametrize("kind", KINDS)
def test_a_bit_shown_long_before_is_answered(kind: str) -> None:
    trainer = train(kind)
    assert trainer.mean_return > 0.95
    for deterministic in (True, False):
        told = evaluate(trainer.model, trainer.config, 64, 5, deterministic)
        assert told.mean > 0.95, "an evaluation remembers too"


def test_without_a_memory_the_answer_stays_a_guess() -> None:
    trainer = train("none")
    told = evaluate(trainer.model, trainer.config, 400, 5, deterministic=True)
    assert 0.4 < told.mean < 0.6  # four standard deviations of a fair coin


# ------------------------------------------------------------------- the same again in the update


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", recall.ALL)
def test_the_update_sees_what_acting_saw(task: type[recall.Recall], kind: str) -> None:
    differences, logged = [], []

    def listening(new: Tensor, old: Tensor, advantages: Tensor, clip: float) -> PolicyLoss:
        differences.append(float((new.detach() - old).abs().max()))
        logged.append(old)
        return clipped_policy_loss(new, old, advantages, clip)

    # Steps too small to move the weights: all epochs of the update must find the same.
    image = task is recall.RecallImage
    config = settings(
        f"{task.__name__}-v0", memory=kind, learning_rate=1e-12, epochs=1 if image else 2
    )
    trainer = PPOTrainer(config, parts=Parts(policy_loss=listening))
    make_outputs_large(trainer)
    for _ in range(2):  # the second rollout begins in the middle of episodes
        trainer.iterate()
    states, dones = trainer.rollout.states, trainer.rollout.dones
    assert states is not None
    assert (states.abs().sum(1) > 0).sum() >= 2, "memories go on from rollout to rollout"
    assert 8 < dones.sum() < 64, "episodes end in the middle"
    assert torch.cat(logged).std() > 0.05, "so that equality means something"
    assert max(differences) < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_a_replay_equals_torchs_cells_step_by_step_and_so_do_its_gradients(kind: str) -> None:
    steps, count, inputs, size = 12, 5, 3, 4
    torch.manual_seed(1)
    memory = Memory(kind, inputs, size).double()
    features = torch.randn(steps, count, inputs, dtype=torch.float64)
    dones = (torch.rand(steps, count) < 0.3).float()
    dones[:, 3] = 0.0  # one that runs through
    dones[-1] = 1.0  # an end at the last step begins nothing
    states = torch.randn(count, memory.state_size, dtype=torch.float64)
    environments = torch.tensor([4, 0, 3])

    piece = replay(dones, states, environments)
    outputs = memory(features.flatten(0, 1)[piece.samples], piece.stretches)
    weights = torch.randn(steps * count, size, dtype=torch.float64)  # of a made-up loss
    (outputs * weights[piece.samples]).sum().backward()

    cell = (nn.GRUCell if kind == "gru" else nn.LSTMCell)(inputs, size).double()
    with torch.no_grad():
        for ours, theirs in zip(memory.cells.parameters(), cell.parameters(), strict=True):
            theirs.copy_(ours)
    expected, loss = {}, torch.zeros((), dtype=torch.float64)
    for e in environments.tolist():
        hidden, cells = states[e : e + 1, :size], states[e : e + 1, size:]
        for t in range(steps):
            if kind == "gru":
                hidden = cell(features[t, e : e + 1], hidden)
            else:
                hidden, cells = cell(features[t, e : e + 1], (hidden, cells))
            expected[t * count + e] = hidden[0]
            loss = loss + (hidden[0] * weights[t * count + e]).sum()
            hidden, cells = hidden * (1 - dones[t, e]), cells * (1 - dones[t, e])
    loss.backward()

    assert sorted(piece.samples.tolist()) == sorted(expected)
    assert sum(len(part.places) for part in piece.stretches) == len(expected)
    assert len(piece.stretches) > 1
    for sample, output in zip(piece.samples.tolist(), outputs, strict=True):
        torch.testing.assert_close(output, expected[sample])
    for ours, theirs in zip(memory.cells.parameters(), cell.parameters(), strict=True):
        assert ours.grad is not None
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_a_rollout_is_cut_where_episodes_ended() -> None:
    dones = torch.tensor([[0, 0], [1, 0], [0, 0], [0, 1]])  # [time, environments]
    piece = replay(dones, torch.tensor([[7.0], [8.0]]), torch.tensor([1, 0]))
    # Environment 1 as a whole is positions 1, 3, 5, 7; environment 0 is 0, 2 and then 4, 6.
    assert piece.samples.tolist() == [1, 3, 5, 7, 0, 4, 2, 6]
    long, short = piece.stretches
    assert (long.longest, long.places.tolist(), long.states.tolist()) == (4, [0, 1, 2, 3], [[8.0]])
    assert (short.longest, short.places.tolist()) == (2, [0, 1, 2, 3])
    assert short.states.tolist() == [[7.0], [0.0]]  # the second begins an episode


def test_stretches_of_unlike_length_in_one_call_are_padded() -> None:
    dones = torch.tensor([[0], [0], [1], [0], [0]])
    piece = replay(dones, torch.zeros(1, 1), torch.tensor([0]))
    (both,) = piece.stretches
    assert piece.samples.tolist() == [0, 3, 1, 4, 2]
    assert (both.longest, both.places.tolist()) == (3, [0, 1, 2, 3, 4])


@pytest.mark.parametrize("micro", [None, 50])  # 50 samples hold 3 environments of 16 steps
def test_minibatches_are_whole_environments_in_an_order_that_changes(micro: int | None) -> None:
    config = settings(micro_batch_size=micro)
    rollout = PPOTrainer(config).rollout
    generator = torch.Generator().manual_seed(1)
    orders = []
    for _ in range(3):
        epoch = list(minibatches(rollout, config, generator))
        assert [len(pieces) for pieces in epoch] == ([1, 1] if micro is None else [2, 2])
        pieces = [sorted(piece.samples.tolist()) for pieces in epoch for piece in pieces]
        owners = [sorted({sample % 8 for sample in piece}) for piece in pieces]
        for piece, environments in zip(pieces, owners, strict=True):
            assert piece == sorted(t * 8 + e for t in range(16) for e in environments)
        assert sorted(e for environments in owners for e in environments) == list(range(8))
        orders.append(owners)
    assert orders[0] != orders[1] != orders[2]


# ---------------------------------------------------------------------------- the memory's state


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_orthogonal_and_biases_zero(kind: str) -> None:
    torch.manual_seed(1)
    memory = Memory(kind, 10, 8)
    gates = 3 if kind == "gru" else 4
    assert memory.state_size == (8 if kind == "gru" else 16)
    weights = [p.detach() for p in memory.parameters() if p.ndim == 2]
    assert [tuple(w.shape) for w in weights] == [(gates * 8, 10), (gates * 8, 8)]
    for weight in weights:
        torch.testing.assert_close(weight.T @ weight, torch.eye(weight.shape[1]), atol=1e-5, rtol=0)
    assert not any(p.any() for p in memory.parameters() if p.ndim == 1)


def test_it_starts_empty_and_is_emptied_when_an_episode_ends_and_only_then() -> None:
    trainer = PPOTrainer(settings(rollout_steps=1, minibatch_size=8))
    states, last = trainer.rollout.states, trainer.rollout.last_states
    assert states is not None
    assert last is not None
    assert not last.any()
    ended = 0
    for _ in range(12):
        before = last.clone()
        trainer.iterate()
        assert torch.equal(states, before)
        for e, done in enumerate(trainer.rollout.dones[0].tolist()):
            ended += int(done)
            assert bool(last[e].any()) == (not done)
    assert 8 <= ended <= 60


@pytest.mark.parametrize("kind", KINDS)
def test_values_before_and_after_a_rollout_s_end_are_one_value(kind: str) -> None:
    trainer = PPOTrainer(settings(memory=kind, learning_rate=1e-12))
    make_outputs_large(trainer)
    trainer.iterate()
    met = trainer.rollout.last_values.clone()
    trainer.iterate()
    assert met.std() > 0.05
    torch.testing.assert_close(trainer.rollout.values[0], met)


def test_where_an_episode_was_cut_off_its_last_observation_meets_what_was_remembered() -> None:
    # ReusedBuffer shows 0, 1, 2 and is cut off showing 3; all rewards are 0.
    config = settings("ProbeReusedBuffer-v0", rollout_steps=9, minibatch_size=72, gamma=0.5)
    trainer = PPOTrainer(config)
    trainer.iterate()
    other = PPOTrainer(config)  # the weights that acted
    states, values = torch.zeros(1, 16), []
    with torch.no_grad():
        for shown in (0.0, 1.0, 2.0, 3.0):
            _, value, states = other.model.step(torch.tensor([[shown]]), states)
            values.append(float(value))
    rewards = trainer.rollout.rewards
    expected = torch.tensor([0.0, 0.0, 0.5 * values[3]] * 3)
    assert abs(values[3]) > 0.01
    for e in range(8):
        torch.testing.assert_close(rewards[:, e], expected)
        torch.testing.assert_close(trainer.rollout.values[:, e], torch.tensor(values[:3] * 3))


# ------------------------------------------------------------------- resuming, recording, settings


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("environment", ["Recall-v0", "CartPole-v1"])
def test_a_resumed_run_remembers(environment: str, kind: str) -> None:
    config = settings(environment, memory=kind)
    uninterrupted = PPOTrainer(config)
    for _ in range(2):
        uninterrupted.iterate()
    tensors, extra = uninterrupted.state()
    assert tensors["memory"].any()
    uninterrupted.iterate()
    resumed = PPOTrainer(config)
    resumed.iterate()  # whatever it remembered before must not show
    assert resumed.restore(tensors, json.loads(json.dumps(extra)))
    resumed.iterate()
    assert torch.equal(resumed.parameters.vector, uninterrupted.parameters.vector)
    assert torch.equal(resumed.rollout.log_probs, uninterrupted.rollout.log_probs)


def test_of_episodes_that_cannot_go_on_nothing_is_remembered() -> None:
    config = settings("ProbeSecretive-v0", rollout_steps=19, minibatch_size=76)
    trainer = PPOTrainer(config)
    trainer.iterate()  # ends four steps into an episode
    assert trainer.state()[0]["memory"].any()
    resumed = PPOTrainer(config)
    resumed.iterate()
    assert not resumed.restore(*trainer.state())
    assert resumed.rollout.last_states is not None
    assert not resumed.rollout.last_states.any()


def test_a_recorded_episode_is_what_the_model_says_step_by_step() -> None:
    trainer = PPOTrainer(settings("ProbeVaried-v0"))
    make_outputs_large(trainer)
    episode = record_episode(trainer.model, trainer.config, 3, deterministic=False)
    states = torch.zeros(1, 16)
    assert len(episode.values) == 9
    with torch.no_grad():
        for t, shown in enumerate(episode.observations[:-1]):
            parameters, value, states = trainer.model.step(torch.from_numpy(shown[None]), states)
            assert float(value) == pytest.approx(episode.values[t], abs=1e-5)
            expected = torch.softmax(parameters[0], 0).tolist()
            assert episode.policy["action_probabilities"][t].tolist() == pytest.approx(
                expected, abs=1e-5
            )


def test_pieces_of_whole_environments_add_up_to_the_same_update() -> None:
    changes = {"epochs": 1, "minibatch_size": 128, "learning_rate": 1e-3}
    whole = PPOTrainer(settings(**changes))
    pieces = PPOTrainer(settings(**changes, micro_batch_size=50))  # 3, 3 and 2 environments
    told, told_in_pieces = whole.iterate(), pieces.iterate()
    for key in ("policy_loss", "value_loss", "entropy", "gradient_norm"):
        assert told_in_pieces[key] == pytest.approx(told[key], abs=1e-6, rel=1e-5), key
    torch.testing.assert_close(
        pieces.parameters.gradient, whole.parameters.gradient, atol=1e-6, rtol=1e-3
    )


@pytest.mark.parametrize("environment", ["Recall-v0", "RecallNumbers-v0"])
def test_bfloat16_leaves_the_memory_in_full_precision(environment: str) -> None:
    exact = PPOTrainer(settings(environment, epochs=1))
    rough = PPOTrainer(settings(environment, epochs=1, precision="bfloat16"))
    before = exact.parameters.vector.detach().clone()
    exact.iterate()
    rough.iterate()
    first, second = (t.parameters.vector.detach() - before for t in (exact, rough))
    cosine = torch.nn.functional.cosine_similarity(first, second, dim=0)
    assert 0.9 < float(cosine) < 1 - 1e-6
    seen: list[torch.dtype] = []
    assert rough.model.memory is not None
    rough.model.memory.cells.register_forward_hook(lambda *told: seen.append(told[2][0].dtype))
    rough.iterate()
    assert set(seen) == {torch.float32}


def test_epochs_stop_at_the_target_kl() -> None:
    assert PPOTrainer(settings(target_kl=1e-9)).iterate()["epochs"] == 1.0
    assert PPOTrainer(settings(target_kl=1e9)).iterate()["epochs"] == 4.0


def test_a_policy_with_a_memory_may_be_asked_about_single_observations() -> None:
    model = PPOTrainer(settings()).model
    rows = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    alone = model(rows)
    first = model.step(rows, torch.zeros(2, 16))
    torch.testing.assert_close(alone, first[:2])


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"memory": "rnn"}, "memory", "Known: none, gru, lstm"),
        ({"memory_size": 0}, "memory_size", "at least 1"),
        ({"minibatch_size": 8}, "minibatch_size", "multiple of 16 that divides 128"),
        ({"micro_batch_size": 15}, "micro_batch_size", "16 or more"),
        ({"critic": "central"}, "critic", "own, or memory none"),
        ({"shared_encoder": False}, "shared_encoder", "actor and critic share"),
    ],
)
def test_settings_that_cut_a_memory_are_refused(
    changes: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidSettingError, match=words) as caught:
        settings(**changes)
    assert caught.value.field == field


def test_the_compiled_back_end_says_that_it_remembers_nothing() -> None:
    assert PPOTrainer(settings("CartPole-v1")).backend.name == "torch"
    with pytest.raises(InvalidSettingError, match=r"remember nothing, .* a memory \(GRU\)"):
        PPOTrainer(settings("CartPole-v1", backend="compiled"))


class Leaving:
    """Four agents that see random numbers, come and go; an episode ends when one goes, or so."""

    def __init__(self) -> None:
        self.layout = ObservationLayout("none", Box(-1.0, 1.0, (2,), np.float32))
        self.distribution = Categorical(2)
        self.masks, self.agents = None, ("a", "b", "c", "d")
        self.present = np.ones(4, np.bool_)
        self.generator = np.random.default_rng(1)
        self.rewards, self.dones = np.zeros(4, np.float32), np.zeros(4, np.float32)
        self.finished: list[Finished] = []
        self.observations = np.zeros((4, 2), np.float32)

    def __len__(self) -> int:
        return 4

    def step(self, actions: np.ndarray) -> None:
        before = self.present.copy()
        self.observations[:] = self.generator.normal(size=(4, 2))
        self.present[:] = self.generator.random(4) < 0.7
        ended = self.generator.random(4) < 0.3  # a life, say: nothing is over that is counted
        self.dones[:] = before & (ended | ~self.present)


@pytest.mark.parametrize("kind", KINDS)
def test_of_rows_where_nobody_acted_nothing_is_remembered_or_learned(kind: str) -> None:
    environment = Leaving()
    torch.manual_seed(1)
    model = ActorCritic(environment.layout, environment.distribution, 8, memory=kind, memory_size=8)
    rollout = Rollout.allocate(24, environment, model.state_size)  # type: ignore[arg-type]
    assert rollout.present is not None
    assert rollout.states is not None
    actor = actor_for(model, np.random.default_rng(1), rollout.last_states)
    for _ in range(2):
        collect(rollout, environment, actor, 0.9)  # type: ignore[arg-type]
    chosen = torch.tensor([2, 0, 1])
    piece = replay(rollout.dones, rollout.states, chosen, rollout.present)
    acted = rollout.present.clone()
    acted[:, 3] = False
    assert sorted(piece.samples.tolist()) == acted.flatten().nonzero().squeeze(1).tolist()
    with torch.no_grad():
        log_probs, _, values = model.evaluate(
            rollout.observations.flatten(0, 1)[piece.samples],
            rollout.actions.flatten()[piece.samples], None, piece.stretches,
        )  # fmt: skip
    torch.testing.assert_close(log_probs, rollout.log_probs.flatten()[piece.samples])
    torch.testing.assert_close(values, rollout.values.flatten()[piece.samples])
    assert values.std() > 0.01


def test_an_environment_where_nobody_acted_is_in_no_minibatch() -> None:
    rollout = PPOTrainer(settings()).rollout
    present = torch.ones(16, 8, dtype=torch.bool)
    present[:, 5] = False
    present[3, 2] = False
    rollout = dataclasses.replace(rollout, present=present)
    generator = torch.Generator().manual_seed(1)
    pieces = [p for pieces in minibatches(rollout, settings(), generator) for p in pieces]
    assert sorted(len(piece.samples) for piece in pieces) in ([47, 64], [48, 63])
    found = sorted(sample for piece in pieces for sample in piece.samples.tolist())
    assert found == present.flatten().nonzero().squeeze(1).tolist()
