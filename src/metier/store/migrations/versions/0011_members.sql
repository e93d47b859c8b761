alter table core.member add column deactivated_at timestamptz;  -- null: may sign in; the member stays a record

alter table core.api_key add column created_by_kind text;       -- member, operator or key; null: of before this column

create table core.invitation (
    workspace_id uuid not null references core.workspace,
    id uuid not null,
    email text not null,                        -- lower case
    role_id uuid not null,
    member_id uuid,                             -- whom it lets in; null: accepting it makes a member
    token_hash bytea not null unique,           -- SHA-256
    invited_by uuid not null,
    invited_by_kind text not null,              -- whose right to invite is looked up again when it is accepted
    invited_by_label text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,                       -- accepted, withdrawn, or replaced by a newer one
    primary key (workspace_id, id),
    foreign key (workspace_id, role_id) references core.role on delete cascade,
    foreign key (workspace_id, member_id) references core.member
);
create unique index invitation_open on core.invitation (workspace_id, email) where ended_at is null;
create index invitation_role on core.invitation (workspace_id, role_id);
