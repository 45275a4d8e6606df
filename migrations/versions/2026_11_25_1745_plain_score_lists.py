"""Lists of scores are stored as they are: compressing them took most of the time of writing."""

from __future__ import annotations

from alembic import op

revision = "7c2fd0e85b91"
down_revision = "e4a91c6d20f7"
branch_labels = None
depends_on = None

_LISTS = ("go_term_ids", "scores")


def upgrade() -> None:
    for name in _LISTS:
        op.execute(f"ALTER TABLE predicted_scores ALTER COLUMN {name} SET STORAGE EXTERNAL")


def downgrade() -> None:
    for name in _LISTS:
        op.execute(f"ALTER TABLE predicted_scores ALTER COLUMN {name} SET STORAGE EXTENDED")
