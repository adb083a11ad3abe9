"""PPO Lab: a course on PPO and RLHF whose every picture is a view of a real training run."""

__version__ = "0.1.0"
