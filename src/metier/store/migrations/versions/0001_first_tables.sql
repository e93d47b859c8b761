create schema if not exists core;

create table core.workspace (
    id uuid primary key,
    name text not null,
    schema_name text not null unique,           -- w_<id>: where the workspace's records live
    schema_epoch bigint not null default 1,     -- raised by every change of an object type
    settings jsonb not null default '{}',
    created_at timestamptz not null,
    deleted_at timestamptz
);

create table core.role (
    workspace_id uuid not null references core.workspace,
    id uuid not null,
    name text not null,
    label text not null,
    body jsonb not null,                        -- {"all_objects": ["read", …], "objects": {"company": ["read"]}, "flags": ["AI"]}
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (workspace_id, id),
    unique (workspace_id, name)
);

create table core.member (
    workspace_id uuid not null references core.workspace,
    id uuid not null,
    role_id uuid not null,
    name text not null,
    email text,                                 -- lower case
    password_hash text,
    time_zone text not null default 'UTC',
    locale text not null default 'en',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    primary key (workspace_id, id),
    foreign key (workspace_id, role_id) references core.role
);
create unique index member_email on core.member (workspace_id, email) where deleted_at is null;
create index member_by_email on core.member (email) where deleted_at is null;

create table core.sign_in (
    token_hash bytea primary key,               -- SHA-256
    workspace_id uuid not null,
    member_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    foreign key (workspace_id, member_id) references core.member
);

create table core.admin_link (
    token_hash bytea primary key,
    workspace_id uuid references core.workspace, -- null: leads to /welcome, which makes the workspace
    member_id uuid,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);

create table core.api_key (
    workspace_id uuid not null references core.workspace,
    id uuid not null,
    role_id uuid not null,
    name text not null,
    prefix text not null,                       -- first characters of the key, to recognise it
    token_hash bytea not null unique,
    created_at timestamptz not null,
    created_by uuid,
    last_used_at timestamptz,
    revoked_at timestamptz,
    primary key (workspace_id, id),
    foreign key (workspace_id, role_id) references core.role
);

create table core.object_type (
    workspace_id uuid not null references core.workspace,
    name text not null,
    plural text not null,
    body jsonb not null,                        -- records.shape.ObjectType.to_json()
    position int not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (workspace_id, name),
    unique (workspace_id, plural)
);

create table core.thread (
    workspace_id uuid not null references core.workspace,
    id uuid not null,
    principal_kind text not null,
    principal_id uuid not null,
    agent text not null,
    model text,
    title text not null default '',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    primary key (workspace_id, id)
);
create index thread_newest on core.thread (workspace_id, principal_id, updated_at desc) where deleted_at is null;

create table core.worker (
    id uuid primary key,
    host text not null,
    pid int not null,
    started_at timestamptz not null default clock_timestamp(),
    heartbeat_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz
);

create table core.run (
    workspace_id uuid not null references core.workspace,
    id uuid not null,
    root_id uuid not null,                      -- = id for a root run
    parent_id uuid,
    kind text not null,                         -- turn, agent, skill, function, …
    name text not null,                         -- the agent's (or other thing's) name
    status text not null,
    thread_id uuid,
    turn int,                                   -- 1, 2, … within the thread
    actor jsonb not null,                       -- ids and labels only, never roles
    principal_id uuid not null,
    input jsonb not null default 'null',
    output jsonb not null default 'null',
    stop_reason text,
    error jsonb,
    epoch int not null default 1,               -- fencing token: raised by a take-over
    worker_id uuid,
    stop_requested_at timestamptz,
    usage jsonb not null default '{}',
    cost_micros bigint not null default 0,
    created_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    primary key (workspace_id, id)
);
create unique index run_by_id on core.run (id);
create unique index run_turn on core.run (workspace_id, thread_id, turn) where thread_id is not null and parent_id is null;
create unique index run_open_turn on core.run (workspace_id, thread_id)
    where thread_id is not null and parent_id is null and status in ('queued', 'running', 'waiting');
create index run_newest on core.run (workspace_id, created_at desc, id desc);
create index run_mine on core.run (workspace_id, principal_id, created_at desc, id desc);
create index run_children on core.run (workspace_id, root_id);
create index run_open on core.run (worker_id) where status in ('queued', 'running');

create table core.message (
    workspace_id uuid not null,
    run_id uuid not null,
    seq int not null,                           -- within the run; 1 is the person's message of a turn
    thread_id uuid,
    turn int,
    role text not null,                         -- user, assistant, tool
    parts jsonb not null,                       -- llm.messages.part_to_json
    created_at timestamptz not null,
    primary key (run_id, seq)                   -- the fence: an old owner's late message fails on it
);
create index message_thread on core.message (workspace_id, thread_id, turn, seq) where thread_id is not null;

create table core.event (
    root_id uuid not null,
    epoch int not null,
    seq int not null,
    first_seq int not null,                     -- < seq for a batch of text deltas: data = {"part", "offset", "pieces": [...]}
    workspace_id uuid not null,
    run_id uuid not null,
    ts timestamptz not null,
    type text not null,
    data jsonb not null,
    primary key (root_id, epoch, seq)
);

create table core.prompt (
    workspace_id uuid not null,
    hash bytea not null,                        -- of the body; system text and tools are the same for many calls
    body jsonb not null,                        -- {"system": "…", "tools": [{name, description, parameters}]}
    primary key (workspace_id, hash)
);

create table core.model_call (
    workspace_id uuid not null,
    id uuid not null,
    root_id uuid,
    run_id uuid,
    principal_id uuid not null,
    model text not null,
    status text not null,                       -- reserved, settled, stopped, failed
    prompt_hash bytea,
    messages jsonb,                             -- what was sent: [[run_id, first seq, last seq], …], see runs.ledger
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cached_tokens bigint not null default 0,
    reasoning_tokens bigint not null default 0,
    estimated boolean not null default false,   -- the tokens were counted by us
    cost_micros bigint not null default 0,
    started_at timestamptz not null,
    first_ms double precision,                  -- until the first chunk
    ended_at timestamptz,
    error jsonb,
    primary key (workspace_id, id)
);
create index model_call_run on core.model_call (workspace_id, root_id);
create index model_call_newest on core.model_call (workspace_id, started_at desc);
