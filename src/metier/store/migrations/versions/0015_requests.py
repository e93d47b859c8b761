"""Requests: what people are asked, and what they answered; when they last cleared their inbox."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the table."""
    op.execute("""
        create table core.request (
            workspace_id uuid not null references core.workspace,
            id uuid not null,
            root_id uuid not null,
            run_id uuid not null,                       -- the run that asks
            thread_id uuid,
            key text not null,                          -- RUN/STEP/CALL of the call that waits
            call_id text not null,                      -- what the model called it
            shown jsonb not null,                       -- runs.requests.Shown
            hash text not null,                         -- SHA-256 of what is shown, for this call
            actor jsonb not null,                       -- who asks: ids and labels only, never roles
            principal_id uuid not null,
            audience jsonb not null,                    -- who may answer: {"principal": true, "members": [], …}
            fallback jsonb not null,                    -- what counts when the time is over
            status text not null,                       -- open, answered, expired, cancelled
            answer jsonb,                               -- {"verdict": "approve"}
            answered_by jsonb,
            answered_at timestamptz,
            note text not null default '',
            created_at timestamptz not null,
            expires_at timestamptz not null,
            primary key (workspace_id, id)
        )
    """)
    op.execute("create index request_newest on core.request (workspace_id, created_at desc, id desc)")
    op.execute("create index request_call on core.request (workspace_id, key)")
    op.execute("create index request_root on core.request (root_id)")
    op.execute("create index request_asks on core.request (run_id) where status = 'open'")
    op.execute("create index request_due on core.request (expires_at) where status = 'open'")
    op.execute("create unique index request_open_call on core.request (workspace_id, key) where status = 'open'")
    op.execute("""
        create table core.inbox (
            workspace_id uuid not null references core.workspace,
            principal_id uuid not null,
            cleared_at timestamptz not null,            -- failed runs up to here are not shown
            primary key (workspace_id, principal_id)
        )
    """)
