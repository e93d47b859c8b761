"""For which row rules the indexes of a workspace's tables were made."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add a mark of the rules and object types; null: not looked at yet."""
    op.execute("alter table core.workspace add column indexed_for text")
