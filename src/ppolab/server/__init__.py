"""The server: REST, WebSocket, database, and the page itself.

Names are loaded when they are asked for, so that reading the wire types needs no engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ppolab.server.app import create_app
    from ppolab.server.serving import serve
    from ppolab.server.settings import ServerSettings

__all__ = ["ServerSettings", "create_app", "serve"]

_HOMES = {"create_app": "app", "serve": "serving", "ServerSettings": "settings"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
