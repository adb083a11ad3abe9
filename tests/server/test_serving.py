"""The server as a process: its port, its ready line, and what a stop or a kill leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from ppolab.errors import StorageError, UnavailableError
from ppolab.server.serving import serve
from ppolab.server.settings import ServerSettings

PROGRAM = """
import sys
from pathlib import Path
from ppolab.server import ServerSettings, serve

if __name__ == "__main__":
    home, content, port = sys.argv[1:]
    serve(
        ServerSettings(home=Path(home), content=Path(content), port=int(port)),
        say=lambda line: print(line, flush=True),
    )
"""


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def start(tmp_path, settings, port):
    """Start a server as a process of its own and wait for its ready line."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    running = []

    def start():
        arguments = [str(settings.home), str(settings.content), str(port)]
        process = subprocess.Popen(
            [sys.executable, str(program), *arguments],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running.append(process)
        assert process.stdout.readline() == f"PPO Lab is ready at http://localhost:{port}\n"
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def call(port, method, path, body=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def wait_for(condition, seconds=150):
    for _ in range(int(seconds / 0.1)):
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError("it did not come to pass")


def test_a_port_in_use_is_named_with_another_to_try(settings, port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(UnavailableError) as caught:
            serve(ServerSettings(home=settings.home, port=port))
    assert f"port: {port} is in use" in str(caught.value)
    assert f"--port {port + 1}" in caught.value.mend


def test_a_home_that_cannot_be_written_stops_the_start(tmp_path, port):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="PPOLAB_HOME"):
        serve(ServerSettings(home=tmp_path / "file", port=port))


def test_a_killed_server_tells_the_truth_about_its_run_and_resumes_it(start, port):
    server = start()
    run = call(port, "POST", "/api/runs", {"preset": "cartpole", "overrides": {"seed": 3}})
    path = f"/api/runs/{run['id']}"
    wait_for(lambda: (call(port, "GET", path)["resumable_step"] or 0) >= 2000)
    os.kill(server.pid, signal.SIGKILL)
    server.wait()

    start()
    left = wait_for(lambda: (run := call(port, "GET", path))["state"] == "interrupted" and run)
    assert left["state_words"].startswith(f"interrupted at step {left['step']:,}")
    assert left["can_resume"]
    before = call(port, "GET", f"{path}/series?keys=return_mean_100&px=10000")
    seen = dict(zip(*before["series"]["return_mean_100"].values(), strict=True))
    assert len(seen) > 3

    call(port, "POST", f"{path}/resume")
    goal = left["step"] + 2000
    wait_for(lambda: call(port, "GET", path)["step"] >= goal)
    after = call(port, "GET", f"{path}/series?keys=return_mean_100&px=10000")
    steps = after["series"]["return_mean_100"]["step"]
    assert steps == sorted(set(steps))  # no step is told twice
    again = dict(zip(steps, after["series"]["return_mean_100"]["value"], strict=True))
    # What was trained again after the checkpoint came out as it had the first time.
    assert {step: again[step] for step in seen} == seen

    call(port, "POST", f"{path}/control", {"action": "stop"})
    wait_for(lambda: call(port, "GET", path)["state"] == "stopped")


def test_a_server_that_is_told_to_stop_lets_its_runs_checkpoint_first(start, port):
    server = start()
    run = call(port, "POST", "/api/runs", {"preset": "cartpole"})
    path = f"/api/runs/{run['id']}"
    wait_for(lambda: call(port, "GET", path)["step"] > 0)
    server.terminate()
    assert server.wait(30) in (0, -signal.SIGTERM)
    start()
    left = call(port, "GET", path)
    assert left["state"] == "interrupted"
    assert left["resumable_step"] == left["step"]  # nothing has to be trained again
