"""What a take-over goes by: which process a worker is, how often a run was left, where in the log a message stands."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add columns."""
    op.execute("""
        alter table core.worker
            add column machine text not null default '', -- boot and namespace of the process id; empty if unknown
            add column born bigint not null default 0    -- when the process began, in ticks since the boot
    """)
    op.execute("""
        alter table core.run
            add column take_overs int not null default 0, -- from dead workers, since the run last got on
            add column progress int not null default 0    -- messages it had at the last take-over
    """)
    op.execute("""
        alter table core.message
            add column epoch int,                         -- the place in the log behind which the message stands
            add column log_seq int
    """)
