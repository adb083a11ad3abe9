from __future__ import annotations

from hypothesis import settings

# A machine that is busy must not fail a property: no deadline. Fifty examples keep `make test`
# quick; the database of failures makes a found one come back first.
settings.register_profile("ppolab", deadline=None, max_examples=50)
settings.load_profile("ppolab")
