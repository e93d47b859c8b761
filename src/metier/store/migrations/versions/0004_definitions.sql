create table core.definition (
    workspace_id uuid not null references core.workspace,
    id uuid not null,
    kind text not null,                         -- object, role, agent, …
    name text not null,
    folded text not null,                       -- registry.fold_name(name): how names compare
    universal_identifier uuid,                  -- what the thing is called everywhere, through all its names
    version int,                                -- the live one; null: never published
    revision bigint not null default 1,         -- raised by every change, drafts too
    app_id uuid,                                -- the definition of kind app that it belongs to
    draft bytea,                                -- right or wrong
    draft_format text,
    draft_author jsonb,
    drafted_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    archived_at timestamptz,
    primary key (workspace_id, id),
    unique (workspace_id, kind, folded) deferrable initially deferred  -- two may exchange their names
);
create unique index definition_identifier on core.definition (workspace_id, kind, universal_identifier)
    where universal_identifier is not null;

create table core.definition_version (
    workspace_id uuid not null,
    definition_id uuid not null,
    version int not null,                       -- 1, 2, …
    name text not null,
    body json not null,                         -- in the canonical form of its kind; json: its keys keep their order
    source bytea not null,                      -- as it was given, byte for byte
    format text not null,                       -- json, toml
    digest bytea not null,                      -- SHA-256 of the body
    author jsonb,                               -- ids and labels only, never roles; null: the house
    note text not null,
    origin text not null,                       -- where it came from besides a person
    created_at timestamptz not null,
    primary key (workspace_id, definition_id, version),
    foreign key (workspace_id, definition_id) references core.definition on delete cascade
);
