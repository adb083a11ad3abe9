"""Each kind of challenge: what is right passes, what is wrong fails by the check it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppolab.assessment import ChallengeFolder, Grade, check_challenge, grade, load_challenge
from ppolab.assessment.configuration import UnreadableConfigurationError, read_configuration
from ppolab.sandbox import Backend

PREFACE = """
import torch
from ppolab.assessment.checking import CheckFailed, require_number, require_value
"""

COUNTER = {
    "challenge.yaml": "title: T\nkind: class\nminutes: 5\nentry: Counter\nchecks: {hidden: H}\n",
    "starter.py": "class Counter:\n    total = None\n    def add(self, n): ...\n",
    "solution.py": """
class Counter:
    def __init__(self, start):
        self.total = start

    def add(self, n):
        self.total += n
        return self.total
""",
    "examples.yaml": """
- name: one step
  args: [{start: 2}, [[add, 3], [total]]]
  expected: [5, 5]
""",
    "checks.py": PREFACE
    + """
def hidden(ask, rng):
    steps = [int(n) for n in rng.integers(1, 9, size=5)]
    answer = require_value(ask({"start": 0}, [["add", n] for n in steps]), "sums")
    if answer[-1:] != [sum(steps)]:
        raise CheckFailed("Add every number.")
""",
    "mutants/forgets.py": """
# caught_by: hidden
# misconception: Each step begins anew.
class Counter:
    def __init__(self, start):
        self.total = start

    def add(self, n):
        return self.total + n
""",
}

RANKS = {
    "challenge.yaml": "title: T\nkind: distributed\nminutes: 5\nentry: mean\nchecks: {hidden: H}\n",
    "starter.py": "def mean(scale, own): ...\n",
    "solution.py": """
import torch.distributed as dist

def mean(scale, own):
    total = scale * own
    dist.all_reduce(total)
    return total / dist.get_world_size()
""",
    "alternatives/gathered.py": """
import torch
import torch.distributed as dist

def mean(scale, own):
    parts = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, own)
    dist.barrier()
    answer = scale * torch.stack(parts).mean(0) if dist.get_rank() == 2 else torch.zeros(2)
    dist.broadcast(answer, src=2)
    largest = answer.clone()
    dist.all_reduce(largest, op=dist.ReduceOp.MAX)
    return largest
""",
    "checks.py": PREFACE
    + """
def hidden(ask, rng):
    own = [torch.tensor(rng.normal(size=2), dtype=torch.float32) for _ in range(3)]
    for value in require_value(ask([2.0], [[part] for part in own]), "means"):
        if value is None or not torch.allclose(value, 2 * sum(own) / 3, atol=1e-5):
            raise CheckFailed("Every rank needs the mean of all.")
""",
    "mutants/own_only.py": """
# caught_by: hidden
# misconception: Each rank is by itself.
def mean(scale, own):
    return scale * own
""",
}

WALK = {
    "challenge.yaml": "title: T\nkind: training\nminutes: 5\nentry: train\nchecks: {good: G}\n",
    "world.py": """
class Walk:
    def __init__(self, goal):
        self.goal, self.place = goal, 0

    def step(self, action):
        self.place += action
        return -abs(self.place - self.goal)


def make_environment(seed):
    return Walk(goal=seed % 5 + 1)
""",
    "starter.py": "def train(make_environment, seed): ...\n",
    "solution.py": """
def train(make_environment, seed):
    tried = {}
    for action in range(10):
        tried[action] = make_environment(seed).step(action)
    return {"action": max(tried, key=tried.get)}
""",
    "checks.py": PREFACE
    + """
from pathlib import Path
world = {}
exec(Path(__file__).with_name("world.py").read_text(), world)

def good(ask, rng):
    seed = int(rng.integers(100))
    answer = require_value(ask(seed), "parameters")
    if not isinstance(answer, dict) or world["make_environment"](seed).step(answer["action"]) != 0:
        raise CheckFailed("The parameters do not reach the goal.")
""",
    "mutants/fixed.py": """
# caught_by: good
# misconception: All worlds are alike.
def train(make_environment, seed):
    return {"action": 0}
""",
}

QUICK = {
    "challenge.yaml": """
title: T
kind: speed
minutes: 5
entry: total
limits: {wall: 60}
checks: {right: R, fast: F}
unscored: [right]
""",
    "starter.py": """
def total(values):
    for _ in range(30):
        result = 0.0
        for value in values:
            result = result + value.item()
    return result
""",
    "solution.py": "def total(values):\n    return values.sum().item()\n",
    "checks.py": PREFACE
    + """
from ppolab.assessment.speed import require_speedup

def workload(rng):
    return (torch.tensor(rng.integers(0, 9, size=2000), dtype=torch.float64),)

def compare(answer, args):
    if abs(require_number(answer, "a sum") - float(args[0].sum())) > 1e-9:
        raise CheckFailed("The sum is wrong.")

def right(ask, rng):
    args = workload(rng)
    compare(ask("fast", *args), args)

def fast(ask, rng):
    require_speedup(ask, rng, workload, compare, times=2.0)
""",
    "mutants/no_faster.py": """
# caught_by: fast
# misconception: Another spelling is quicker.
def total(values):
    for _ in range(30):
        result = sum(value.item() for value in values)
    return result
""",
    "mutants/slows_the_given_one.py": """
# caught_by: fast
# misconception: Slowing down the other one is as good.
import torch

item = torch.Tensor.item

def total(values):
    def slow_item(self):
        item(self), item(self)
        return item(self)

    torch.Tensor.item = item
    for _ in range(30):
        result = sum(value.item() for value in values)
    torch.Tensor.item = slow_item
    return result
""",
    "mutants/half.py": """
# caught_by: right
# misconception: A part of the data is enough.
def total(values):
    return 2 * values[::2].sum().item()
""",
}

BATCHES = {
    "challenge.yaml": (
        "title: T\nkind: configuration\nminutes: 5\nentry: batch.yaml\nchecks: {divides: D}\n"
    ),
    "starter.yaml": "train_batch: 100\nmini_batch: 33\n",
    "solution.yaml": "train_batch: 100\nmini_batch: 25\n",
    "checks.py": PREFACE
    + """
def divides(ask, rng):
    config = require_value(ask(), "a mapping")
    if config["train_batch"] % config["mini_batch"]:
        raise CheckFailed("A mini-batch must divide the batch.")
""",
    "mutants/too_large.yaml": "# caught_by: divides\n# misconception: Size does not matter.\n"
    "train_batch: 100\nmini_batch: 64\n",
}


def written(folder: Path, files: dict[str, str]) -> ChallengeFolder:
    """A challenge of these files, and of texts that all challenges have."""
    folder = folder / "01-first" / "challenges" / "sample"
    texts = {"prompt.md": "P", "hints.md": "one", "explanation.md": "because", **files}
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip("\n"))
    return load_challenge(folder)


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "files", [COUNTER, RANKS, WALK, QUICK, BATCHES], ids=["class", "ranks", "walk", "speed", "yaml"]
)
def test_a_kind_passes_what_is_right_and_refuses_what_is_wrong(
    tmp_path: Path, backend: Backend, files: dict[str, str]
) -> None:
    assert check_challenge(written(tmp_path, files), backend, (1, 2)) == []


def test_a_configuration_needs_no_box_and_is_read_as_plain_data(tmp_path: Path) -> None:
    challenge = written(tmp_path, BATCHES)

    def graded(source: str) -> Grade:
        return grade(challenge, source, None)  # type: ignore[arg-type]  # no box is opened

    assert graded(challenge.solution).verdict == "pass"
    assert "nothing in a configuration is run" in graded(challenge.solution).backend
    assert graded(challenge.starter).checks[0].message == "A mini-batch must divide the batch."
    assert graded("just a text").verdict == "fail"
    broken = graded("a: [1\nb: 2\n")
    assert broken.verdict == "error"
    assert "line 2" in broken.summary


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1, 2]\nb: *a\n",
        "[" * 40 + "]" * 40,
        "!!python/object/apply:os.getcwd []",
        "- 1\n" * 6000,
    ],
)
def test_a_configuration_cannot_refer_nest_run_or_swell(text: str) -> None:
    with pytest.raises(UnreadableConfigurationError):
        read_configuration(text)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> ChallengeFolder:
    return written(tmp_path_factory.mktemp("ranks"), RANKS)


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "if dist.get_rank() == 1: return own\n    dist.all_reduce(own)\n    return own",
            "rank 0, line 4: RuntimeError: rank 1 has ended while rank 0 waits in all_reduce(SUM)",
        ),
        (
            "if dist.get_rank() == 1: dist.barrier()\n    else: dist.all_reduce(own)",
            "do not meet: rank 0 in all_reduce(SUM), rank 1 in barrier, rank 2 in all_reduce(SUM)",
        ),
        (
            "dist.all_reduce(own[: 1 + dist.get_rank() % 2].contiguous())",
            "differ in shape or dtype: rank 0 [1], rank 1 [2], rank 2 [1]",
        ),
        (
            "if dist.get_rank() == 2: own / nothing\n    dist.all_reduce(own)",
            "rank 2, line 3: NameError: name 'nothing' is not defined",
        ),
    ],
)
def test_ranks_that_do_not_meet_are_told_so_at_once(
    ranks: ChallengeFolder, backend: Backend, body: str, words: str
) -> None:
    source = f"import torch.distributed as dist\ndef mean(scale, own):\n    {body}\n"
    result = grade(ranks, source, backend)
    assert result.verdict == "error"
    assert words in result.checks[0].message


@pytest.mark.sandbox
def test_a_submission_without_its_class_or_function_is_told_which(
    ranks: ChallengeFolder, backend: Backend
) -> None:
    result = grade(ranks, "def average(scale, own): ...", backend)
    assert result.verdict == "error"
    assert "there is no function or class called mean" in result.summary
    assert "line" not in result.summary
