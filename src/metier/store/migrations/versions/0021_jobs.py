"""Schedules and their jobs: what the house does by itself, when it did, and what became of it.

And how long each workspace keeps things.
"""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Make the tables."""
    op.execute("""
        create table core.schedule (
            name text primary key,
            ticked_at timestamptz not null,             -- the last tick that was seen to
            paused_at timestamptz,
            paused_by jsonb                             -- who: ids and labels only
        )
    """)
    op.execute("""
        create table core.job (
            id uuid primary key,
            schedule text not null,
            tick_at timestamptz not null,               -- the moment it is for
            status text not null,                       -- queued, running, succeeded, failed, stopped, skipped
            asked_by jsonb,                             -- who asked for it; null for a tick
            worker_id uuid,                             -- the fence: who else writes to it changes nothing
            starts int not null default 0,
            doing text not null default '',
            counts jsonb not null default '{}',         -- how much was done: {"part/WORKSPACE": 3}
            error jsonb,
            stop_requested_at timestamptz,
            created_at timestamptz not null,
            started_at timestamptz,
            ended_at timestamptz
        )
    """)
    op.execute("create unique index job_tick on core.job (schedule, tick_at) where asked_by is null")
    op.execute("create unique index job_open on core.job (schedule) where status in ('queued', 'running')")
    op.execute("create index job_newest on core.job (schedule, created_at desc, id desc)")
    op.execute("""
        create table core.retention (
            workspace_id uuid not null references core.workspace,
            kept text not null,                         -- which things: deleted_records, ...
            days int,                                   -- null: for ever
            primary key (workspace_id, kept)
        )
    """)
    op.execute("""
        alter table core.worker
            add column runs_jobs boolean not null default false -- whether the schedules go in this process
    """)
