"""Feature flags, and the workspace under the names of the activation plan (seed 001)."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0004"


def upgrade() -> None:
    """Run the statements of the SQL file beside."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_text())
    cursor.close()
