"""Puts the peers into an environment of their own: `make bench-env` runs this.

    python benchmarks/peers/install.py .venv-bench

Stable-Baselines3, JAX, gymnax and rejax come from PyPI as wheels. PufferLib 3.0.0 comes from there
as a source archive whose setup.py downloads libraries and builds dozens of games; the module in
"without_network" makes it build CartPole alone and download nothing. PureJaxRL is on no package
index and is fetched from GitHub. What cannot be had is named, and its benchmark says so too; what
is there already is left alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
STABLE_BASELINES3 = ["stable-baselines3==2.9.2"]
# gymnax 1.0 returns one value more from a step than rejax and PureJaxRL know of.
JAX = ["jax==0.10.2", "jaxlib==0.10.2", "gymnax==0.0.9", "rejax==0.1.3", "distrax==0.1.9"]
PUFFERLIB = "pufferlib==3.0.0"
# What PufferLib's trainer imports, without the versions it asks for: it would bring NumPy 1 and
# Gymnasium 0.29 with it, and does not need them here.
PUFFERLIB_NEEDS = ["gym==0.23.0", "gym-notices", "pyro-ppl==1.9.2", "pyro-api", "opt_einsum",
                   "tqdm", "rich", "rich-argparse", "psutil", "cloudpickle"]  # fmt: skip
PUREJAXRL = "https://github.com/luchris429/purejaxrl"
PUREJAXRL_COMMIT = "146b4856d593bcb4114b9c9fdb45798034696551"

QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def pip(environment: Path, *arguments: str, **variables: str) -> bool:
    """Run the environment's pip; say whether it went well."""
    command = [
        environment / "bin" / "python",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--quiet",
    ]
    return subprocess.run([*command, *arguments], env=os.environ | variables).returncode == 0


def install_stable_baselines3(environment: Path) -> str | None:
    """Install it; return what is wrong, if anything is. So do the others."""
    done = pip(environment, "install", *STABLE_BASELINES3)
    return None if done else "pip could not install it; what it said is above"


def install_jax(environment: Path) -> str | None:
    if not pip(environment, "install", "--only-binary", ":all:", *JAX):
        return "pip could not install them; what it said is above"
    (environment / "jax-peers").touch()
    return None


def install_pufferlib(environment: Path) -> str | None:
    marker = environment / PUFFERLIB.replace("==", "-")
    if marker.exists():
        return None
    if shutil.which("c++") is None:
        return "it is built from source, and there is no C++ compiler (c++)"
    print("Building PufferLib, which takes some minutes", flush=True)
    build = ["install", "--no-deps", "--no-build-isolation"]
    done = (
        pip(environment, "install", "setuptools", "wheel", "cython", "numpy")
        and pip(environment, *build, *PUFFERLIB_NEEDS)
        # Not into pip's cache, where someone might take it for the whole of PufferLib.
        and pip(
            environment,
            *build,
            "--no-cache-dir",
            PUFFERLIB,
            PYTHONPATH=str((HERE / "without_network").resolve()),
        )
    )
    if not done:
        return "it could not be built; what pip said is above"
    marker.touch()
    return None


def fetch_purejaxrl(environment: Path) -> str | None:
    folder = environment / "purejaxrl"
    if (folder / "COMMIT").exists():
        return None
    shutil.rmtree(folder, ignore_errors=True)
    if shutil.which("git") is None:
        return f"it is fetched from {PUREJAXRL}, and there is no git"
    for command in (
        ["git", "clone", "--quiet", PUREJAXRL, folder],
        ["git", "-C", folder, "checkout", "--quiet", PUREJAXRL_COMMIT],
    ):
        if subprocess.run(command).returncode:
            return f"it could not be fetched from {PUREJAXRL}; what git said is above"
    (folder / "COMMIT").write_text(PUREJAXRL_COMMIT + "\n", "utf-8")
    return None


def main() -> int:
    """Install all; fail only where not even Stable-Baselines3 could be had."""
    environment = Path(sys.argv[1]).resolve()
    problems = {
        "Stable-Baselines3": install_stable_baselines3(environment),
        "JAX, gymnax and rejax": install_jax(environment),
        "PufferLib": install_pufferlib(environment),
        "PureJaxRL": fetch_purejaxrl(environment),
    }
    for peer, problem in problems.items():
        print(f"  {peer}: {'ready' if problem is None else f'left out: {problem}'}")
    return 0 if problems["Stable-Baselines3"] is None else 1


if __name__ == "__main__":
    sys.exit(main())
