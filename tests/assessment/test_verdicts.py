"""Every kind of submission gets the right answer, and none of them writes it itself."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppolab.assessment import MAX_SOURCE_BYTES, ChallengeFolder, Grade, grade, load_challenge
from ppolab.assessment.proving import Prover
from ppolab.errors import InvalidSettingError
from ppolab.sandbox import Backend, prewarm
from ppolab.sandbox.warm import WarmBox

FOLDER = Path(__file__).parents[2] / "content/chapters/04-meeting-ppo/challenges/clipped-objective"


@pytest.fixture(scope="module")
def challenge() -> ChallengeFolder:
    return load_challenge(FOLDER)


@pytest.fixture(autouse=True)
def next_box_in_the_background(request: pytest.FixtureRequest) -> None:
    if "backend" in request.fixturenames:
        prewarm(request.getfixturevalue("backend"))


@pytest.fixture(scope="module")
def prover(challenge: ChallengeFolder, backend: Backend) -> Iterator[Prover]:
    """Grades harmless submissions in one box, which saves the start of one for each."""
    with Prover(challenge, backend) as prover:
        yield prover


def statuses(result: Grade) -> dict[str, str]:
    return {outcome.name: outcome.status for outcome in result.checks}


# ------------------------------------------------------------------------------- ordinary answers


@pytest.mark.sandbox
def test_the_solution_passes_and_every_check_is_streamed(
    challenge: ChallengeFolder, backend: Backend
) -> None:
    updates: list[Grade] = []
    result = grade(challenge, challenge.solution, backend, on_update=updates.append)
    assert result.verdict == "pass"
    assert result.summary == "All 12 checks pass."
    assert set(statuses(result).values()) == {"pass"}
    assert result.backend == backend.name
    done = [sum(o.status != "pending" for o in update.checks) for update in updates]
    assert done == [*range(13), 12]
    assert [update.verdict for update in updates] == [None] * 13 + ["pass"]
    assert updates[-1] == result


@pytest.mark.sandbox
def test_a_wrong_answer_is_told_what_was_expected_and_what_came(
    challenge: ChallengeFolder, prover: Prover
) -> None:
    result = prover.grade(challenge.solution.replace("return -torch", "return torch"), seed=1)
    assert result.verdict == "fail"
    shown, inside = result.checks[:2]
    assert shown.status == inside.status == "fail"
    assert shown.case == (
        "clipped_objective(log_probs=[-0.5], old_log_probs=[-0.9], advantages=[1], clip_range=0.2)"
    )
    assert shown.message == "Expected -1.2, got 1.2."
    assert "right apart from its sign" in inside.message
    assert not re.search(r"\d\.\d", inside.message)  # a hidden check shows no value
    assert inside.case == ""
    assert "First to mend: The examples that you can see come out right." in result.summary


@pytest.mark.sandbox
def test_the_same_seed_draws_the_same_cases_and_another_draws_others(prover: Prover) -> None:
    source = "def clipped_objective(a, b, c, d): raise ValueError(a.sum().item())"
    first, second, other = (prover.grade(source, seed=s) for s in (5, 5, 6))
    assert first.checks == second.checks
    assert first.checks[0] == other.checks[0]  # the visible examples are always the same
    assert {a.message for a in first.checks[1:]}.isdisjoint(b.message for b in other.checks[1:])


@pytest.mark.sandbox
def test_what_a_terminal_would_obey_is_shown_instead(
    challenge: ChallengeFolder, backend: Backend
) -> None:
    source = (
        "print('\\x1b[2J\\u202egone')\n"
        "def clipped_objective(a, b, c, d): raise ValueError('\\x1b]0;title\\x07' + 'x' * 9000)"
    )
    result = grade(challenge, source, backend)
    assert result.output == "␛[2J\\u202egone\n"
    told = [outcome.message for outcome in result.checks]
    assert all("ValueError: ␛]0;title␇xxx" in message and len(message) < 2500 for message in told)


@pytest.mark.sandbox
def test_what_is_printed_is_shown_and_decides_nothing(
    challenge: ChallengeFolder, backend: Backend
) -> None:
    result = grade(challenge, "print('loaded')\n" + challenge.solution, backend)
    assert result.verdict == "pass"
    assert result.output == "loaded\n"


@pytest.mark.sandbox
def test_an_exception_tells_line_message_and_shapes(prover: Prover) -> None:
    source = "import torch\ndef clipped_objective(a, b, c, d):\n    return a + torch.zeros(77)\n"
    result = prover.grade(source, seed=1)
    assert result.verdict == "error"
    message = next(o.message for o in result.checks if o.name == "mean-over-samples")
    assert message.startswith("Your function raised an error in line 3: RuntimeError: The size of")
    assert ". It was called with a float32 tensor of shape [6], " in message
    assert message.endswith(".")


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def clipped_objective(:\n    pass\n", "line 1: SyntaxError"),
        ("x = 1\ny = 1 / 0\n", "line 2: ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("", "no function called clipped_objective"),
        ("clipped_objective = 3", "no function called clipped_objective"),
    ],
)
def test_code_that_cannot_be_loaded_runs_no_check(prover: Prover, source: str, words: str) -> None:
    result = prover.grade(source, seed=1)
    assert result.verdict == "error"
    assert words in result.summary
    assert set(statuses(result).values()) == {"not_run"}


@pytest.mark.sandbox
def test_an_endless_loop_is_a_timeout_of_five_seconds(
    challenge: ChallengeFolder, backend: Backend
) -> None:
    source = "def clipped_objective(a, b, c, d):\n    while True: pass\n"
    result = grade(challenge, source, backend)
    assert result.verdict == "timeout"
    assert "5 seconds" in result.summary
    assert result.checks[0].status == "timeout"
    assert set(list(statuses(result).values())[1:]) == {"not_run"}


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "expression", ["torch.ones(1 << 31)", "[torch.ones(4 << 20) for _ in range(999)]"]
)
def test_taking_too_much_memory_is_called_so(
    challenge: ChallengeFolder, backend: Backend, expression: str
) -> None:
    source = f"import torch\ndef clipped_objective(a, b, c, d):\n    return {expression}\n"
    result = grade(challenge, source, backend)
    assert result.verdict == "memory"
    assert "memory. line" not in result.summary
    assert result.summary.endswith(".")


def test_a_source_of_5_mb_is_refused_with_size_limit_and_mend(challenge: ChallengeFolder) -> None:
    with pytest.raises(InvalidSettingError) as caught:
        grade(challenge, "x" * 5_000_000, None)  # type: ignore[arg-type]  # no box is started
    text = str(caught.value)
    assert "5,000,000 bytes" in text
    assert "262,144 bytes (256 KB)" in text
    assert "Send only the code" in text
    assert MAX_SOURCE_BYTES == 262_144


# --------------------------------------------------------------------------------------- forgeries

WRONG = "def clipped_objective(a, b, c, d): return a.sum() * 0"

FORGERIES = {
    "prints a verdict and leaves": (
        'import os\nprint(\'{"verdict": "pass"}\', flush=True)\nos._exit(0)',
        "error",
    ),
    "answers ahead on every descriptor": (
        'import os, struct\nb = b\'{"$dict": [["loaded", true]]}\'\n'
        "for fd in range(3, 30):\n    try: os.write(fd, (struct.pack('>II', len(b), 0) + b) * 9)\n"
        "    except OSError: pass\n" + WRONG,
        "protocol",
    ),
    "makes all comparisons true": (
        "import torch, numpy, math, builtins\nyes = lambda *a, **k: True\n"
        "torch.allclose = torch.equal = torch.isclose = numpy.allclose = math.isclose = yes\n"
        "torch.Tensor.__eq__ = yes\ntorch.testing.assert_close = yes\n" + WRONG,
        "fail",
    ),
    "patches autograd": (
        "import torch\ntorch.autograd.grad = lambda y, xs, **k: [torch.zeros_like(x) for x in xs]\n"
        + WRONG,
        "fail",
    ),
    "returns something equal to everything": (
        (
            "import torch\nclass Equal(torch.Tensor):\n    def __eq__(self, other): return True\n"
            "    def __sub__(self, other): return torch.zeros(())\n"
            "def clipped_objective(a, b, c, d): return torch.zeros(()).as_subclass(Equal)"
        ),
        "fail",
    ),
    "returns nan": (
        "def clipped_objective(a, b, c, d): return (a * float('nan')).sum()",
        "fail",
    ),
    "returns infinity": (
        "def clipped_objective(a, b, c, d): return (a / 0).sum()",
        "fail",
    ),
    "looks for the answer in frames and in the garbage collector": (
        (
            "import gc, sys\ndef clipped_objective(a, b, c, d):\n    frame = sys._getframe()\n"
            "    names = ('expected', 'solution', 'reference', 'checks', 'mutants', 'seed')\n"
            "    while frame:\n        for n, v in {**frame.f_globals, **frame.f_locals}.items():\n"
            "            if n in names: print('FOUND', n)\n        frame = frame.f_back\n"
            "    for o in gc.get_objects():\n"
            "        if type(o) is dict and 'inside-range' in o: print('FOUND checks')\n"
            "    if 'ppolab' in sys.modules: print('FOUND ppolab')\n    return a.sum() * 0"
        ),
        "fail",
    ),
    "imports the engine's own loss": (
        (
            "from ppolab.algorithms.policy_losses import clipped_policy_loss\n"
            "def clipped_objective(*a): return clipped_policy_loss(*a).loss"
        ),
        "error",
    ),
    "replaces the driver's functions": (
        "import sys\nmain = sys.modules['__main__']\n"
        "main.Driver.answer = lambda self, case: {'id': case['id'], 'value': True,"
        " 'gradients': [], 'verdict': 'pass', 'args': []}\n" + WRONG,
        "protocol",
    ),
    "answers with another number": (
        "import sys\nmain = sys.modules['__main__']\n"
        "main.Driver.answer = lambda self, case: {'id': True, 'value': 1, 'gradients': []}\n"
        + WRONG,
        "protocol",
    ),
    "sends hostile error reports": (
        (
            "import sys\nmain = sys.modules['__main__']\n"
            "main.describe = lambda e: {'type': ['x'], 'message': 3, 'line': 'y'}\n"
            "def clipped_objective(*a): raise ValueError"
        ),
        "protocol",
    ),
}


@pytest.mark.sandbox
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_gets_what_it_deserves(
    challenge: ChallengeFolder, backend: Backend, name: str
) -> None:
    source, verdict = FORGERIES[name]
    result = grade(challenge, source, backend)
    assert result.verdict == verdict
    assert "FOUND" not in result.output
    assert statuses(result)["inside-range"] != "pass"


@pytest.mark.sandbox
def test_an_answer_that_cannot_be_compared_is_no_pass(
    challenge: ChallengeFolder, backend: Backend
) -> None:
    odd_gradients = (
        "import sys, torch\nmain = sys.modules['__main__']\n"
        "main.gradients = lambda value, inputs:"
        " [torch.zeros(x.shape, dtype=torch.int8) for x in inputs]\n"
    )
    result = grade(challenge, odd_gradients + challenge.solution, backend)
    assert result.verdict == "fail"
    outcome = next(o for o in result.checks if o.name == "gradient")
    assert (outcome.status, "cannot be compared" in outcome.message) == ("fail", True)


NAIVE_GRADER = """
import sys, torch
from ppolab.algorithms.policy_losses import clipped_policy_loss

namespace = {}
exec(open(sys.argv[1]).read(), namespace)
a, b, c = torch.randn(8), torch.randn(8), torch.randn(8)
expected = clipped_policy_loss(a, b, c, 0.2).loss
if not torch.allclose(namespace["clipped_objective"](a, b, c, 0.2), expected):
    sys.exit(1)
"""


@pytest.mark.parametrize(
    "name",
    [
        "prints a verdict and leaves",
        "makes all comparisons true",
        "imports the engine's own loss",
    ],
)
def test_a_grader_that_shares_its_process_falls_for_these(name: str, tmp_path: Path) -> None:
    """The forgeries above bite: this is what they do to a grader without a judge of its own."""
    (tmp_path / "submission.py").write_text(FORGERIES[name][0])
    command = [sys.executable, "-c", NAIVE_GRADER, str(tmp_path / "submission.py")]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0
    (tmp_path / "submission.py").write_text(WRONG)
    assert subprocess.run(command, check=False, timeout=60).returncode == 1


# --------------------------------------------------------------------------------------- warm box


@pytest.mark.sandbox
def test_a_warm_box_is_ready_at_once_and_used_only_once(backend: Backend) -> None:
    warm = WarmBox(backend)
    warm.prewarm()
    assert warm._next is not None
    ready = warm._next.result(timeout=60)
    started = time.monotonic()
    session = warm.take()
    assert time.monotonic() - started < 0.1
    assert session is ready
    with session, warm.take() as second:
        assert second is not session


@pytest.mark.sandbox
def test_a_warm_box_that_nobody_takes_is_ended(backend: Backend) -> None:
    warm = WarmBox(backend, idle_seconds=0.1)
    warm.prewarm()
    assert warm._next is not None
    session = warm._next.result(timeout=60)
    deadline = time.monotonic() + 20
    while not session.closed and time.monotonic() < deadline:
        time.sleep(0.02)
    assert session.closed
