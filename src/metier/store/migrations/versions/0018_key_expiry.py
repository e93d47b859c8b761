"""An API key may end by itself."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add when a key ends; null: when it is revoked."""
    op.execute("alter table core.api_key add column expires_at timestamptz")
