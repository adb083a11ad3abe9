from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ppolab
from ppolab.errors import InvalidSettingError
from ppolab.sandbox import cgroups, runtime, watchdog
from ppolab.sandbox.limits import MIB, Limits


def test_a_limit_of_nothing_is_refused_by_name() -> None:
    with pytest.raises(InvalidSettingError, match=r"limits\.memory: 0"):
        Limits(memory=0)


def test_the_packages_of_a_box_are_torch_numpy_and_what_they_need() -> None:
    names = {path.name for path in runtime.package_paths(["torch", "numpy"])}
    assert {"torch", "numpy", "sympy", "typing_extensions.py"} <= names
    assert not names & {"ppolab", "pytest", "fastapi", "bin", ".."}


def test_no_mount_of_a_box_contains_our_package() -> None:
    own = Path(ppolab.__file__).resolve()
    found = runtime.find_runtime()
    for source, target in found.mounts:
        covered = any(target in hidden.parents or target == hidden for hidden in found.hidden)
        assert covered or not own.is_relative_to(source), source


def make_tree_of_version_2(top: Path) -> None:
    top.mkdir()
    (top / "cgroup.controllers").write_text("cpu memory pids")


def test_version_2_groups_get_their_limits_written(tmp_path: Path) -> None:
    make_tree_of_version_2(tmp_path / "top")
    limits = Limits(memory=100 * MIB, processes=7, cores=2)
    group = cgroups.Cgroup(limits, 2, tmp_path / "top")
    (folder,) = group.folders
    assert folder.parent == tmp_path / "top" / "ppolab"
    assert (folder.parent / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    assert (folder / "memory.max").read_text() == str(100 * 1024 * 1024)
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "pids.max").read_text() == "7"
    assert (folder / "cpu.max").read_text() == "200000 100000"


def test_version_2_groups_tell_of_kills_for_memory(tmp_path: Path) -> None:
    make_tree_of_version_2(tmp_path / "top")
    group = cgroups.Cgroup(Limits(), 2, tmp_path / "top")
    events = group.folders[0] / "memory.events"
    events.write_text("low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\n")
    assert not group.out_of_memory()
    events.write_text("low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\n")
    assert group.out_of_memory()


def test_a_sweep_removes_old_groups_and_leaves_new_ones(tmp_path: Path) -> None:
    for name in ("10-0", "11-0"):
        (tmp_path / "ppolab" / name).mkdir(parents=True)
    an_hour_ago = time.time() - 3600
    os.utime(tmp_path / "ppolab" / "10-0", (an_hour_ago, an_hour_ago))
    cgroups.sweep(2, tmp_path)
    assert [folder.name for folder in (tmp_path / "ppolab").iterdir()] == ["11-0"]


def test_a_sweep_removes_the_folder_of_all_groups_when_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / "ppolab").mkdir()
    cgroups.sweep(2, tmp_path)
    assert not (tmp_path / "ppolab").exists()


TAKE_MEMORY = """
import os, sys, time
data = b"x" * (60 << 20)
if os.fork() == 0:
    more = b"y" * (60 << 20)
print("taken", flush=True)
time.sleep(30)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_watchdog_sums_a_tree_without_counting_shared_pages_twice() -> None:
    shell = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    parent = subprocess.Popen(
        [sys.executable, "-c", shell, TAKE_MEMORY], stdout=subprocess.PIPE, start_new_session=True
    )
    fired: list[float] = []
    dog = watchdog.Watchdog(parent.pid, 100 * MIB, lambda: fired.append(time.monotonic()))
    try:
        assert parent.stdout is not None
        for _ in range(2):
            assert parent.stdout.readline() == b"taken\n"
        # 60 MB in the first, 60 more in its child, which also shares the first 60.
        assert 120 * MIB <= dog.measure() <= 160 * MIB
        dog.start()
        dog.join(2)
        assert fired
        assert dog.fired
    finally:
        dog.stop()
        for pid in watchdog.descendants(parent.pid):
            subprocess.run(["kill", "-9", str(pid)], check=False)
        parent.kill()
        parent.wait()
