from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exporting import KINDS, by_training, circumstances, opinionated, raw_inputs

from ppolab.control import onnx_export
from ppolab.control.onnx_export import Exported, ExportError, export_onnx
from ppolab.control.policy_graph import PolicyGraph
from ppolab.control.trainer import PPOTrainer
from ppolab.errors import StorageError, UnavailableError

onnx = pytest.importorskip("onnx", reason='needs pip install "ppolab[onnx]"')
onnxruntime = pytest.importorskip("onnxruntime", reason='needs pip install "ppolab[onnx]"')

WRITTEN = ("numbers", "mixture", "masks", "tuple", "lstm")


class File:
    """A written policy and the trainer it came from."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.trainer = opinionated(kind)
        self.exported = write(self.trainer, folder / f"{kind}.onnx")
        self.session = onnxruntime.InferenceSession(str(self.exported.path))

    def run(self, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
        names = [port.name for port in self.exported.outputs]
        return dict(zip(names, self.session.run(names, inputs), strict=True))


def write(trainer: PPOTrainer, path: Path) -> Exported:
    metadata = {"environment": trainer.config.environment, "agents": []}
    return export_onnx(trainer.model, trainer.config, trainer.environment, path, metadata)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], File]:
    """One file of each kind for all tests here: writing one takes seconds."""
    return cache(lambda kind: File(kind, tmp_path_factory.mktemp("onnx")))


@pytest.fixture(params=WRITTEN)
def file(request: pytest.FixtureRequest, files: Callable[[str], File]) -> File:
    return files(request.param)


@pytest.mark.parametrize("count", [1, 7])
def test_the_file_alone_does_what_training_does(file: File, count: int) -> None:
    observations, masks, states = circumstances(file.trainer, count)
    names = [port.name for port in file.exported.inputs]
    graph = PolicyGraph(
        file.trainer.model, file.trainer.environment.layout, None, masks is not None
    )
    given = raw_inputs(graph, observations, masks, states)
    found = file.run(dict(zip(names, given, strict=True)))
    expected = by_training(file.trainer, observations, masks, states)
    exact = np.issubdtype(found["action"].dtype, np.integer)
    np.testing.assert_allclose(
        found["action"], expected["action"], rtol=0 if exact else 1e-4, atol=0 if exact else 1e-5
    )
    np.testing.assert_allclose(found["value"], expected["value"], rtol=1e-4, atol=1e-5)
    if file.kind == "lstm":
        np.testing.assert_allclose(found["next_state"], expected["next_state"], atol=1e-5)
    assert file.exported.checked == 64
    assert file.exported.largest_difference < 1e-5


def test_names_shapes_and_types_are_those_that_were_told(file: File) -> None:
    ports = file.exported.inputs + file.exported.outputs
    values = [*file.session.get_inputs(), *file.session.get_outputs()]
    values += file.session.get_overridable_initializers()
    types = {"tensor(float)": torch.float32, "tensor(int64)": torch.int64,
             "tensor(uint8)": torch.uint8, "tensor(bool)": torch.bool}  # fmt: skip
    told = {port.name: ([*port.shape], port.dtype) for port in ports}
    assert {one.name: ([*one.shape[1:]], types[one.type]) for one in values} == told
    assert all(isinstance(one.shape[0], str) for one in values), "a batch of any size"


def test_the_file_says_what_it_is_and_nothing_of_where_it_was_made(file: File) -> None:
    told = file.session.get_modelmeta().custom_metadata_map
    assert told["environment"] == file.trainer.config.environment
    assert json.loads(told["agents"]) == []
    assert json.loads(told["inputs"]).keys() == set(KINDS[file.kind][1])
    assert json.loads(told["outputs"]).keys() == set(KINDS[file.kind][2])
    written = file.exported.path.read_bytes()
    assert b"site-packages" not in written
    assert str(Path(__file__).parents[2]).encode() not in written
    assert [one.name for one in file.exported.path.parent.iterdir()] == [file.exported.path.name]


def test_a_mask_may_be_left_out(files: Callable[[str], File]) -> None:
    file = files("masks")
    observations, _, _ = circumstances(file.trainer, 5)
    bits = np.array([one["bit"] for one in observations], np.float32)
    free = file.run({"observation_bit": bits})
    given = file.run({"observation_bit": bits, "action_mask": np.ones((5, 4), np.bool_)})
    np.testing.assert_array_equal(free["action_probabilities"], given["action_probabilities"])
    one_for_all = file.run(
        {"observation_bit": bits, "action_mask": np.array([[True, False, False, False]])}
    )
    assert (one_for_all["action"] == 0).all()
    assert (free["action"] != 0).any()


def test_a_file_that_computes_something_else_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = opinionated("choices")
    path = tmp_path / "p.onnx"
    path.write_text("an earlier one")
    describe = onnx_export._describe

    def spoil(package: Any, proto: Any, *rest: Any) -> None:
        describe(package, proto, *rest)
        weights = max(proto.graph.initializer, key=lambda one: len(one.raw_data))
        wrong = onnx.numpy_helper.to_array(weights) * np.float32(1.001)
        weights.raw_data = wrong.tobytes()

    monkeypatch.setattr(onnx_export, "_describe", spoil)
    with pytest.raises(ExportError, match="differs from torch's"):
        write(trainer, path)
    assert path.read_text() == "an earlier one"
    assert [one.name for one in tmp_path.iterdir()] == ["p.onnx"]


def test_another_choice_of_action_is_a_difference_however_small() -> None:
    from ppolab.control.policy_graph import Port

    action = Port("action", (), torch.int64, "")
    value = Port("value", (), torch.float32, "")
    difference = onnx_export._difference
    assert difference(action, np.array([1, 2]), np.array([1, 2])) == 0.0
    with pytest.raises(ExportError, match="action"):
        difference(action, np.array([1, 2]), np.array([1, 1]))
    found = difference(value, np.float32([1000.0, 0.1]), np.float32([1000.05, 0.1]))
    assert found == pytest.approx(5e-5, rel=1e-2)
    for wrong in (np.float32([1000.2, 0.1]), np.float32([1000.0, np.nan]), np.float32([1000.0])):
        with pytest.raises(ExportError, match="value"):
            difference(value, np.float32([1000.0, 0.1]), wrong)


def test_without_the_packages_the_mend_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(
        UnavailableError, match=r"onnx: 'onnxscript' is not installed.*\"ppolab\[onnx\]\""
    ):
        write(opinionated("choices"), tmp_path / "p.onnx")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"nowhere/p\.onnx"):
        write(opinionated("choices"), tmp_path / "nowhere" / "p.onnx")
