"""Puts TRL into an environment of its own: `make bench-env` runs this.

    python benchmarks/peers/install_trl.py .venv-bench-trl

Two versions, for no single one does everything: 1.12.0 is the last with PPO (in
`trl.experimental.ppo`), 1.16.0 serves for fine-tuning and the reward model. Both use the same
torch, transformers, accelerate and datasets; 1.12.0 lies in the folder "trl-1.12.0" of the
environment, which its contender puts first on its path. Where they cannot be had, that is said, and
the benchmarks say so too.
"""

from __future__ import annotations

import sys
from pathlib import Path

from install import pip

CURRENT, LAST_WITH_PPO = "1.16.0", "1.12.0"
NEEDS = ["transformers==5.23.0", "accelerate==1.15.0", "datasets==5.2.0"]


def install_trl(environment: Path) -> str | None:
    """Install both; return what is wrong, if anything is.

    Torch is there already, and the constraint keeps pip from exchanging it for another.
    """
    marker = environment / f"trl-{CURRENT}-and-{LAST_WITH_PPO}"
    if marker.exists():
        return None
    constraint = environment / "constraints.txt"
    constraint.write_text(f"torch=={_torch_of(environment)}\n", "utf-8")
    folder = environment / f"trl-{LAST_WITH_PPO}"
    done = pip(
        environment, "install", "--constraint", str(constraint), f"trl=={CURRENT}", *NEEDS
    ) and pip(
        environment, "install", "--no-deps", "--upgrade", "--target", str(folder),
        f"trl=={LAST_WITH_PPO}",
    )  # fmt: skip
    if not done:
        return "pip could not install it; what it said is above"
    marker.touch()
    return None


def _torch_of(environment: Path) -> str:
    """The version of torch that is installed, without asking torch, which takes seconds."""
    found = next(environment.glob("lib/python*/site-packages/torch-*.dist-info"))
    return found.name.removeprefix("torch-").removesuffix(".dist-info")


def main() -> int:
    """Install; never fail, for the other benchmarks do without."""
    problem = install_trl(Path(sys.argv[1]).resolve())
    print(f"  TRL: {'ready' if problem is None else f'left out: {problem}'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
