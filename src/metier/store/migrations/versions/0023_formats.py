"""How a member wants numbers, money, days and times written."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the choices by name; what is not there is as the member's language and country write."""
    op.execute("alter table core.member add column formats jsonb not null default '{}'")
