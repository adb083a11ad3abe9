"""Wheel hook: a wheel must carry the built page, so that its users need no node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RequireBuiltPage(BuildHookInterface):
    """Refuse to build a wheel without the page, and say how to build it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            # Content is read from the checkout; copying it would freeze it at install time.
            self.build_config.target_config.pop("force-include", None)
            return
        page = Path(self.root, "src/ppolab/_web/index.html")
        if not page.exists():
            raise RuntimeError(
                f"{page} is missing: the page is not built. Run `make web` first; it brings "
                "its own node from PyPI."
            )
