"""The flag for purging stands in the table of flags, too."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the row."""
    op.execute("insert into core.permission_flag (key, kind) values ('DATA_MODEL_PURGE', 'settings')")
