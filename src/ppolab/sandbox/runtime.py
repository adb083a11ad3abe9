"""What of Python a box can see: one interpreter and an allow-list of packages.

Our own package, the course content, the user's home and the virtual environment as a whole stay
outside. Solutions and checks lie there, and a box that cannot open them cannot copy from them.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PACKAGES = ("torch", "numpy")
PYTHON_FOLDER = Path("/opt/python")
PACKAGE_FOLDER = Path("/opt/packages")


@dataclass(frozen=True)
class Runtime:
    """What to mount, as (path on the host, path in the box), and how to start Python there.

    `hidden` are folders in the box to cover with an empty one.
    """

    executable: Path  # in the box
    mounts: tuple[tuple[Path, Path], ...]
    hidden: tuple[Path, ...]
    library_path: Path | None  # where the interpreter's shared library lies, in the box


def find_runtime() -> Runtime:
    """Describe the interpreter that runs this program, and the packages a submission may use."""
    prefix = Path(sys.base_prefix).resolve()
    executable = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    stdlib = Path(sysconfig.get_path("stdlib")).resolve()
    packages = tuple((path, PACKAGE_FOLDER / path.name) for path in package_paths(PACKAGES))
    if prefix == Path("/usr"):  # the system's own: /usr/lib is mounted in place for all boxes
        return system_runtime(executable, stdlib, packages)
    box_stdlib = PYTHON_FOLDER / stdlib.relative_to(prefix)
    if (prefix / "conda-meta").is_dir():  # its interpreter needs libraries from all over lib/
        libraries = [(prefix / "lib", PYTHON_FOLDER / "lib")]
    else:
        shared = sorted((prefix / "lib").glob("libpython*.so*"))
        libraries = [(stdlib, box_stdlib)]
        libraries += [(path, PYTHON_FOLDER / "lib" / path.name) for path in shared]
    return Runtime(
        executable=PYTHON_FOLDER / "bin" / executable.name,
        mounts=((executable, PYTHON_FOLDER / "bin" / executable.name), *libraries, *packages),
        hidden=tuple(box_stdlib / name for name in _package_folders(stdlib)),
        library_path=PYTHON_FOLDER / "lib",
    )


def system_runtime(
    executable: Path, stdlib: Path, packages: tuple[tuple[Path, Path], ...]
) -> Runtime:
    """Describe the interpreter of the operating system, which stays where it is."""
    debian = Path("/usr/lib/python3/dist-packages")
    hidden = [stdlib / name for name in _package_folders(stdlib)]
    return Runtime(
        executable=executable,
        mounts=((executable, executable), *packages),
        hidden=(*hidden, debian) if debian.is_dir() else tuple(hidden),
        library_path=None,
    )


def _package_folders(stdlib: Path) -> list[str]:
    return [name for name in ("site-packages", "dist-packages") if (stdlib / name).is_dir()]


def package_paths(names: Iterable[str]) -> list[Path]:
    """List the files and folders on disk of some distributions and of all they require.

    Requirements behind an extra are left out; the others are taken when they are installed, which
    spares us from evaluating their markers.
    """
    paths: dict[str, Path] = {}
    seen: set[str] = set()
    todo = list(names)
    while todo:
        name = _canonical(todo.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for file in distribution.files or ():
            top = file.parts[0]
            if _is_importable(top):
                paths[top] = Path(str(distribution.locate_file(top))).resolve()
        for requirement in distribution.requires or ():
            if "extra ==" not in requirement:
                todo.append(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
    return [path for path in (paths[top] for top in sorted(paths)) if path.exists()]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_importable(top: str) -> bool:
    """Keep packages, modules and folders of shared libraries; leave scripts and metadata."""
    return not (
        top in ("..", "__pycache__", "bin", "share", "include")
        or top.endswith((".dist-info", ".egg-info", ".pth"))
    )
