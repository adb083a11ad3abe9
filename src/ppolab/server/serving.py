"""Runs the server until it is told to stop."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable

import uvicorn

from ppolab.errors import UnavailableError
from ppolab.server.app import create_app
from ppolab.server.settings import EVERY_ADDRESS, ServerSettings

MESSAGE_LIMIT = 64 * 1024  # bytes of a client's WebSocket message
STOP_SECONDS = 15  # how long open requests and sockets may take to end


def serve(settings: ServerSettings, say: Callable[[str], None] = print) -> None:
    """Serve until interrupted; `say` prints one line with the address once it is ready.

    Raises UnavailableError when the port cannot be used and StorageError when the home folder
    cannot be written, both before anything was started.
    """
    settings.prepare()
    listening = bind(settings.host, settings.port)
    config = uvicorn.Config(
        create_app(settings),
        log_level="warning",
        ws_max_size=MESSAGE_LIMIT,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    with listening:
        Server(config, lambda: say(f"PPO Lab is ready at {address(settings)}")).run([listening])


class Server(uvicorn.Server):
    """A server that tells when it is ready."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self.started:
            self.when_ready()


def bind(host: str, port: int) -> socket.socket:
    """Take a port. Raises UnavailableError that names it, and what would do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    # A port whose last server has just stopped may be taken again at once.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        why = {
            errno.EADDRINUSE: "is in use by another program",
            errno.EACCES: "may not be used by this user",
        }.get(error.errno or 0, f"cannot be used on {host} ({error.strerror or error})")
        raise UnavailableError(
            "port", port, why, f"Choose another one, such as --port {next_port(port)}."
        ) from error
    return listening


def next_port(port: int) -> int:
    """A port to suggest; those under 1024 belong to the system."""
    return port + 1 if 1024 <= port < 65535 else 8001


def address(settings: ServerSettings) -> str:
    """The address to open in a browser."""
    host = settings.host
    if host in EVERY_ADDRESS:
        host = settings.allowed_hosts[0]
    elif host == "127.0.0.1":
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
