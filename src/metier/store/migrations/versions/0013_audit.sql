create table core.audit (
    workspace_id uuid not null,
    id uuid not null,
    ts timestamptz not null,
    actor jsonb not null,                       -- {"kind", "id", "label", "chain"}
    principal_id uuid,
    action text not null,                       -- tool.called, role.changed, …
    target text not null,                       -- what it was done to, as people call it
    target_id text not null,
    decision text not null,                     -- done, allowed, refused
    rule text not null,                         -- by which rule
    tool text not null,
    arguments_hash text not null,               -- SHA-256 of a tool call's arguments, hex
    rows int,                                   -- touched
    approval_id uuid,
    run_id uuid,
    details jsonb not null,
    seq bigint,                                 -- place in the chain; null until it is sealed, seconds later
    hash bytea,                                 -- SHA-256 of the hash before, the place, and the row
    primary key (workspace_id, id)
);
create unique index audit_chain on core.audit (workspace_id, seq) where seq is not null;
create index audit_unsealed on core.audit (workspace_id, id) where seq is null;
create index audit_newest on core.audit (workspace_id, ts desc, id desc);

-- The end of each chain, so that rows missing at the end are missed.
create table core.audit_head (
    workspace_id uuid primary key,
    seq bigint not null,
    hash bytea not null
);

create function core.keep_audit() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if old.seq is null and new.seq is not null
            and to_jsonb(new) - '{seq,hash}'::text[] = to_jsonb(old) - '{seq,hash}'::text[] then
            return new;
        end if;
    end if;
    raise exception 'core.audit only grows: nothing in it is changed or removed';
end
$$;
create trigger keep_rows before update or delete on core.audit for each row execute function core.keep_audit();
create trigger keep_all before truncate on core.audit for each statement execute function core.keep_audit();

-- What the hash covers; `metier.audit` says the same, and does not ask this function.
create function core.audit_text(a core.audit) returns text language sql stable as $$
    select jsonb_build_array(
        a.workspace_id, a.id, extract(epoch from a.ts) * 1000000, a.actor, a.principal_id, a.action, a.target,
        a.target_id, a.decision, a.rule, a.tool, a.arguments_hash, a.rows, a.approval_id, a.run_id, a.details
    )::text
$$;

-- Puts rows that are committed behind the end of their workspace's chain. One process at a time; the others need not wait.
-- So nobody who writes a row waits for another.
create function core.seal_audit(most int) returns int language plpgsql as $$
declare
    a core.audit;
    head core.audit_head;
    sealed int := 0;
begin
    if not pg_try_advisory_xact_lock(1298888038) then
        return 0;
    end if;
    for a in select * from core.audit where seq is null order by workspace_id, id limit most loop
        if head.workspace_id is distinct from a.workspace_id then
            select * into head from core.audit_head where workspace_id = a.workspace_id;
            if not found then
                head := (a.workspace_id, 0, ''::bytea);
            end if;
        end if;
        head.seq := head.seq + 1;
        head.hash := sha256(head.hash || convert_to(head.seq || ' ' || core.audit_text(a), 'UTF8'));
        update core.audit set seq = head.seq, hash = head.hash where workspace_id = a.workspace_id and id = a.id;
        insert into core.audit_head values (head.workspace_id, head.seq, head.hash)
        on conflict (workspace_id) do update set seq = excluded.seq, hash = excluded.hash;
        sealed := sealed + 1;
    end loop;
    return sealed;
end
$$;
