"""Answers, open variants of questions and hints; where an attempt was graded."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("attempts") as attempts:
        attempts.add_column(sa.Column("origin", sa.String(80), nullable=False, server_default=""))
    op.create_table(
        "question_variants",
        learner_column("question_variants"),
        sa.Column("question", sa.String(80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("learner_id", "question", name="pk_question_variants"),
    )
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer(), nullable=False),
        learner_column("answers"),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("item", sa.String(80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(80), nullable=False, server_default=""),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
    )
    op.create_index("ix_answers_learner_kind_item", "answers", ["learner_id", "kind", "item"])
    op.create_table(
        "hints",
        learner_column("hints"),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("item", sa.String(80), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("learner_id", "kind", "item", "level", name="pk_hints"),
    )


def learner_column(table: str) -> sa.Column[int]:
    return sa.Column(
        "learner_id",
        sa.Integer(),
        sa.ForeignKey("learners.id", ondelete="CASCADE", name=f"fk_{table}_learner_id_learners"),
        nullable=False,
    )


def downgrade() -> None:
    for table in ("hints", "answers", "question_variants"):
        op.drop_table(table)
    with op.batch_alter_table("attempts") as attempts:
        attempts.drop_column("origin")
