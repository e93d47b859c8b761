-- Names in quotes are those of seed 001: see docs/decisions/007-names-of-the-plan.md. These are for reading.

alter table core.model_call add column output_micros bigint not null default 0;  -- of cost_micros, what the answer cost

create schema if not exists metadata;

create table core.permission_flag (             -- metier.actor.flags.ALL_FLAGS, held by a test
    key text primary key,
    kind text not null                          -- settings, tool: what a role holds all of by one switch
);
insert into core.permission_flag (key, kind) values
    ('API_KEYS_AND_WEBHOOKS', 'settings'), ('WORKSPACE', 'settings'), ('WORKSPACE_MEMBERS', 'settings'),
    ('ROLES', 'settings'), ('DATA_MODEL', 'settings'), ('SECURITY', 'settings'), ('WORKFLOWS', 'settings'),
    ('IMPERSONATE', 'settings'), ('SSO_BYPASS', 'settings'), ('APPLICATIONS', 'settings'),
    ('MARKETPLACE_APPS', 'settings'), ('LAYOUTS', 'settings'), ('BILLING', 'settings'), ('AI_SETTINGS', 'settings'),
    ('AI', 'tool'), ('VIEWS', 'tool'), ('UPLOAD_FILE', 'tool'), ('DOWNLOAD_FILE', 'tool'),
    ('SEND_EMAIL_TOOL', 'tool'), ('CREATE_CALENDAR_EVENT_TOOL', 'tool'), ('HTTP_REQUEST_TOOL', 'tool'),
    ('CODE_INTERPRETER_TOOL', 'tool'), ('IMPORT_CSV', 'tool'), ('EXPORT_CSV', 'tool'), ('CONNECTED_ACCOUNTS', 'tool'),
    ('PROFILE_INFORMATION', 'tool');

-- `admin` may do everything, whatever is stored; see metier.access.standard.
create view metadata."role" as
select r.id, r.name, r.label, coalesce(r.body->>'description', '') as description, coalesce(r.body->>'icon', '') as icon,
    r.workspace_id as "workspaceId",
    every.setting as "canUpdateAllSettings",
    every.tool as "canAccessAllTools",
    every.record or r.body->'all_objects' ? 'read' as "canReadAllObjectRecords",
    every.record or r.body->'all_objects' ? 'update' as "canUpdateAllObjectRecords",
    every.record or r.body->'all_objects' ? 'delete' as "canSoftDeleteAllObjectRecords",
    every.record or r.body->'all_objects' ? 'destroy' as "canDestroyAllObjectRecords",
    r.name <> 'admin' and coalesce((r.body->>'is_editable')::boolean, true) as "isEditable",
    coalesce(r.body->'can_be_assigned_to' ? 'users', true) as "canBeAssignedToUsers",
    r.name <> 'admin' and coalesce(r.body->'can_be_assigned_to' ? 'agents', true) as "canBeAssignedToAgents",
    coalesce(r.body->'can_be_assigned_to' ? 'api_keys', true) as "canBeAssignedToApiKeys",
    r.created_at as "createdAt",
    r.updated_at as "updatedAt"
from core.role r
cross join lateral (
    select r.name = 'admin' as record,
        r.name = 'admin' or coalesce((r.body->>'can_update_all_settings')::boolean, false) as setting,
        r.name = 'admin' or coalesce((r.body->>'can_access_all_tools')::boolean, false) as tool
) every;

-- Each flag of each role, and whether the role holds it: by name, or with all of its kind.
create view metadata."permissionFlag" as
select md5(r.id::text || f.key)::uuid as id, f.key, r.id as "roleId", r."workspaceId", f.kind as "permissionType",
    s.body->'flags' ? f.key
        or case f.kind when 'tool' then r."canAccessAllTools" else r."canUpdateAllSettings" end as value
from metadata."role" r
join core.role s on s.workspace_id = r."workspaceId" and s.id = r.id
cross join core.permission_flag f;

-- A credit is a micro-dollar, as in Twenty. Calls before this migration count as input alone.
create view metadata."agentChatThread" as
select t.id, t.title, t.workspace_id as "workspaceId", t.agent, t.created_at as "createdAt",
    t.updated_at as "updatedAt", t.deleted_at as "deletedAt", used.*
from core.thread t
cross join lateral (
    select coalesce(sum(c.input_tokens), 0)::bigint as "totalInputTokens",
        coalesce(sum(c.output_tokens), 0)::bigint as "totalOutputTokens",
        coalesce(sum(c.cost_micros - c.output_micros), 0)::bigint as "totalInputCredits",
        coalesce(sum(c.output_micros), 0)::bigint as "totalOutputCredits"
    from core.run r
    join core.model_call c on c.workspace_id = r.workspace_id and c.root_id = r.id
    where r.workspace_id = t.workspace_id and r.thread_id = t.id and r.parent_id is null
) used;
