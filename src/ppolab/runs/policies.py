"""The policy that a run has learned, as a trainer that trains no more."""

from __future__ import annotations

from dataclasses import replace

from ppolab.control.config import PPOConfig
from ppolab.control.trainer import PPOTrainer
from ppolab.errors import ConflictError, InvalidSettingError, UnknownNameError
from ppolab.runs.checkpoints import checkpoint_steps, load_newest_checkpoint
from ppolab.runs.folder import RunFolder


def trainer_of(folder: RunFolder, step: int | None = None) -> PPOTrainer:
    """A trainer that stands where one of the run's checkpoints does; by default the newest.

    Raises:
        ConflictError: the run has no checkpoint, or none that can be read.
        UnknownNameError: it has none of that step.
        InvalidSettingError: it is no run of PPO on an environment.
    """
    if folder.manifest.kind != "control":
        raise InvalidSettingError(
            "run", folder.id, f"is a run of kind {folder.manifest.kind!r}, which has no episodes",
            "Choose one that `ppolab train` made",
        )  # fmt: skip
    steps = checkpoint_steps(folder.path)
    if step is not None and steps and step not in steps:
        raise UnknownNameError("checkpoint", step, [str(known) for known in steps])
    found = load_newest_checkpoint(folder.path, step)
    if found is None:
        if steps:
            problem = "has only damaged checkpoints"
            if step is not None:
                problem = f"has a damaged checkpoint of step {step:,}"
        elif folder.recorded:
            problem = "came with the course, as its log alone, without checkpoints"
        else:
            problem = "has no checkpoint yet"
        mend = f"Train one like it: ppolab train {folder.manifest.environment}"
        if not folder.recorded and folder.is_live():
            mend = "Wait for its fifth update"
        raise ConflictError("run", folder.id, problem, mend)
    _, tensors, extra = found
    config = PPOConfig.from_mapping(folder.manifest.config)
    # Nothing is trained here, so nothing need be compiled.
    trainer = PPOTrainer(replace(config, backend="torch"))
    trainer.restore(tensors, extra)
    return trainer
