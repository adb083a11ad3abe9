"""Runs migrations on the connection that `ppolab.server.database` hands over."""

from alembic import context

from ppolab.server.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a column by copying its table
)
with context.begin_transaction():
    context.run_migrations()
