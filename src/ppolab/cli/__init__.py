"""The command line: `ppolab COMMAND`, with the commands below.

Every command takes --json: one JSON object on the last line of standard output, with everything
else on standard error. Commands import what they need when they run, so that --help is quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from ppolab import __version__
from ppolab.cli.output import Output
from ppolab.errors import PPOLabError

COMMANDS = {
    "serve": ("serve", "Serve the course in the browser."),
    "train": ("train", "Train PPO on an environment, with a progress bar and a summary."),
    "rlhf": ("rlhf", "Run the three stages of RLHF: fine-tuning, reward model, PPO."),
    "study": ("study", "Show where a finished reward model can be trusted."),
    "overoptimization": ("overoptimization", "Push a reward model, and fit what that is worth."),
    "eval": ("eval", "Let a run's policy play whole episodes, apart from training."),
    "sweep": ("sweep", "Search settings that learn better, over several seeds each."),
    "ablate": ("ablate", "Leave ingredients of PPO out, one at a time, and measure what they do."),
    "export": ("export", "Write a run's policy as ONNX, checked against torch."),
    "runs": ("runs", "List runs, look at one, resume or delete it."),
    "course": ("course", "Check that the course can be trusted: lessons, challenges, mutants."),
    "progress": ("progress", "Write all progress to a file, or take such a file in."),
    "certificate": ("certificate", "Issue a signed record of what was passed, or verify one."),
    "challenge": ("challenge", "List challenges, or submit a file to one."),
}

USAGE = """\
PPO Lab: a course on PPO and RLHF whose every picture is a view of a real training run.

usage: ppolab COMMAND [options]

commands:
{commands}

options:
  --help     this text; after a command, that command's options and an example
  --version  the version

example:
  ppolab train CartPole-v1 --seed 2
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 a negative answer, 2 cannot be done."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        rows = "\n".join(f"  {name:<17}{words}" for name, (_, words) in COMMANDS.items())
        print(USAGE.format(commands=rows))
        return 0
    if arguments[0] == "--version":
        print(__version__)
        return 0
    _wait_asleep()
    name, rest = arguments[0], arguments[1:]
    output = Output(json="--json" in arguments)
    if name not in COMMANDS:
        return output.error_words(
            f"command: {name!r} is not known. Known: {', '.join(COMMANDS)}", field="command"
        )
    command: Callable[[list[str], Output], int] = import_module(
        f"ppolab.cli.{COMMANDS[name][0]}"
    ).run
    try:
        return command(rest, output)
    except PPOLabError as error:
        return output.error(error)
    except KeyboardInterrupt:
        return output.error_words("interrupted")
    except BrokenPipeError:  # the reader of a pipe went away, as `| head` does
        sys.stdout = None
        return 0


def script() -> None:
    """Entry point of the `ppolab` script."""
    sys.exit(main())


def _wait_asleep() -> None:
    """Have the arithmetic's threads sleep soon while they wait for each other.

    By default OpenMP's threads wait at full speed, and a busy machine then takes the core from the
    one that is waited for: two threads were seen ten times slower than one. Sleeping costs about a
    fifth on a quiet machine. Read by the library once, when torch is imported.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")
