from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from exporting import KINDS, by_training, circumstances, opinionated, raw_inputs

from ppolab.control.normalization import NormalizedEnvironment
from ppolab.control.policy_graph import PolicyGraph
from ppolab.control.trainer import PPOTrainer
from ppolab.errors import InvalidSettingError


@pytest.fixture(params=KINDS)
def trainer(request: pytest.FixtureRequest) -> Iterator[PPOTrainer]:
    trainer = opinionated(request.param)
    yield trainer
    trainer.close()


def graph_of(trainer: PPOTrainer) -> PolicyGraph:
    environment = trainer.environment
    scale = environment.scale if isinstance(environment, NormalizedEnvironment) else None
    return PolicyGraph(trainer.model, environment.layout, scale, environment.masks is not None)


def test_raw_observations_give_what_training_gives(
    trainer: PPOTrainer, request: pytest.FixtureRequest
) -> None:
    kind = request.node.callspec.params["trainer"]
    graph = graph_of(trainer)
    assert [port.name for port in graph.inputs] == KINDS[kind][1]
    assert [port.name for port in graph.outputs] == KINDS[kind][2]
    observations, masks, states = circumstances(trainer, 40)
    given = [torch.from_numpy(one) for one in raw_inputs(graph, observations, masks, states)]
    with torch.inference_mode():
        found = dict(zip(KINDS[kind][2], graph(*given), strict=True))
    expected = by_training(trainer, observations, masks, states)
    for port in graph.outputs:
        assert found[port.name].shape == (40, *port.shape)
        assert found[port.name].dtype == port.dtype
    np.testing.assert_array_equal(found["action"].numpy(), expected["action"])
    np.testing.assert_allclose(found["value"].numpy(), expected["value"], rtol=1e-5, atol=1e-6)
    if "next_state" in found:
        np.testing.assert_allclose(
            found["next_state"].numpy(), expected["next_state"], rtol=1e-5, atol=1e-6
        )
    parameters = expected["parameters"].astype(np.float64)
    if "action_std" in found:
        means, log_stds = np.split(parameters, 2, axis=1)
        np.testing.assert_allclose(found["action_mean"].numpy(), means, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found["action_std"].numpy(), np.exp(log_stds), rtol=1e-5)
    else:
        np.testing.assert_allclose(
            found["action_probabilities"].numpy(), probabilities(kind, parameters), atol=1e-6
        )
    assert np.ptp(expected["value"]) > 0.01, "a policy that sees nothing"


def probabilities(kind: str, logits: np.ndarray) -> np.ndarray:
    """Softmax, sigmoid or one softmax per choice, from the definition."""
    if kind == "switches":
        return 1 / (1 + np.exp(-logits))
    parts = np.split(logits, [2], axis=1) if kind == "several" else [logits]
    exps = [np.exp(part - part.max(1, keepdims=True)) for part in parts]
    return np.concatenate([part / part.sum(1, keepdims=True) for part in exps], axis=1)


def test_forbidden_actions_have_no_probability_and_are_not_taken() -> None:
    trainer = opinionated("masks")
    graph = graph_of(trainer)
    observations, masks, states = circumstances(trainer, 40)
    given = [torch.from_numpy(one) for one in raw_inputs(graph, observations, masks, states)]
    probabilities, actions, _ = graph(*given)
    assert (probabilities.numpy()[~masks] == 0).all()
    assert masks[np.arange(40), actions.numpy()].all()


def test_actions_are_cut_at_the_environments_bounds() -> None:
    trainer = opinionated("numbers")
    with torch.no_grad():
        trainer.model.actor.output.bias += 5.0  # type: ignore[union-attr, operator]
    mean, _, action, _ = graph_of(trainer)(torch.zeros(3, 3))
    assert (mean > 2.0).all()
    assert (action == 2.0).all(), "Pendulum's largest torque"


def test_the_policy_is_a_copy_that_leaves_the_trainers_as_it_is() -> None:
    trainer = opinionated("mixture")
    graph = graph_of(trainer)
    before = graph(*graph.inputs_of(torch.from_numpy(trainer.environment.observations)))[2]
    with torch.no_grad():
        trainer.parameters.vector.zero_()
    after = graph(*graph.inputs_of(torch.from_numpy(trainer.environment.observations)))[2]
    assert torch.equal(before, after)
    trainer.iterate()  # its own encoder still takes rows


def test_an_unknown_kind_of_action_is_refused_by_words() -> None:
    trainer = opinionated("choices")

    class Dice:
        action_shape = ()
        parameter_count = 2

    trainer.model.distribution = Dice()  # type: ignore[assignment]
    with pytest.raises(InvalidSettingError, match="policy: 'Dice' draws actions of a kind"):
        graph_of(trainer)
