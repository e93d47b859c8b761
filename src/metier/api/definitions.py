"""REST: versions of what people author, of every kind: drafts, history, differences, and ways back."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.api.auth import Asker, House
from metier.api.errors import error_answers
from metier.api.objects import Confirmed, Said
from metier.definitions import Format, Source
from metier.errors import Invalid, Problem

_TYPES = {Format.JSON: "application/json", Format.TOML: "application/toml"}

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Side = Annotated[int | None, Query(ge=0, le=2**31 - 1)]


class Publication(BaseModel):
    """A version to publish: `body`, or `source` with its `format`. With `draft` it is kept and not published."""

    model_config = ConfigDict(extra="forbid")

    body: dict[str, Any] | None = Field(default=None, examples=[{"name": "ship", "fields": []}])
    source: str | None = Field(default=None, examples=['name = "ship"'])
    format: Format = Format.JSON
    draft: bool = False
    accept: list[str] = Field(default_factory=list[str], max_length=500, examples=[["convert:built"]])
    note: str = Field(default="", max_length=500)
    revision: int | None = Field(default=None, ge=0)

    def given(self) -> Source | dict[str, Any]:
        """Give what is to be published.

        Raises:
            Invalid: There is neither, or both.
        """
        if (self.body is None) is (self.source is None):
            raise Invalid.of([Problem("body", "send either 'body' or 'source'")], what="The request")
        if self.source is None:
            return self.body or {}
        try:
            return Source(self.source.encode(), self.format)
        except UnicodeEncodeError:
            raise Invalid.of([Problem("source", "holds half of a character")], what="The request") from None


class Published(Said):
    """How a draft is to be published."""

    accept: list[str] = Field(default_factory=list[str], max_length=500)


class Rollback(Published):
    """Which version is to be published anew."""

    version: int = Field(ge=1, le=2**31 - 1)


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(
        prefix="/api/v1/definitions", tags=["definitions"], responses=error_answers(401, 403, 404, 409, 422)
    )
    _add_reading(routes)
    _add_drafts(routes)
    _add_changes(routes)
    return routes


def _add_reading(routes: APIRouter) -> None:
    @routes.get("/{kind}")
    async def list_definitions(house: House, actor: Asker, kind: str, *, archived: bool = False) -> dict[str, Any]:
        """List the definitions of a kind, oldest first."""
        return {"data": _listed(await house.definitions.listed(actor, kind, archived=archived))}

    @routes.get("/{kind}/{name}")
    async def get_definition(house: House, actor: Asker, kind: str, name: str) -> dict[str, Any]:
        """Get one definition with its draft, and what is wrong with that."""
        return (await house.definitions.get(actor, kind, name)).to_json()

    @routes.get("/{kind}/{name}/versions")
    async def list_versions(house: House, actor: Asker, kind: str, name: str) -> dict[str, Any]:
        """List the versions of a definition, newest first."""
        return {"data": _listed(await house.definitions.history(actor, kind, name))}

    @routes.get("/{kind}/{name}/versions/{version}")
    async def get_version(house: House, actor: Asker, kind: str, name: str, version: Number) -> dict[str, Any]:
        """Get one version with its body."""
        found = await house.definitions.version(actor, kind, name, version)
        return found.to_json() | {"body": found.body}

    @routes.get("/{kind}/{name}/diff")
    async def diff_versions(
        house: House, actor: Asker, kind: str, name: str, before: Side = None, after: Side = None
    ) -> dict[str, Any]:
        """Say what differs between two versions."""
        return (await house.definitions.diff(actor, kind, name, before, after)).to_json()

    @routes.get("/{kind}/{name}/export", response_class=Response, responses=_SOURCE)
    async def export_definition(house: House, actor: Asker, kind: str, name: str, version: Side = None) -> Response:
        """Get the source of a version, byte for byte as it was given."""
        source = await house.definitions.export(actor, kind, name, version)
        file = f"{name}.{source.format.value}"
        headers = {"Content-Disposition": "attachment" + (f'; filename="{file}"' if file.isascii() else "")}
        return Response(source.data, media_type=_TYPES[source.format], headers=headers)


def _add_drafts(routes: APIRouter) -> None:
    @routes.put("/{kind}/{name}")
    async def publish_definition(house: House, actor: Asker, kind: str, name: str, body: Publication) -> dict[str, Any]:
        """Publish a version, or keep a draft; makes the definition if there is none."""
        given = body.given()
        if body.draft:
            saved = await house.definitions.save_draft(actor, kind, given, name=name, expected=body.revision)
            return saved.to_json()
        published = await house.definitions.publish(
            actor,
            kind,
            given,
            name=name,
            create=True,
            expected=body.revision,
            accept=body.accept,
            note=body.note,
        )
        return published.to_json()

    @routes.post("/{kind}/{name}/publish")
    async def publish_draft(house: House, actor: Asker, kind: str, name: str, body: Published) -> dict[str, Any]:
        """Make the draft the live version."""
        published = await house.definitions.publish_draft(
            actor, kind, name, expected=body.revision, accept=body.accept, note=body.note
        )
        return published.to_json()

    @routes.delete("/{kind}/{name}/draft", status_code=204)
    async def discard_draft(
        house: House, actor: Asker, kind: str, name: str, revision: Annotated[int | None, Query(ge=1)] = None
    ) -> Response:
        """Throw the draft away; of a definition that was never published nothing is left."""
        await house.definitions.discard_draft(actor, kind, name, expected=revision)
        return Response(status_code=204)


def _add_changes(routes: APIRouter) -> None:
    @routes.post("/{kind}/{name}/rollback")
    async def roll_back(house: House, actor: Asker, kind: str, name: str, body: Rollback) -> dict[str, Any]:
        """Publish an old version anew."""
        published = await house.definitions.rollback(
            actor, kind, name, body.version, expected=body.revision, accept=body.accept, note=body.note
        )
        return published.to_json()

    @routes.post("/{kind}/{name}/archive")
    async def archive_definition(house: House, actor: Asker, kind: str, name: str, body: Said) -> dict[str, Any]:
        """Take a definition out of sight; it can be restored."""
        changed = await house.definitions.archive(actor, kind, name, expected=body.revision, note=body.note)
        return changed.to_json()

    @routes.post("/{kind}/{name}/restore")
    async def restore_definition(house: House, actor: Asker, kind: str, name: str, body: Said) -> dict[str, Any]:
        """Bring an archived definition back."""
        changed = await house.definitions.restore(actor, kind, name, expected=body.revision, note=body.note)
        return changed.to_json()

    @routes.post("/{kind}/{name}/purge")
    async def purge_definition(house: House, actor: Asker, kind: str, name: str, body: Confirmed) -> dict[str, Any]:
        """Remove an archived definition for ever, with its versions; of an object type, with its records."""
        await house.definitions.purge(actor, kind, name, confirm=body.confirm)
        return {"purged": body.confirm}


_SOURCE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The source",
        "content": {kind: {"schema": {"type": "string"}} for kind in _TYPES.values()},
    }
}


def _listed(things: Sequence[Any]) -> list[dict[str, Any]]:  # Any: definitions or versions
    return [thing.to_json() for thing in things]
