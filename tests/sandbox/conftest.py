from __future__ import annotations

import pytest

from ppolab.errors import UnavailableError
from ppolab.sandbox import Backend, choose_backend


@pytest.fixture(scope="session")
def backend() -> Backend:
    try:
        return choose_backend()
    except UnavailableError as error:
        pytest.skip(f"NO SANDBOX HERE, its tests did not run: {error}")
