"""The first tables: learners, progress, predictions, drafts and attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "learners",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_learners"),
        sa.UniqueConstraint("name", name="uq_learners_name"),
    )
    op.create_table(
        "lesson_progress",
        learner_column("lesson_progress"),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("chapter", sa.String(80), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("done_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("learner_id", "kind", "chapter", "slug", name="pk_lesson_progress"),
    )
    op.create_table(
        "predictions",
        learner_column("predictions"),
        sa.Column("chapter", sa.String(80), nullable=False),
        sa.Column("lesson", sa.String(80), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("option", sa.String(80), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("learner_id", "chapter", "lesson", "name", name="pk_predictions"),
    )
    op.create_table(
        "drafts",
        learner_column("drafts"),
        sa.Column("challenge", sa.String(80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("learner_id", "challenge", name="pk_drafts"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        learner_column("attempts"),
        sa.Column("challenge", sa.String(80), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("backend", sa.String(80), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_learner_challenge", "attempts", ["learner_id", "challenge"])


def learner_column(table: str) -> sa.Column[int]:
    return sa.Column(
        "learner_id",
        sa.Integer(),
        sa.ForeignKey("learners.id", ondelete="CASCADE", name=f"fk_{table}_learner_id_learners"),
        nullable=False,
    )


def downgrade() -> None:
    for table in ("attempts", "drafts", "predictions", "lesson_progress", "learners"):
        op.drop_table(table)
