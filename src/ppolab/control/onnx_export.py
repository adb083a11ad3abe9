"""Writing a policy as ONNX, and proving that the file computes what torch does.

The file can be run where neither torch nor this package is. Its batch is of any size; its metadata
say what the inputs and outputs mean.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ppolab.control.config import PPOConfig
from ppolab.control.making import make_environment
from ppolab.control.networks import ActorCritic
from ppolab.control.normalization import NormalizedEnvironment
from ppolab.control.policy_graph import MASK, PolicyGraph, Port
from ppolab.control.rollout import Environment
from ppolab.errors import PPOLabError, StorageError, UnavailableError

OPSET = 18  # the oldest that torch's exporter writes without converting
TOLERANCE = 1e-4  # of a number that is 1 or less; of greater ones, their share
CHECKED_STEPS = 16  # of four copies of the environment


class ExportError(PPOLabError):
    """A file that does not compute what the policy does."""


@dataclass(frozen=True)
class Exported:
    """A written file.

    Attributes:
        path: where it lies.
        inputs, outputs: what goes in and comes out, in order.
        checked: observations on which it was compared with torch.
        largest_difference: of any output but the actions, which are equal.
    """

    path: Path
    inputs: list[Port]
    outputs: list[Port]
    checked: int
    largest_difference: float


def export_onnx(
    model: ActorCritic,
    config: PPOConfig,
    environment: Environment,
    path: Path,
    metadata: Mapping[str, Any],
) -> Exported:
    """Write a policy and compare the file with torch on observations of its environment.

    Args:
        model: the policy.
        config: the settings it was trained with.
        environment: the one it was trained in, whose normalisation is built into the file.
        path: the file; it is there whole and checked, or not at all.
        metadata: plain data to keep in it beside what is known here.

    Raises:
        UnavailableError: the packages for ONNX are not installed.
        InvalidSettingError: a policy that cannot be exported.
        ExportError: the file computes something else.
        StorageError: it cannot be written.
    """
    packages = [_import(name) for name in ("onnx", "onnxscript", "onnxruntime")]
    normalized = environment if isinstance(environment, NormalizedEnvironment) else None
    scale = normalized.scale if normalized is not None else None
    graph = PolicyGraph(model, environment.layout, scale, environment.masks is not None)
    samples = _samples(model, config, normalized)
    proto = _translate(graph, samples[0])
    _describe(packages[0], proto, graph, metadata)
    unfinished = path.with_name(f".{path.name}-{os.getpid()}.unfinished")
    try:
        unfinished.write_bytes(proto.SerializeToString())
        checked, largest = _compare(packages[2], unfinished, graph, samples)
        unfinished.replace(path)
    except OSError as error:
        raise StorageError(
            "onnx", str(path), f"cannot be written ({error.strerror})",
            "Give a file in an existing folder that can be written",
        ) from error  # fmt: skip
    finally:
        unfinished.unlink(missing_ok=True)
    return Exported(path, graph.inputs, graph.outputs, checked, largest)


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise UnavailableError(
            "onnx", name, "is not installed", 'Install what it takes: pip install "ppolab[onnx]"'
        ) from error


def _samples(
    model: ActorCritic, config: PPOConfig, normalized: NormalizedEnvironment | None
) -> list[tuple[Tensor, ...]]:
    """Inputs of every step of some episodes that the policy plays, drawing its actions."""
    own = replace(config, normalize_observations=False, normalize_rewards=False)
    environment = make_environment(own, 4)
    draws = torch.Generator().manual_seed(config.seed)
    states = torch.zeros(len(environment.observations), model.state_size)
    graph = PolicyGraph(model, environment.layout, None, environment.masks is not None)
    found = []
    with torch.inference_mode():
        for _ in range(CHECKED_STEPS):
            # Copies: environments write the next step into the same arrays.
            rows = torch.from_numpy(environment.observations.copy())
            masks = environment.masks
            mask = None if masks is None else torch.from_numpy(masks.copy())
            seen = rows
            if normalized is not None:
                seen = torch.from_numpy(normalized.normalize(rows.numpy()))
            memory = states.clone() if model.state_size else None
            found.append(graph.inputs_of(rows, mask, memory))
            parameters, _, states = model.step(seen, states, mask)
            environment.step(model.distribution.sample(parameters, draws).numpy())
            for episode in environment.finished:
                states[episode.environment] = 0.0
    environment.close()
    return found


def _translate(graph: PolicyGraph, sample: tuple[Tensor, ...]) -> Any:
    """The function as an ONNX model, by torch's exporter."""
    batch = torch.export.Dim("batch", min=1)
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # of the exporter's own making
            program = torch.onnx.export(
                graph,
                sample,
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=[port.name for port in graph.inputs],
                output_names=[port.name for port in graph.outputs],
                dynamic_shapes=(tuple({0: batch} for _ in sample),),
            )
    finally:
        quiet.setLevel(level)
    assert program is not None
    return program.model_proto


def _describe(
    onnx: ModuleType, proto: Any, graph: PolicyGraph, metadata: Mapping[str, Any]
) -> None:
    """Say what is in it, and let the mask be left out."""
    for node in proto.graph.node:  # where in the sources it came from, with paths of this machine
        del node.metadata_props[:]
        node.doc_string = ""
    ports = {port.name: port for port in (*graph.inputs, *graph.outputs)}
    for value in (*proto.graph.input, *proto.graph.output):
        value.doc_string = ports[value.name].words
    if graph.masked:
        (mask,) = [value for value in proto.graph.input if value.name == MASK]
        # An input with a default: one row that allows everything, whatever the batch.
        mask.type.tensor_type.shape.dim[0].dim_param = "mask_batch"
        count = ports[MASK].shape[0]
        allowed = onnx.numpy_helper.from_array(np.ones((1, count), np.bool_), MASK)
        proto.graph.initializer.append(allowed)
    told = {
        "inputs": {port.name: port.words for port in graph.inputs},
        "outputs": {port.name: port.words for port in graph.outputs},
        **metadata,
    }
    plain = {key: one if isinstance(one, str) else json.dumps(one) for key, one in told.items()}
    onnx.helper.set_model_props(proto, plain)
    onnx.checker.check_model(proto)


def _compare(
    onnxruntime: ModuleType, path: Path, graph: PolicyGraph, samples: list[tuple[Tensor, ...]]
) -> tuple[int, float]:
    """Run the file on all samples at once and on one by itself; how many, and how far apart."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        path.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    together = tuple(torch.cat(column) for column in zip(*samples, strict=True))
    alone = tuple(column[:1] for column in together)
    largest = 0.0
    for inputs in (together, alone):
        names = [port.name for port in graph.inputs]
        given = {name: one.numpy() for name, one in zip(names, inputs, strict=True)}
        found = session.run([port.name for port in graph.outputs], given)
        with torch.inference_mode():
            expected = graph(*inputs)
        for port, ours, theirs in zip(graph.outputs, expected, found, strict=True):
            largest = max(largest, _difference(port, ours.numpy(), theirs))
    return len(together[0]), largest


def _difference(port: Port, expected: np.ndarray[Any, Any], found: np.ndarray[Any, Any]) -> float:
    """The largest relative difference; none is allowed between choices."""
    same = expected.shape == found.shape and expected.dtype == found.dtype
    exact = not np.issubdtype(expected.dtype, np.floating)
    far = float("inf")
    if same and exact:
        far = 0.0 if np.array_equal(expected, found) else far
    elif same:
        far = float((np.abs(expected - found) / np.maximum(1.0, np.abs(expected))).max())
    if not far <= TOLERANCE:
        raise ExportError(
            port.name, far, f"differs from torch's by more than {TOLERANCE}",
            "Nothing was written. Another version of torch or onnxruntime may translate it",
        )  # fmt: skip
    return far
