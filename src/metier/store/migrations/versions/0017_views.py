"""A signed-in browser may look as a role or a member."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add whom it looks as; no foreign key, for a view ends by itself when they are gone."""
    op.execute("alter table core.sign_in add column view_role uuid, add column view_member uuid")
