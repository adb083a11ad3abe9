"""`ppolab serve`: the course in the browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ppolab.cli.options import default_home, parse
from ppolab.cli.output import Output

EXAMPLE = "ppolab serve --port 8001"


@dataclass(frozen=True)
class ServeOptions:
    """Serve the course on this machine. Stop it with Ctrl-C; running trainings can be resumed."""

    port: int = 8000
    """Port to listen on."""
    host: str = "127.0.0.1"
    """Address to listen on; anything but this machine's own needs --allowed-hosts."""
    allowed_hosts: tuple[str, ...] = ()
    """Further host names by which browsers may call this server."""
    unsafe_local: bool = False
    """Run submitted code without isolation. Only for your own code on your own machine."""
    open: bool = False
    """Open the page in the browser."""
    home: Path = field(default_factory=default_home)
    """Folder of runs and progress; PPOLAB_HOME sets it as well."""
    json: bool = False
    """Print one JSON object with the address once the server is ready."""


def run(arguments: list[str], output: Output) -> int:
    """Serve until interrupted."""
    options = parse(ServeOptions, "serve", arguments, EXAMPLE)

    from ppolab.server import ServerSettings, serve
    from ppolab.server.serving import address

    settings = ServerSettings(
        home=options.home,
        host=options.host,
        port=options.port,
        unsafe_local=options.unsafe_local,
        allowed_hosts=options.allowed_hosts,
    )

    def ready(words: str) -> None:
        output.console.print(f"{words}   (stop with Ctrl-C)", soft_wrap=True)
        output.result({"address": address(settings), "home": str(settings.home)})
        if options.open:
            import webbrowser

            webbrowser.open(address(settings))

    serve(settings, ready)
    return 0
