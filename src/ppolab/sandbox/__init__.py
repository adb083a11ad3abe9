"""Runs code that nobody trusts.

- `choose_backend()` finds the strongest isolation that works on this machine and says why;
- `prewarm(backend)` starts a box in the background, so that the next session opens at once;
- `keep_warm(backend)` does the same while interest lasts, to be called after a session;
- `open_session(backend)` gives a box with torch imported, ready for a submission.
"""

from ppolab.sandbox.backend import Backend, Box, Usage
from ppolab.sandbox.choosing import choose_backend
from ppolab.sandbox.limits import Limits
from ppolab.sandbox.session import Answer, BoxFault, Session, SubmissionError
from ppolab.sandbox.warm import keep_warm, open_session, prewarm

__all__ = [
    "Answer",
    "Backend",
    "Box",
    "BoxFault",
    "Limits",
    "Session",
    "SubmissionError",
    "Usage",
    "choose_backend",
    "keep_warm",
    "open_session",
    "prewarm",
]
