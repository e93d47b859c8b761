"""Agents of a workspace: the live row of each, which its definition writes."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Make the table."""
    op.execute("""
        create table core.agent (
            workspace_id uuid not null,
            id uuid not null,                           -- its definition's
            name text not null,                         -- folded
            body jsonb not null,                        -- metier.agents.form
            created_at timestamptz not null,
            updated_at timestamptz not null,
            primary key (workspace_id, id),
            unique (workspace_id, name),
            foreign key (workspace_id, id) references core.definition on delete cascade
        )
    """)
