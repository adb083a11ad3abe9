"""What the server needs to know before it starts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ppolab.errors import InvalidSettingError, StorageError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
EVERY_ADDRESS = frozenset({"0.0.0.0", "::", ""})


def default_home() -> Path:
    """The folder that holds runs and progress: $PPOLAB_HOME, else ~/.ppolab."""
    return Path(os.environ.get("PPOLAB_HOME") or Path.home() / ".ppolab")


def default_content() -> Path:
    """The course: inside an installed package, else beside the source tree."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_content"
    return installed if installed.is_dir() else package.parent.parent / "content"


def default_web() -> Path:
    """The built page, which travels inside the package."""
    return Path(__file__).resolve().parent.parent / "_web"


@dataclass(frozen=True)
class ServerSettings:
    """Where the server listens and what it serves. Unsafe combinations are refused."""

    home: Path = field(default_factory=default_home)
    host: str = "127.0.0.1"
    port: int = 8000
    content: Path = field(default_factory=default_content)
    web: Path = field(default_factory=default_web)
    unsafe_local: bool = False  # grade without isolation, when this machine has none
    allowed_hosts: tuple[str, ...] = ()  # further names by which browsers may call this server

    def __post_init__(self) -> None:
        """Refuse values that cannot work or would open this machine to others."""
        if not 1 <= self.port <= 65535:
            raise InvalidSettingError(
                "port", self.port, "is not a port", "Use a number from 1 to 65535."
            )
        if self.unsafe_local and self.host not in LOOPBACK:
            raise InvalidSettingError(
                "unsafe_local",
                self.unsafe_local,
                f"would let anyone who reaches {self.host} run code on this machine",
                "Listen on 127.0.0.1, or install an isolation backend and leave this off.",
            )
        if self.host in EVERY_ADDRESS and not self.allowed_hosts:
            raise InvalidSettingError(
                "host",
                self.host,
                "listens on every address without saying by which names it may be called",
                "Name them in allowed_hosts, or listen on 127.0.0.1.",
            )

    @property
    def runs_folder(self) -> Path:
        """Where run folders live."""
        return self.home / "runs"

    @property
    def recorded_runs(self) -> Path | None:
        """The runs that are shipped with the course, if there are any."""
        folder = self.content / "runs"
        return folder if folder.is_dir() else None

    @property
    def database(self) -> Path:
        """The SQLite file with progress and attempts."""
        return self.home / "ppolab.db"

    @property
    def host_names(self) -> frozenset[str]:
        """Names a browser may put into the Host header; any other is refused."""
        own = LOOPBACK if self.host in LOOPBACK | EVERY_ADDRESS else frozenset({self.host})
        return own | frozenset(self.allowed_hosts)

    def prepare(self) -> None:
        """Make the home folder, and prove that it can be written. Raises StorageError."""
        probe = self.home / ".write-test"
        try:
            self.runs_folder.mkdir(parents=True, exist_ok=True)
            probe.write_text("ppolab can write here\n")
            probe.unlink()
        except OSError as error:
            raise StorageError(
                "home",
                str(self.home),
                f"cannot be written ({error.strerror or error})",
                "Choose another folder with PPOLAB_HOME or --home, or mend its permissions.",
            ) from error
