create table core.budget (
    workspace_id uuid not null references core.workspace,
    id uuid not null,
    scope text not null,                        -- workspace, role, member, key, agent
    subject text not null,                      -- whose: '' for the workspace, an id, an agent's name; '*': each of them
    period text not null,                       -- run (a root run and all below it), day, month
    tokens bigint,                              -- in and out; null: no limit
    cost_micros bigint,
    hard boolean not null,                      -- false: nothing is refused, it only warns
    warn_percent int not null,
    created_at timestamptz not null,
    created_by uuid not null,
    updated_at timestamptz not null,
    primary key (workspace_id, id),
    unique (workspace_id, scope, subject, period)
);

-- What counts against a budget in a period. A row is made by the first call that needs it, from the ledger.
create table core.budget_use (
    workspace_id uuid not null,
    budget_id uuid not null,
    whose text not null,                        -- '', or the holder's, agent's or root run's own row
    since timestamptz not null,                 -- when the period began; 'epoch' for a run
    tokens bigint not null,                     -- of calls that have ended
    cost_micros bigint not null,
    held_tokens bigint not null,                -- reserved for calls under way: the most they can use
    held_micros bigint not null,
    held_calls int not null,
    primary key (workspace_id, budget_id, whose, since),
    foreign key (workspace_id, budget_id) references core.budget on delete cascade
);

alter table core.model_call
    add column principal_kind text not null default 'member',
    add column role_id uuid,                    -- of the principal, at the time
    add column agents text[] not null default '{}',     -- that act for the principal, outermost first, names folded
    add column held_tokens bigint not null default 0,   -- what was reserved for it
    add column held_micros bigint not null default 0;
create index model_call_principal on core.model_call (workspace_id, principal_id, started_at);

update core.model_call m
set principal_kind = r.actor->>'kind',
    agents = array(
        select replace(lower(substr(link, 7)), '_', '-') from jsonb_array_elements_text(r.actor->'chain') link
        where link like 'agent:%'
    )
from core.run r
where r.workspace_id = m.workspace_id and r.id = m.run_id;

-- Days and months begin at midnight where the workspace is.
create function core.zone_of(workspace_id uuid) returns text language sql stable as $$
    select coalesce(w.settings->>'time_zone', 'UTC') from core.workspace w where w.id = zone_of.workspace_id
$$;

create function core.period_start(period text, moment timestamptz, zone text)
returns timestamptz language sql stable as $$
    select case when period = 'run' then 'epoch'::timestamptz else date_trunc(period, moment, zone) end
$$;

create function core.period_end(period text, since timestamptz, zone text) returns timestamptz language sql stable as $$
    select case when period = 'run' then 'infinity'::timestamptz
        else (since at time zone zone + ('1 ' || period)::interval) at time zone zone end
$$;

-- Whether a call falls under a budget. Says nothing that is not in the call's row, so that what was held is released.
create function core.falls_under(m core.model_call, b core.budget) returns boolean language sql immutable as $$
    select m.workspace_id = b.workspace_id and case b.scope
        when 'workspace' then true
        when 'role' then b.subject = m.role_id::text
        when 'member' then m.principal_kind <> 'key' and b.subject in ('*', m.principal_id::text)
        when 'key' then m.principal_kind = 'key' and b.subject in ('*', m.principal_id::text)
        when 'agent' then case b.subject when '*' then m.agents <> '{}' else b.subject = any (m.agents) end
    end
$$;

-- The names of the counters that a call under a budget counts on: one, or one for each agent.
create function core.whose_of(m core.model_call, b core.budget) returns text[] language sql immutable as $$
    select case
        when b.period = 'run' then array[m.root_id::text]
        when b.scope = 'agent' and b.subject = '*' then m.agents
        when b.scope = 'role' or b.subject = '*' then array[m.principal_id::text]
        else '{""}'
    end
$$;

-- What the ledger says of a counter.
create function core.counted(b core.budget, whose text, since timestamptz, zone text)
returns core.budget_use language sql stable as $$
    select b.workspace_id, b.id, whose, since,
        coalesce(sum(m.input_tokens + m.output_tokens) filter (where m.status <> 'reserved'), 0)::bigint,
        coalesce(sum(m.cost_micros) filter (where m.status <> 'reserved'), 0)::bigint,
        coalesce(sum(m.held_tokens) filter (where m.status = 'reserved'), 0)::bigint,
        coalesce(sum(m.held_micros) filter (where m.status = 'reserved'), 0)::bigint,
        (count(*) filter (where m.status = 'reserved'))::int
    from core.model_call m
    where m.workspace_id = b.workspace_id
        and m.started_at >= case b.period
            when 'run' then (select r.created_at from core.run r where r.id = whose::uuid) else since end
        and m.started_at < core.period_end(b.period, since, zone)
        and core.falls_under(m, b) and whose = any (core.whose_of(m, b))
$$;

create function core.counters_of(m core.model_call)
returns table (budget_id uuid, whose text, since timestamptz) language sql stable as $$
    select b.id, w.whose, core.period_start(b.period, m.started_at, core.zone_of(m.workspace_id))
    from core.budget b, unnest(core.whose_of(m, b)) as w(whose)
    where b.workspace_id = m.workspace_id and core.falls_under(m, b)
$$;

-- One at a time in each workspace that has budgets, until the transaction ends. So nobody counts with what another is
-- about to change, and a counter made from the ledger misses no call.
create function core.hold_budgets(workspaces uuid[]) returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock(1298888037, hashtext(w::text))
    from (select distinct w from unnest(workspaces) w where exists (
        select from core.budget b where b.workspace_id = w
    ) order by w) held;
end
$$;

create function core.uncount(m core.model_call, tokens bigint, cost bigint) returns void language sql as $$
    update core.budget_use u
    set tokens = u.tokens + uncount.tokens, cost_micros = u.cost_micros + cost,
        held_tokens = u.held_tokens - m.held_tokens, held_micros = u.held_micros - m.held_micros,
        held_calls = u.held_calls - 1
    from core.counters_of(m) c
    where u.workspace_id = m.workspace_id and u.budget_id = c.budget_id and u.whose = c.whose and u.since = c.since
$$;

-- Why a call may not be made now, or null. A budget lets a call pass that surely fits into what is left, and, while
-- nothing else is under way, one more as long as anything is left: so at most one call goes beyond it.
-- `held_tokens` null: the caller did not know of a budget, and is to say how much the call can use.
create function core.refusal(m core.model_call) returns jsonb language sql stable as $$
    select to_jsonb(f) from (
        select m.held_tokens is null as unmeasured, x.used >= x.allowed as over, b.id, b.scope, b.subject, b.period,
            u.whose, x.unit, x.allowed, x.used, x.held, u.since,
            core.period_end(b.period, u.since, core.zone_of(m.workspace_id)) as until,
            core.zone_of(m.workspace_id) as zone
        from core.counters_of(m) c
        join core.budget b on b.workspace_id = m.workspace_id and b.id = c.budget_id and b.hard
        join core.budget_use u on u.workspace_id = m.workspace_id and u.budget_id = c.budget_id
            and u.whose = c.whose and u.since = c.since,
        lateral (values
            ('tokens', b.tokens, u.tokens, u.held_tokens, m.held_tokens),
            ('cost_micros', b.cost_micros, u.cost_micros, u.held_micros, m.held_micros)
        ) as x(unit, allowed, used, held, more)
        where x.allowed is not null
            and coalesce(m.held_tokens + m.held_micros, 1) > 0  -- rules that only look like a model use nothing
            and (
                x.used >= x.allowed
                or m.held_tokens is null
                or u.held_calls > 0 and x.used + x.held + x.more > x.allowed
            )
        order by over desc, until desc
        limit 1
    ) f
$$;

-- Settles and reserves what a writer's document holds, in this order; gives the calls that may not be made.
-- Only rows of the root runs given count: of the others this process is not the owner any more.
create function core.account(d jsonb, roots uuid[])
returns table (call_id uuid, root_id uuid, refused jsonb) language plpgsql as $$
#variable_conflict use_column
declare
    m core.model_call;
    s record;
begin
    perform core.hold_budgets(array(
        select x.workspace_id from jsonb_to_recordset(d->'calls') as x(workspace_id uuid)
        union all select x.workspace_id from jsonb_to_recordset(d->'settlements') as x(workspace_id uuid)
    ));
    for m in select * from jsonb_populate_recordset(null::core.model_call, d->'calls') loop
        insert into core.budget_use
        select n.* from core.counters_of(m) c
        join core.budget b on b.workspace_id = m.workspace_id and b.id = c.budget_id,
        core.counted(b, c.whose, c.since, core.zone_of(m.workspace_id)) n
        where not exists (
            select from core.budget_use u
            where u.workspace_id = m.workspace_id and u.budget_id = c.budget_id and u.whose = c.whose
                and u.since = c.since
        );
    end loop;
    for s in
        select x.input_tokens + x.output_tokens as tokens, x.cost_micros, c as call
        from jsonb_to_recordset(d->'settlements') as x(
            workspace_id uuid, id uuid, root_id uuid, input_tokens bigint, output_tokens bigint, cost_micros bigint
        )
        join core.model_call c on c.workspace_id = x.workspace_id and c.id = x.id and c.status = 'reserved'
        where x.root_id = any (roots)
    loop
        perform core.uncount(s.call, s.tokens, s.cost_micros);
    end loop;
    for m in select * from jsonb_populate_recordset(null::core.model_call, d->'calls') loop
        continue when m.root_id <> all (roots) or exists (  -- it is sent again, and was stored the first time
            select from core.model_call c where c.workspace_id = m.workspace_id and c.id = m.id
        );
        refused := core.refusal(m);
        if refused is not null then
            call_id := m.id;
            root_id := m.root_id;
            return next;
        else
            update core.budget_use u
            set held_tokens = u.held_tokens + m.held_tokens, held_micros = u.held_micros + m.held_micros,
                held_calls = u.held_calls + 1
            from core.counters_of(m) c
            where u.workspace_id = m.workspace_id and u.budget_id = c.budget_id and u.whose = c.whose
                and u.since = c.since;
        end if;
    end loop;
end
$$;

-- Settles the calls under way of a root run whose worker is gone: they count as what their rows say, that is what was
-- sent and no answer, for nobody knows more.
create function core.close_calls(root uuid, fault jsonb, now timestamptz) returns bigint language plpgsql as $$
declare
    m core.model_call;
    closed bigint := 0;
begin
    perform core.hold_budgets(array(select r.workspace_id from core.run r where r.id = root));
    for m in
        select c.* from core.run r join core.model_call c on c.workspace_id = r.workspace_id and c.root_id = r.id
        where r.id = root and c.status = 'reserved'
    loop
        perform core.uncount(m, m.input_tokens + m.output_tokens, m.cost_micros);
        update core.model_call c set status = 'failed', error = fault, ended_at = close_calls.now
        where c.workspace_id = m.workspace_id and c.id = m.id;
        closed := closed + 1;
    end loop;
    return closed;
end
$$;
