"""REST: records and search."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from metier.actor import Actor
from metier.api.auth import Asker, House, Looker, current_actor, metier_of
from metier.api.errors import error_answers
from metier.errors import Invalid, NoSuchRecord, Problem

_PAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of records",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["data", "next_cursor"],
                    "properties": {
                        "data": {"type": "array", "items": {"type": "object"}},
                        "next_cursor": {"type": ["string", "null"]},
                        "total": {"type": "integer"},
                        "total_capped": {"type": "boolean"},
                    },
                }
            }
        },
    }
}
_LIST_PARAMETERS = frozenset({"where", "sort", "limit", "cursor", "select", "count", "deleted"})


class RecordQuery(BaseModel):
    """A search of records.

    `where` is a filter tree (docs/reference/filters.md), `sort` field names with `-` for descending.
    """

    model_config = ConfigDict(extra="forbid")

    where: dict[str, Any] = Field(default_factory=dict[str, Any], examples=[{"employees": {"gt": 200}}])
    sort: list[str] | str = Field(default_factory=list[str], examples=[["-created_at"]])
    limit: int = Field(50, ge=1, le=500)
    cursor: str | None = None
    select: list[str] | None = None
    count: bool = False
    deleted: bool = Field(False, description="Search the deleted ones, if you may restore them")


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["records"], responses=error_answers(401, 403, 404, 422))
    _add_records(routes)
    _add_search(routes)
    return routes


def _add_search(routes: APIRouter) -> None:
    @routes.get("/search")
    async def search(
        house: House, actor: Asker, q: str, limit: Annotated[int, Query(ge=1, le=50)] = 10
    ) -> dict[str, Any]:
        """Find records of any object by words of their title."""
        hits = await house.records.search(actor, q.replace("\x00", ""), limit=limit)
        return {"data": [{"object": hit.object, "id": str(hit.id), "label": hit.label} for hit in hits]}


class _Direct(APIRoute):
    """A route whose function reads the request itself: nothing is looked up or checked before it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give the function itself."""
        endpoint: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            return await endpoint(request, **request.path_params)

        return handle


async def list_records(request: Request, object: str) -> Response:
    """List records."""
    actor = await current_actor(request)  # read by hand, not declared: the hot path, and errors that name the place
    query = read_query(request)
    return _json(await metier_of(request).records.find_json(actor, object, **query))


def _add_records(routes: APIRouter) -> None:
    routes.add_api_route(
        "/records/{object}",
        list_records,
        methods=["GET"],
        responses=_PAGE,
        response_class=Response,
        openapi_extra=_list_openapi(),
        route_class_override=_Direct,
    )

    @routes.get("/records/{object}/{record_id}")
    async def get_record(house: House, actor: Asker, object: str, record_id: str) -> dict[str, Any]:
        """Get one record."""
        return await find_one(house, actor, object, record_id)

    @routes.post("/records/{object}/query", responses=_PAGE, response_class=Response)
    async def query_records(house: House, actor: Looker, object: str, body: RecordQuery) -> Response:
        """Search records with a filter too long for a URL."""
        page = await house.records.find_json(
            actor,
            object,
            where=body.where,
            sort=body.sort,
            limit=body.limit,
            cursor=body.cursor,
            select=body.select,
            count="capped" if body.count else "no",
            deleted=body.deleted,
        )
        return _json(page)


async def find_one(house: House, actor: Actor, object_name: str, record_id: str) -> dict[str, Any]:
    """Give one record by the id as it came in a URL; what is no id is unknown like any other."""
    kind = await house.records.object(actor, object_name)
    try:
        found = str(UUID(record_id))
    except ValueError as error:
        raise NoSuchRecord(kind.name, record_id) from error
    return await house.records.get(actor, kind.name, found)


def read_query(request: Request) -> dict[str, Any]:
    """Read `where`, `sort`, `limit`, `cursor`, `select`, `count` and `deleted` of a URL.

    Raises:
        Invalid: Names the parameter and what was expected.
    """
    given = request.query_params
    if strays := sorted(set(given) - _LIST_PARAMETERS):
        allowed = tuple(sorted(_LIST_PARAMETERS))
        raise Invalid.of([Problem(s, f"{s!r} is not a parameter", allowed=allowed) for s in strays], what="The URL")
    query: dict[str, Any] = {
        "count": "capped" if _flag("count", given.get("count", "no")) else "no",
        "deleted": _flag("deleted", given.get("deleted", "no")),
    }
    if (where := given.get("where")) is not None:
        query["where"] = _where(where)
    if (sort := given.get("sort")) is not None:
        query["sort"] = [part for part in sort.split(",") if part]
    if (select := given.get("select")) is not None:
        query["select"] = [part for part in select.split(",") if part]
    if (limit := given.get("limit")) is not None:
        query["limit"] = _limit(limit)
    if cursor := given.get("cursor"):
        query["cursor"] = cursor
    return query


def _where(text: str) -> dict[str, Any]:
    try:
        tree = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problem = Problem("where", f"is not JSON: {error}", example={"stage": {"eq": "won"}})
        raise Invalid.of([problem], what="The URL") from error
    if not isinstance(tree, dict):
        raise Invalid.of([Problem("where", "must be a JSON object", example={"stage": {"eq": "won"}})], what="The URL")
    return cast("dict[str, Any]", tree)  # JSON has text keys


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= 500:
        problem = Problem("limit", f"{text[:100]!r} must be a whole number from 1 to 500", example=50)
        raise Invalid.of([problem], what="The URL")
    return int(text)


def _flag(name: str, text: str) -> bool:
    if text in ("true", "1", "capped"):
        return True
    if text in ("false", "0", "no", ""):
        return False
    raise Invalid.of([Problem(name, f"{text!r} must be true or false", allowed=("true", "false"))], what="The URL")


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _list_openapi() -> dict[str, Any]:
    described = {
        "where": ("string", "Filter tree as JSON", '{"employees": {"gt": 200}}'),
        "sort": ("string", "Fields, comma-separated, `-` for descending", "-created_at"),
        "limit": ("integer", "1 to 500, 50 if left out", 50),
        "cursor": ("string", "`next_cursor` of the page before", None),
        "select": ("string", "Fields to return, comma-separated", "name,employees"),
        "count": ("boolean", "Count all matches, up to 10,001", True),
        "deleted": ("boolean", "List the deleted ones, if you may restore them", None),
    }
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "description": text, "schema": _schema(kind, example)}
            for name, (kind, text, example) in described.items()
        ]
    }


def _schema(kind: str, example: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind}
    if kind == "integer":
        schema |= {"minimum": 1, "maximum": 500}
    return schema | ({"examples": [example]} if example is not None else {})
