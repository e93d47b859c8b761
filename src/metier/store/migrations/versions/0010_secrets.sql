create table core.secret (
    workspace_id uuid not null references core.workspace,
    name text not null,                         -- STRIPE_KEY; named in requests as secret:STRIPE_KEY
    description text not null default '',
    hosts text[] not null,                      -- where it may be sent: api.stripe.com, *.example.com
    sealed text not null,                       -- access.sealing: 1.KEY_ID.BASE64, bound to workspace and name
    created_at timestamptz not null,
    created_by uuid not null,
    updated_at timestamptz not null,            -- when the value was last set
    used_at timestamptz,                        -- when it was last sent, to the minute
    primary key (workspace_id, name)
);

create table core.allowed_host (
    workspace_id uuid not null references core.workspace,
    host text not null,                         -- api.example.com, *.example.com
    note text not null default '',
    created_at timestamptz not null,
    created_by uuid not null,
    primary key (workspace_id, host)
);
