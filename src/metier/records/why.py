"""Why somebody sees a record or not: each row rule is asked alone, by the compiler that puts it beneath every query."""

from dataclasses import replace
from uuid import UUID

from metier.actor import Action, Actor, Role, RowRule
from metier.actor.reason import Reason, Rule, why_field, why_object
from metier.records.catalog import Catalog, Model, View
from metier.records.compile import compose_ids
from metier.records.policy import WORKSPACE, read_rules
from metier.records.shape import FieldType, ObjectType
from metier.store import Database


async def explain(
    db: Database,
    catalog: Catalog,
    actor: Actor,
    action: Action,
    kind: ObjectType,
    *,
    field: str | None = None,
    record_id: UUID | None = None,
) -> Reason:
    """Give the rule that decides whether an actor may do something.

    Args:
        kind: The object, cut down to what the one who asks may see.
        field: One of its fields.
        record_id: A record that the one who asks may see.
    """
    reason = why_object(actor, action, kind.name)
    if not reason.allowed:
        return reason
    if field is not None:
        reason = _why_field(actor, action, kind, field)
    if not reason.allowed or record_id is None:
        return reason
    model = await catalog.model(actor.workspace_id)
    for role in actor.roles:
        for rule in role.row_rules(action, kind.name):
            if not await _matches(db, catalog, model, actor, role, rule, kind.name, record_id):
                named = f" ({rule.label})" if rule.label else ""
                says = f"The role {role.label!r} lets only records through{named} that match {rule.text}."
                return Reason(False, Rule.ROW, says, role.name, rule.where)
    return reason


def _why_field(actor: Actor, action: Action, kind: ObjectType, name: str) -> Reason:
    field = kind.by_name[name]
    if field.type is FieldType.RELATION:
        target = why_object(actor, Action.READ, field.target or "")
        if not target.allowed:
            return replace(target, rule=Rule.RELATION)
    return why_field(actor, action, kind.name, name)


async def _matches(
    db: Database,
    catalog: Catalog,
    model: Model,
    actor: Actor,
    role: Role,
    rule: RowRule,
    object_name: str,
    record_id: UUID,
) -> bool:
    """Ask one rule alone."""
    alone = replace(actor, roles=(replace(role, rows={object_name: (rule,)}),))
    rules = read_rules(alone, model.whole.every_name, catalog.here(actor, rules=True))
    view = View(model.workspace_id, model.schema, model.whole.objects, guards=rules.guards)
    action = min(rule.actions)
    for deleted in (False, True):
        statement = compose_ids(view, object_name, action=action, deleted=deleted)
        wanted = {**statement.constants, **rules.values, WORKSPACE: model.workspace_id, "ids": [record_id]}
        if await db.rows(statement.sql, wanted):
            return True
    return False
