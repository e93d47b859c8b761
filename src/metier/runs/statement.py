"""The one statement that writes runs, messages, events and model calls: one JSON document in, one commit.

Its document has a list per kind of row, `{"logs": [...], "runs": [...], "messages": [...], …}`. Each row names its
root run, and only rows of a root run whose epoch is current are written:

logs ── locked, if the epoch is current ──┐
runs ── new root runs ────────────────────┴─▶ current ──▶ messages, events, audits, ends, requests, calls, settlements
                                                 └─▶ account: which calls no budget allows

The lock (`for share`) makes a take-over wait for a write under way, and a write that comes after it see the new epoch.
A call that a budget does not allow is not made; the other rows of its Write are (`core.account`, migration 0009).
"""

CHANNEL = "metier_runs"  # notified once per commit, without payload

_CALL = (
    "workspace_id uuid, id uuid, root_id uuid, run_id uuid, principal_id uuid, model text, status text,"
    " prompt_hash text, messages jsonb, input_tokens bigint, output_tokens bigint, cached_tokens bigint,"
    " reasoning_tokens bigint, estimated boolean, cost_micros bigint, started_at timestamptz,"
    " first_ms double precision, ended_at timestamptz, error jsonb, principal_kind text, role_id uuid, agents text[],"
    " held_tokens bigint, held_micros bigint, output_micros bigint"
)

_CURRENT = "x.root_id = any (array(select id from current))"

_TEMPLATE = f"""
with document as materialized (select $1::jsonb as d),
claims as materialized (  -- by itself: a row lock carries along whole rows of what is joined, so not the document
    select x.root_id, x.epoch from document, jsonb_to_recordset(d->'logs') as x(root_id uuid, epoch int)
),
held as materialized (
    select r.id, r.turn, r.workspace_id from claims x join core.run r on r.id = x.root_id and r.epoch = x.epoch
    order by r.id
    for share of r
),
born as (
    insert into core.run (
        workspace_id, id, root_id, parent_id, kind, name, status, thread_id, turn, actor, principal_id, input, epoch,
        worker_id, created_at, started_at
    )
    select
        x.workspace_id, x.id, x.root_id, x.parent_id, x.kind, x.name, x.status, x.thread_id,
        case when x.thread_id is not null and x.parent_id is null then 1 + coalesce((
            select o.turn from core.run o
            where o.workspace_id = x.workspace_id and o.thread_id = x.thread_id
                and o.thread_id is not null and o.parent_id is null  -- as the index run_turn says it
            order by o.turn desc limit 1
        ), 0) end,
        x.actor, x.principal_id, coalesce(x.input, 'null'), x.epoch, x.worker_id, x.created_at, x.created_at
    from document, jsonb_to_recordset(d->'runs') as x(
        workspace_id uuid, id uuid, root_id uuid, parent_id uuid, kind text, name text, status text, thread_id uuid,
        actor jsonb, principal_id uuid, input jsonb, epoch int, worker_id uuid, created_at timestamptz
    )
    where x.root_id = x.id or x.root_id = any (array(select id from held))
    on conflict do nothing
    returning id, root_id, turn, workspace_id
),
current as materialized (
    select id, turn, workspace_id from held union select id, turn, workspace_id from born where id = root_id
),
limited as materialized (
    select c.workspace_id from current c where exists (select from core.budget b where b.workspace_id = c.workspace_id)
),
account as materialized (
    select a.* from document, core.account(d, array(select id from current)) a where exists (select from limited)
),
said as (
    insert into core.message (
        workspace_id, run_id, seq, thread_id, turn, role, parts, created_at, epoch, log_seq
    )
    select x.workspace_id, x.run_id, x.seq, x.thread_id,
        case when x.thread_id is not null then (select turn from current where id = x.root_id) end,
        x.role, x.parts, x.created_at, x.epoch, x.log_seq
    from document, jsonb_to_recordset(d->'messages') as x(
        root_id uuid, workspace_id uuid, run_id uuid, seq int, thread_id uuid, role text, parts jsonb,
        created_at timestamptz, epoch int, log_seq int
    )
    where {_CURRENT}
    {{again}}
),
told as (
    insert into core.event (root_id, epoch, seq, first_seq, workspace_id, run_id, ts, type, data)
    select x.root_id, x.epoch, x.seq, x.first_seq, x.workspace_id, x.run_id, x.ts, x.type, x.data
    from document, jsonb_to_recordset(d->'events') as x(
        root_id uuid, epoch int, seq int, first_seq int, workspace_id uuid, run_id uuid, ts timestamptz, type text,
        data jsonb
    )
    where {_CURRENT}
    {{again}}
),
noted as (
    insert into core.audit (
        workspace_id, id, ts, actor, principal_id, action, target, target_id, decision, rule, tool, arguments_hash,
        rows, approval_id, run_id, details
    )
    select
        x.workspace_id, x.id, x.ts, x.actor, x.principal_id, x.action, x.target, x.target_id, x.decision, x.rule,
        x.tool, x.arguments_hash, x.rows, x.approval_id, x.run_id, x.details
    from document, jsonb_to_recordset(d->'audits') as x(
        root_id uuid, workspace_id uuid, id uuid, ts timestamptz, actor jsonb, principal_id uuid, action text,
        target text, target_id text, decision text, rule text, tool text, arguments_hash text, rows int,
        approval_id uuid, run_id uuid, details jsonb
    )
    where {_CURRENT}
    {{again}}
),
states as (
    update core.run r  -- one that begins to wait belongs to nobody, and goes on at once if it is to stop
    set status = case when x.status = 'waiting' and r.stop_requested_at is not null then 'queued' else x.status end,
        worker_id = case when x.status = 'waiting' then null else r.worker_id end,
        output = coalesce(x.output, 'null'), stop_reason = x.stop_reason, error = x.error,
        usage = x.usage, cost_micros = x.cost_micros, ended_at = x.ended_at
    from document, jsonb_to_recordset(d->'states') as x(
        root_id uuid, id uuid, status text, output jsonb, stop_reason text, error jsonb, usage jsonb,
        cost_micros bigint, ended_at timestamptz
    )
    where r.id = x.id and {_CURRENT}
),
asked as (
    insert into core.request (
        workspace_id, id, root_id, run_id, thread_id, key, call_id, shown, hash, actor, principal_id, audience,
        fallback, status, created_at, expires_at
    )
    select
        x.workspace_id, x.id, x.root_id, x.run_id, (select thread_id from core.run where id = x.root_id), x.key,
        x.call_id, x.shown, x.hash, x.actor, x.principal_id, x.audience, x.fallback, x.status, x.created_at,
        x.expires_at
    from document, jsonb_to_recordset(d->'requests') as x(
        workspace_id uuid, id uuid, root_id uuid, run_id uuid, key text, call_id text, shown jsonb, hash text,
        actor jsonb, principal_id uuid, audience jsonb, fallback jsonb, status text, created_at timestamptz,
        expires_at timestamptz
    )
    where {_CURRENT}
    {{again}}
),
closed as (  -- what a run has asked is over when it ends
    update core.request q set status = 'cancelled', answered_at = x.ended_at
    from document, jsonb_to_recordset(d->'states') as x(root_id uuid, id uuid, ended_at timestamptz)
    where q.run_id = x.id and q.status = 'open' and x.ended_at is not null and {_CURRENT}
),
prompts as (
    insert into core.prompt (workspace_id, hash, body)
    select x.workspace_id, decode(x.hash, 'hex'), x.body
    from document, jsonb_to_recordset(d->'prompts') as x(workspace_id uuid, hash text, body jsonb)
    on conflict do nothing
),
calls as (
    insert into core.model_call (
        workspace_id, id, root_id, run_id, principal_id, model, status, prompt_hash, messages, input_tokens,
        output_tokens, cached_tokens, reasoning_tokens, estimated, cost_micros, started_at, first_ms, ended_at, error,
        principal_kind, role_id, agents, held_tokens, held_micros, output_micros
    )
    select
        x.workspace_id, x.id, x.root_id, x.run_id, x.principal_id, x.model, x.status, decode(x.prompt_hash, 'hex'),
        x.messages, x.input_tokens, x.output_tokens, x.cached_tokens, x.reasoning_tokens, x.estimated, x.cost_micros,
        x.started_at, x.first_ms, x.ended_at, x.error, x.principal_kind, x.role_id, x.agents,
        coalesce(x.held_tokens, 0), coalesce(x.held_micros, 0), coalesce(x.output_micros, 0)
    from document, jsonb_to_recordset(d->'calls') as x({_CALL})
    where {_CURRENT} and x.id <> all (array(select call_id from account))
    {{again}}
),
settlements as (
    update core.model_call m
    set status = x.status, input_tokens = x.input_tokens, output_tokens = x.output_tokens,
        cached_tokens = x.cached_tokens, reasoning_tokens = x.reasoning_tokens, estimated = x.estimated,
        cost_micros = x.cost_micros, output_micros = x.output_micros, first_ms = x.first_ms, ended_at = x.ended_at,
        error = x.error
    from document, jsonb_to_recordset(d->'settlements') as x({_CALL})
    where {_CURRENT} and m.workspace_id = x.workspace_id and m.id = x.id and m.status = 'reserved'
        and (select count(*) from account) >= 0  -- it reads what is reserved, so it comes first
)
select current.id, current.turn, current.workspace_id in (select workspace_id from limited),
    (select jsonb_object_agg(a.call_id, a.refused) from account a where a.root_id = current.id),
    (select pg_notify('{CHANNEL}', ''))
from current
"""

#: For a document that is sent for the first time.
FIRST = _TEMPLATE.format(again="")

#: For one that may have been committed before the connection was lost: rows that are there already are ours.
AGAIN = _TEMPLATE.format(again="on conflict do nothing")

#: Kinds of rows in a document. A settlement of a call in the same document takes the call's place.
KINDS = ("runs", "messages", "events", "audits", "states", "requests", "prompts", "calls", "settlements")
