import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ppolab.errors import StorageError
from ppolab.server.database import open_database
from ppolab.server.models import Base


def test_migrations_and_models_describe_the_same_tables(tmp_path):
    engine = open_database(tmp_path / "a.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_opening_again_keeps_what_was_written(tmp_path):
    engine = open_database(tmp_path / "a.db")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO learners VALUES (7, 'ada', '2026-01-01 00:00:00')"))
    engine.dispose()
    with open_database(tmp_path / "a.db").connect() as connection:
        assert connection.execute(text("SELECT name FROM learners")).scalars().all() == ["ada"]


def test_foreign_keys_are_enforced_and_the_journal_is_a_write_ahead_log(tmp_path):
    engine = open_database(tmp_path / "a.db")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    with engine.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(text("INSERT INTO drafts VALUES (99, 'x', 'y', '2026-01-01 00:00:00')"))


def test_a_file_that_is_no_database_is_named_with_the_mend(tmp_path):
    file = tmp_path / "a.db"
    file.write_text("this is a letter to a friend, and not a database at all\n" * 100)
    with pytest.raises(StorageError, match="Move the file away"):
        open_database(file)
    assert file.read_text().startswith("this is a letter")
