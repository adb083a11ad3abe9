"""`ppolab export`: a run's policy as a file that runs without torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.table import Table

from ppolab.cli.options import default_home, parse
from ppolab.cli.output import Output
from ppolab.errors import InvalidSettingError

if TYPE_CHECKING:
    from ppolab.control.onnx_export import Exported
    from ppolab.control.trainer import PPOTrainer
    from ppolab.runs import RunFolder

EXAMPLE = "ppolab export cartpole-20260101-120000-1a2b --onnx policy.onnx"


@dataclass(frozen=True)
class ExportOptions:
    """Write a run's policy as ONNX: observation in, action, its distribution and the value out.

    Normalisation and the bounds of actions are built in; the batch may have any size. The file is
    run once and compared with torch before it is kept. It needs: pip install "ppolab[onnx]"
    """

    run: Annotated[str | None, tyro.conf.Positional] = None
    """The run's id, as `ppolab runs` shows it."""
    onnx: Path | None = None
    """The file to write."""
    checkpoint: int | None = None
    """Step of the checkpoint; by default the newest."""
    home: Path = field(default_factory=default_home)
    """Folder of runs and progress; PPOLAB_HOME sets it as well."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""


def run(arguments: list[str], output: Output) -> int:
    """Write the policy of a checkpoint, and say what goes in and comes out."""
    options = parse(ExportOptions, "export", arguments, EXAMPLE)
    if options.run is None:
        raise InvalidSettingError("run", None, "is missing", "Give an id from `ppolab runs`")
    if options.onnx is None:
        raise InvalidSettingError("onnx", None, "is missing", "Name a file: --onnx policy.onnx")
    if not options.onnx.absolute().parent.is_dir():
        raise InvalidSettingError(
            "onnx", str(options.onnx), "lies in no existing folder", "Make the folder first"
        )
    import torch

    from ppolab.control.onnx_export import export_onnx
    from ppolab.runs import Runs
    from ppolab.runs.policies import trainer_of
    from ppolab.server.settings import default_content

    torch.set_num_threads(1)
    folder = Runs(options.home / "runs", default_content() / "runs").get(options.run)
    trainer = trainer_of(folder, options.checkpoint)
    try:
        exported = export_onnx(
            trainer.model, trainer.config, trainer.environment, options.onnx,
            _metadata(folder, trainer),
        )  # fmt: skip
    finally:
        trainer.close()
    _print(folder, trainer, exported, output)
    output.result(
        {
            "onnx": str(exported.path),
            "bytes": exported.path.stat().st_size,
            "inputs": {port.name: ["batch", *port.shape] for port in exported.inputs},
            "outputs": {port.name: ["batch", *port.shape] for port in exported.outputs},
            "checked_observations": exported.checked,
            "largest_difference": exported.largest_difference,
            "step": trainer.step,
            "run": str(folder.path),
            "id": folder.id,
        }
    )
    return 0


def _metadata(folder: RunFolder, trainer: PPOTrainer) -> dict[str, Any]:
    """What the file says about itself beside its inputs and outputs."""
    config, manifest = trainer.config, folder.manifest
    value = "in the environment's rewards"
    if config.normalize_rewards:
        value = "in rewards divided by the spread of discounted returns, as in training"
    return {
        "environment": config.environment,
        "environment_options": config.environment_options,
        "agents": list(trainer.environment.agents),
        "seed": str(config.seed),
        "step": str(trainer.step),
        "run": folder.id,
        "gamma": str(config.gamma),
        "value_unit": value,
        "ppolab": manifest.versions.get("ppolab", "unknown"),
    }


def _print(folder: RunFolder, trainer: PPOTrainer, exported: Exported, output: Output) -> None:
    console = output.console
    console.print(
        f"[bold]{folder.manifest.title}[/bold]  checkpoint of step {trainer.step:,} of "
        f"{trainer.total_steps:,}"
    )
    table = Table(box=None, pad_edge=False)
    for column in ("", "name", "shape", "type", "what"):
        table.add_column(column, overflow="fold")
    for way, ports in (("in", exported.inputs), ("out", exported.outputs)):
        for port in ports:
            shape = ", ".join(["batch", *map(str, port.shape)])
            kind = str(port.dtype).removeprefix("torch.")
            table.add_row(way, port.name, f"[{shape}]".replace("[", r"\["), kind, port.words)
    console.print(table)
    console.print(
        f"same as torch on {exported.checked} observations: actions equal, other numbers within "
        f"{exported.largest_difference:.1e}"
    )
    console.print(f"written: {exported.path}", soft_wrap=True, markup=False)
