"""PPO for several agents that act at once: one network for all, a critic that may see more."""

from ppolab.control.multi_agent.double import ParallelDouble
from ppolab.control.multi_agent.interface import ParallelEnvironment
from ppolab.control.multi_agent.known import is_multi_agent, make_parallel, register
from ppolab.control.multi_agent.vector import MultiAgentEnvironment

__all__ = [
    "MultiAgentEnvironment", "ParallelDouble", "ParallelEnvironment", "is_multi_agent",
    "make_parallel", "register",
]  # fmt: skip
