-- Names in quotes are those of seed 001, whose statements run as they are: see docs/decisions/007-names-of-the-plan.md.

create table core."featureFlag" (
    "id" uuid primary key,
    "key" text not null,                        -- access.features.FEATURES; any other is kept and does nothing
    "workspaceId" uuid not null references core.workspace,
    "value" boolean not null,                   -- no row: true
    unique ("key", "workspaceId")
);
create index feature_flag_off on core."featureFlag" ("workspaceId") where not "value";  -- read with every actor

insert into core."featureFlag" ("id", "key", "workspaceId", "value")
select gen_random_uuid(), key, w.id, true from core.workspace w, unnest(array[
    'IS_AI_ENABLED', 'IS_PAGE_LAYOUT_ENABLED', 'IS_RECORD_PAGE_LAYOUT_ENABLED', 'IS_DASHBOARD_V2_ENABLED',
    'IS_IF_ELSE_ENABLED', 'IS_WORKFLOW_RUN_STOPPAGE_ENABLED', 'IS_ROW_LEVEL_PERMISSION_PREDICATES_ENABLED'
]) as key;

alter table core.workspace
    add column "displayName" text generated always as (name) stored,
    add column "deletedAt" timestamptz generated always as (deleted_at) stored;

update core.role set body = jsonb_set(body, '{flags}', body->'flags' || '["WORKSPACE"]')  -- who may switch them
where name = 'admin' and not body->'flags' ? 'WORKSPACE';
