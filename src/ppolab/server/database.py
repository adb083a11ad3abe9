"""Opens the SQLite database and brings its tables up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from ppolab.errors import StorageError

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 5000  # how long a writer waits for another one


def open_database(file: Path) -> Engine:
    """Open the database and apply the migrations it lacks. Raises StorageError."""
    engine = create_engine(f"sqlite:///{file}")
    event.listen(engine, "connect", _set_pragmas)
    try:
        with engine.begin() as connection:
            migrate(connection)
    except DatabaseError as error:
        engine.dispose()
        raise StorageError(
            "database",
            str(file),
            f"cannot be opened ({error.orig})",
            "Move the file away to start with an empty one; runs are kept apart and stay.",
        ) from error
    return engine


def migrate(connection: Connection) -> None:
    """Apply every migration that this database has not seen."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _set_pragmas(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    # Readers go on while one writes, and a crash loses nothing that was committed.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")  # SQLite ignores them unless told
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.close()
