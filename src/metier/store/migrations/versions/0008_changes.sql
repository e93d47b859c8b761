create table core.change (
    workspace_id uuid not null references core.workspace,
    id uuid not null,
    write_id uuid not null,                     -- shared by what one call wrote; = id where that was one record
    place int not null,                         -- within the write
    object text not null,
    record_id uuid not null,
    kind text not null,                         -- created, updated, deleted, restored, destroyed
    before jsonb,                               -- the whole record: {field: value}, relations as bare ids
    after jsonb,
    fields text[] not null,                     -- what differs
    actor jsonb not null,                       -- ids and labels only, never roles
    principal_id uuid not null,
    origin text not null,                       -- ui, api, cli, tool, import, undo, app
    run_id uuid,
    root_id uuid,
    effect_key text,
    depth int not null default 0,               -- changes that led to this one through triggers
    undoes uuid,                                -- the change or write that this one takes back
    at timestamptz not null,
    primary key (workspace_id, id)
);
create index change_record on core.change (workspace_id, object, record_id, id desc);
create index change_write on core.change (workspace_id, write_id);
create index change_undoes on core.change (workspace_id, undoes) where undoes is not null;
create index change_run on core.change (workspace_id, root_id) where root_id is not null;

create table core.effect (
    workspace_id uuid not null references core.workspace,
    key text not null,
    asked bytea not null,                       -- hash of who asked for what
    result jsonb,                               -- of the first attempt: ids only, see records.write
    created_at timestamptz not null,
    lasts_until timestamptz,                    -- null: for ever
    primary key (workspace_id, key)
);
create index effect_outlived on core.effect (lasts_until) where lasts_until is not null;
