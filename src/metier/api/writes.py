"""REST: writing records, their changes, and taking changes back.

A write may carry `Idempotency-Key`: repeated with the same key within a day, it is not done again but answered as the
first time (S-51).
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from metier.actor import Actor
from metier.api.auth import Asker, House
from metier.api.errors import error_answers
from metier.errors import Invalid, Problem
from metier.records import Cause, Operation, Origin, Written
from metier.records.effects import KEY_LASTS_S

LONGEST_KEY = 200  # characters

Values = Annotated[
    dict[str, Any],
    Body(description="Values by field name; null empties", examples=[{"name": "Acme", "employees": 50}]),
]
IfUpdatedAt = Annotated[
    str | None, Query(description="The `updated_at` you read; a record changed since then is not touched")
]


class BatchOperation(BaseModel):
    """One thing to be done to one record."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["create", "update", "upsert", "delete", "restore", "destroy"]
    id: str | None = Field(None, max_length=100, description="Which record; not for `create` and `upsert`")
    values: dict[str, Any] | None = Field(None, description="For `create`, `update` and `upsert`")
    if_updated_at: str | None = Field(None, max_length=100, description="Not for `create` and `upsert`")
    by: str | None = Field(None, max_length=100, description="For `upsert`: the unique field that counts")


class Batch(BaseModel):
    """Things to be done, in this order, all or none."""

    model_config = ConfigDict(extra="forbid")

    operations: list[BatchOperation] = Field(
        min_length=1,
        max_length=1_000,
        examples=[[{"action": "create", "values": {"name": "Acme"}}, {"action": "create", "values": {"name": "Bolt"}}]],
    )


async def effect_key(
    actor: Asker,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            max_length=LONGEST_KEY,
            description="Any text of yours; the same for each repetition of one request",
        ),
    ] = None,
) -> str | None:
    """Give the key under which a request is done only once, if it has one; nobody else's request has the same."""
    return key_of(actor, idempotency_key) if idempotency_key else None


def key_of(actor: Actor, text: str) -> str:
    """Give the key that a text stands for, if this one sends it."""
    return f"http/{actor.principal.kind.value}/{actor.principal.id}/{text}"


EffectKey = Annotated[str | None, Depends(effect_key)]


async def cause_of(request: Request, key: EffectKey) -> Cause:
    """Say where a write comes from, and under which key it is done only once."""
    origin = Origin.API if request.headers.get("authorization") else Origin.UI
    return Cause(origin) if key is None else Cause(origin, effect_key=key, key_lasts_s=KEY_LASTS_S)


Because = Annotated[Cause, Depends(cause_of)]


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["records"], responses=error_answers(401, 403, 404, 409, 422))
    _add_single(routes)
    _add_several(routes)
    _add_changes(routes)
    return routes


def _add_single(routes: APIRouter) -> None:
    @routes.post("/records/{object}", status_code=201)
    async def create_record(
        house: House, actor: Asker, because: Because, object: str, values: Values
    ) -> dict[str, Any]:
        """Create a record."""
        return _one(await house.records.create(actor, object, values, cause=because))

    @routes.patch("/records/{object}/{record_id}")
    async def update_record(
        house: House,
        actor: Asker,
        because: Because,
        object: str,
        record_id: str,
        values: Values,
        if_updated_at: IfUpdatedAt = None,
    ) -> dict[str, Any]:
        """Change some values of a record; what is not named stays."""
        written = await house.records.update(
            actor, object, record_id, values, if_updated_at=if_updated_at, cause=because
        )
        return _one(written)

    @routes.delete("/records/{object}/{record_id}")
    async def delete_record(
        house: House, actor: Asker, because: Because, object: str, record_id: str, if_updated_at: IfUpdatedAt = None
    ) -> dict[str, Any]:
        """Take a record out of sight; it can be restored."""
        operation = Operation("delete", record_id, if_updated_at=if_updated_at)
        return _one(await house.records.batch(actor, object, [operation], cause=because))

    @routes.post("/records/{object}/{record_id}/restore")
    async def restore_record(
        house: House, actor: Asker, because: Because, object: str, record_id: str
    ) -> dict[str, Any]:
        """Bring a deleted record back."""
        return _one(await house.records.restore(actor, object, record_id, cause=because))

    @routes.post("/records/{object}/{record_id}/destroy")
    async def destroy_record(
        house: House, actor: Asker, because: Because, object: str, record_id: str
    ) -> dict[str, Any]:
        """Remove a record for good, and its values from the log of changes."""
        return _one(await house.records.destroy(actor, object, record_id, cause=because))


def _add_several(routes: APIRouter) -> None:
    @routes.post("/records/{object}/upsert")
    async def upsert_record(
        house: House,
        actor: Asker,
        because: Because,
        object: str,
        values: Values,
        by: Annotated[str | None, Query(max_length=100, description="The unique field that counts")] = None,
    ) -> dict[str, Any]:
        """Change the record that has the same value of a unique field, or create it."""
        return _one(await house.records.upsert(actor, object, values, by=by, cause=because))

    @routes.post("/records/{object}/batch")
    async def batch_records(house: House, actor: Asker, because: Because, object: str, body: Batch) -> dict[str, Any]:
        """Do several things to records of one object, all or none."""
        operations = [_operation(one, f"operations.{i}") for i, one in enumerate(body.operations)]
        return (await house.records.batch(actor, object, operations, cause=because)).to_json()


def _add_changes(routes: APIRouter) -> None:
    @routes.get("/records/{object}/{record_id}/changes")
    async def list_changes(
        house: House,
        actor: Asker,
        object: str,
        record_id: str,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[str | None, Query(max_length=100)] = None,
    ) -> dict[str, Any]:
        """List what was done to a record, the newest first, as far as you may see it."""
        history = await house.records.history(actor, object, record_id, limit=limit, cursor=cursor)
        return {"data": [told.to_json() for told in history.changes], "next_cursor": history.next_cursor}

    @routes.post("/changes/{change_id}/undo")
    async def undo_change(house: House, actor: Asker, because: Because, change_id: str) -> dict[str, Any]:
        """Take back a change, or all that one request changed."""
        return (await house.records.undo(actor, change_id, cause=because)).to_json()


def _one(written: Written) -> dict[str, Any]:
    return written.one.to_json()


def _operation(body: BatchOperation, path: str) -> Operation:
    """Read one operation of a batch.

    Raises:
        Invalid: It names a record where it may not, or none where it must.
    """
    takes_id = body.action not in ("create", "upsert")
    if takes_id is (body.id is None):
        problem = f"{body.action!r} needs the id of a record" if takes_id else f"{body.action!r} takes no id"
        raise Invalid.of([Problem(f"{path}.id", problem)], what="The batch")
    if body.values is not None and body.action in ("delete", "restore", "destroy"):
        raise Invalid.of([Problem(f"{path}.values", f"{body.action!r} takes no values")], what="The batch")
    values: Mapping[str, Any] = body.values or {}
    since, at = body.if_updated_at, f"{path}.values"
    return Operation(body.action, body.id, values, since, by=body.by, path=at, id_path=f"{path}.id")
