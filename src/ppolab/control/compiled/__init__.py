"""PPO in compiled kernels, for policies that are two small networks on a CPU.

The order to read in: `network` (forward and backward of one network), `losses` and `policies` (the
slopes at its output), `learning` (minibatches, epochs, Adam), `acting`, `backend` (the interface),
and for where the speed comes from `matrices` with `lanes` of `ppolab.machine_code`.
`ppolab.control.handwritten` has the same gradient in NumPy, without a thought for speed.
"""

from ppolab.control.compiled.backend import CompiledBackend, rollout_compiled, supports
from ppolab.control.compiled.cartpole import CartPole
from ppolab.control.compiled.gridworld import GridWorld

__all__ = ["CartPole", "CompiledBackend", "GridWorld", "rollout_compiled", "supports"]
