"""The data model: object types and their fields, changed at run time by whoever holds the flag DATA_MODEL.

Each change is a new version of a definition, so it has a history and can be taken back. Who may change the data model
knows all object types by name; their records are another matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from metier.actor import Action, Actor, check, check_flag
from metier.definitions import NEW, Change, Definition, Definitions, NewsKind, Source
from metier.definitions.change import check_typed
from metier.errors import Conflict, Invalid, MissingPermission, NotFound, Problem
from metier.records import changes, convert, ddl
from metier.records.form import own_body, read_object
from metier.records.kind import ACCEPT_CONVERSION, OBJECT, ObjectKind, no_database_words, raise_epoch, schema_of
from metier.records.matching import match, rename
from metier.records.shape import Field, ObjectType
from metier.store import Database

Values = Mapping[str, Any]  # Any: JSON, checked by the kind


@dataclass(frozen=True)
class HiddenField:
    """A field that is in no record any more, while its values are kept.

    Attributes:
        version: The last version that had it.
        place: Where it stood among the fields.
    """

    field: Field
    version: int
    place: int

    def to_json(self) -> dict[str, Any]:
        """Give the field as clients get it."""
        return {"field": self.field.to_json(), "version": self.version}


class DataModel:
    """Makes and changes object types."""

    def __init__(self, db: Database, definitions: Definitions) -> None:
        self._db = db
        self._definitions = definitions

    # objects

    async def publish(self, actor: Actor, object_type: ObjectType, *, note: str = "") -> Definition:
        """Make an object type known, with its table; or change it to be so. Nothing happens if nothing is new.

        Raises:
            MissingPermission: The actor may not change the data model.
            Invalid: Names what is wrong with the type.
            Conflict: A field would change its type, or the table is busy.
        """
        return await self._definitions.publish(actor, OBJECT, own_body(object_type), note=note)

    async def publish_all(self, actor: Actor, object_types: Iterable[ObjectType], *, note: str = "") -> None:
        """Publish several object types at once, which may point to each other; all or none.

        Raises:
            MissingPermission, Invalid, Conflict: As `publish`.
        """
        async with self._definitions.change(actor, note=note) as change:
            for object_type in object_types:
                await change.publish(OBJECT, Source.of(own_body(object_type)))

    async def create(self, actor: Actor, body: Values, *, note: str = "") -> Definition:
        """Make a new object type.

        Args:
            body: See `metier.records.form`.

        Raises:
            MissingPermission, Invalid, Conflict: As `publish`.
            AlreadyExists: There is one of that name; it may be archived.
        """
        return await self._definitions.publish(actor, OBJECT, body, expected=NEW, note=note)

    async def change(
        self, actor: Actor, name: str, values: Values, *, expected: int | None = None, note: str = ""
    ) -> Definition:
        """Change what an object type is called, its title, icon, description or other words for it.

        Args:
            values: New values by key; None takes one away. A new `name` renames the table, and relations follow.
            expected: The revision that was seen.

        Raises:
            NotFound: There is no such object type.
            Invalid, MissingPermission, Conflict: As `publish`; fields are changed one by one.
            VersionConflict: Somebody changed it meanwhile.
        """
        if "fields" in values:
            raise Invalid.of([Problem("fields", "are changed one by one, or by publishing the whole object type")])
        return await self._publish(actor, await self._live(actor, name), values, expected=expected, note=note)

    # fields

    async def add_field(
        self, actor: Actor, name: str, field: Values, *, expected: int | None = None, note: str = ""
    ) -> Definition:
        """Add a field, as the last one.

        Raises:
            NotFound, Invalid, MissingPermission, VersionConflict: As `change`.
            Conflict: There is a field of that name; it may be hidden.
        """
        found = await self._live(actor, name)
        wanted = field.get("name")
        if any(own["name"] == wanted for own in _fields(found)):
            raise Conflict(f"{found.name!r} has a field {wanted!r} already.", cure="Choose another name.")
        if any(hidden.field.name == wanted for hidden in await self.hidden_fields(actor, name)):
            raise Conflict(f"{found.name!r} has a hidden field {wanted!r}.", cure="Restore it, or purge it first.")
        fields = [*_fields(found), dict(field)]
        return await self._publish(actor, found, {"fields": fields}, expected=expected, note=note, at=len(fields) - 1)

    async def change_field(
        self,
        actor: Actor,
        name: str,
        field: str,
        values: Values,
        *,
        convert: bool = False,
        expected: int | None = None,
        note: str = "",
    ) -> Definition:
        """Change a field: its name, label, type, options and so on; its values follow it.

        Args:
            values: New values by key; None takes one away.
            convert: Convert the values if the type changes; see `preview`.

        Raises:
            NotFound, Invalid, MissingPermission, VersionConflict: As `change`; there may be no such field.
            Conflict: Values would be converted and `convert` is not set, or some do not convert.
        """
        found = await self._live(actor, name)
        body, place = self._with_field(found, field, values)
        if convert:
            _check_all_values(actor, found.name, field)
        accept = {f"{ACCEPT_CONVERSION}{body['fields'][place]['name']}"} if convert else set[str]()
        return await self._publish(actor, found, body, accept=accept, expected=expected, note=note, at=place)

    async def preview(self, actor: Actor, name: str, field: str, values: Values) -> convert.Preview | None:
        """Say what changing a field as `change_field` does would do to its values; None if they stay as they are.

        Raises:
            NotFound, Invalid, MissingPermission: As `change_field`; it shows values, so the actor must be one who may
                change all of them.
            Conflict: No converter is declared for the two types.
        """
        found = await self._live(actor, name)
        _check_all_values(actor, found.name, field)
        body, place = self._with_field(found, field, values)
        before, after = (_type(found.name, known, place) for known in (found.body or {}, body))
        pairs = match(found.id, before, after).converted
        new_name = str(body["fields"][place]["name"])
        pair = next(((old, new) for old, new in pairs if new.name == new_name), None)
        if pair is None:
            return None
        how = convert.conversion(*pair, actor.principal.time_zone)
        async with self._db.transaction() as tx:
            return await convert.preview(tx, await schema_of(tx, actor.workspace_id), found.name, pair[0], how)

    async def hide_field(
        self, actor: Actor, name: str, field: str, *, expected: int | None = None, note: str = ""
    ) -> Definition:
        """Take a field out of all records; its values are kept, and `restore_field` brings it back with them.

        Raises:
            NotFound, Invalid, MissingPermission, VersionConflict: As `change`; it may be the title.
        """
        found = await self._live(actor, name)
        place = _place(found, field)
        if (found.body or {})["title"] == field:
            problem = f"{field!r} is what names a record; choose another title first"
            raise Invalid.of([Problem("title", problem)], what=f"The object type {found.name!r}")
        fields = [own for i, own in enumerate(_fields(found)) if i != place]
        return await self._publish(
            actor, found, {"fields": fields}, expected=expected, note=note or f"{field!r} is hidden."
        )

    async def hidden_fields(self, actor: Actor, name: str) -> Sequence[HiddenField]:
        """Give the fields that are hidden, the last hidden first.

        Raises:
            NotFound: There is no such object type.
            MissingPermission: The actor may not change the data model.
        """
        found = await self._live(actor, name)
        history = await self._definitions.history(actor, OBJECT, found.name)
        async with self._db.transaction() as tx:
            have = await ddl.columns_of(tx, await schema_of(tx, actor.workspace_id), found.name)
        hidden: dict[str, HiddenField] = {}
        seen = {own["name"] for own in _fields(found)}
        for version in history:
            for place, own in enumerate(version.body["fields"]):
                field = Field.from_json(own)
                if field.name not in seen and ddl.fits_columns(field, have):
                    hidden[field.name] = HiddenField(field, version.version, place)
                seen.add(field.name)
        return list(hidden.values())

    async def restore_field(
        self, actor: Actor, name: str, field: str, *, expected: int | None = None, note: str = ""
    ) -> Definition:
        """Bring a hidden field back with its values, where it stood.

        Raises:
            NotFound, MissingPermission, VersionConflict: As `change`; no field of that name may be hidden.
            Invalid: It does not fit the workspace any more: what it points to is gone.
        """
        found = await self._live(actor, name)
        hidden = await self._hidden(actor, found, field)
        fields = _fields(found)
        fields.insert(hidden.place, hidden.field.to_json())
        return await self._publish(
            actor, found, {"fields": fields}, expected=expected, note=note or f"{field!r} is back."
        )

    async def purge_field(self, actor: Actor, name: str, field: str, *, confirm: str) -> None:
        """Remove a hidden field for ever, with all its values.

        Args:
            confirm: `object.field`, typed by whoever means it.

        Raises:
            NotFound: No field of that name is hidden.
            MissingPermission: The actor may not change the data model, purge, or destroy these records.
            Invalid: `confirm` is another text.
            Conflict: The table is busy.
        """
        check_flag(actor, ObjectKind.purge_flag)
        async with self._definitions.change(actor) as change:  # holds off other changes
            found = await self._live(actor, name)
            check(actor, Action.DESTROY, found.name)
            hidden = await self._hidden(actor, found, field)
            check_typed(confirm, f"{found.name}.{hidden.field.name}")
            await self._drop(change, actor, found, hidden.field)

    # inside

    async def _drop(self, change: Change, actor: Actor, found: Definition, field: Field) -> None:
        async with no_database_words():
            await ddl.drop_columns(change.tx, await schema_of(change.tx, actor.workspace_id), found.name, field)
        await changes.forget_field(change.tx, actor.workspace_id, found.name, field.name)
        await raise_epoch(change.tx, actor.workspace_id)
        await change.tell(NewsKind.PURGED, OBJECT, found.id, f"{found.name}.{field.name}", found.version)

    async def _live(self, actor: Actor, name: str) -> Definition:
        found = await self._definitions.get(actor, OBJECT, name)
        if found.body is None:
            raise Conflict(f"The object type {found.name!r} is a draft only.", cure="Publish it first.")
        if found.archived_at is not None:
            raise Conflict(f"The object type {found.name!r} is archived.", cure="Restore it first.")
        return found

    async def _hidden(self, actor: Actor, found: Definition, field: str) -> HiddenField:
        known = {hidden.field.name: hidden for hidden in await self.hidden_fields(actor, found.name)}
        if field not in known:
            raise NotFound(f"hidden field of {found.name!r}", field[:100], known)
        return known[field]

    def _with_field(self, found: Definition, field: str, values: Values) -> tuple[dict[str, Any], int]:
        """Give the body with a field changed, and the field's place."""
        place = _place(found, field)
        body: dict[str, Any] = dict(found.body or {})
        new_name = values.get("name", field)
        if isinstance(new_name, str) and new_name != field:
            body = own_body(rename(found.id, ObjectType.from_json(body), field, new_name))
        fields = [dict(own) for own in body["fields"]]
        fields[place] = _patched(fields[place], values)
        return body | {"fields": fields}, place

    async def _publish(
        self,
        actor: Actor,
        found: Definition,
        values: Values,
        *,
        expected: int | None,
        note: str,
        accept: set[str] | None = None,
        at: int | None = None,
    ) -> Definition:
        """Publish a definition with some values changed.

        Args:
            at: The place of the field that is meant; problems then have its paths: `label`, not `fields.3.label`.
        """
        body = _patched(found.body or {}, values)
        try:
            return await self._definitions.publish(
                actor,
                OBJECT,
                body,
                name=found.name,
                expected=found.revision if expected is None else expected,
                accept=accept or (),
                note=note,
            )
        except Invalid as error:
            raise _within(error, at) from None


def _check_all_values(actor: Actor, object_name: str, field: str) -> None:
    """Let pass whoever may change this field of every record: a conversion touches, and tells of, all of them.

    Raises:
        MissingPermission: Some are hidden from the actor, or not to be changed.
    """
    for action in (Action.READ, Action.UPDATE):
        check(actor, action, object_name)
        if not actor.may_field(action, object_name, field) or actor.row_rules(action, object_name):
            raise MissingPermission(actor.label, action.value, f"{object_name}.{field} of every record")


def _patched(body: Values, values: Values) -> dict[str, Any]:
    changed = {**body, **values}
    return {key: value for key, value in changed.items() if value is not None or key not in values}


def _fields(found: Definition) -> list[dict[str, Any]]:
    return [dict(own) for own in (found.body or {})["fields"]]


def _place(found: Definition, field: str) -> int:
    names = [own["name"] for own in _fields(found)]
    if field not in names:
        raise NotFound(f"field of {found.name!r}", field[:100], names)
    return names.index(field)


def _type(name: str, body: Values, place: int) -> ObjectType:
    try:
        return read_object(body)
    except Invalid as error:
        raise _within(error, place) from None


def _within(error: Invalid, place: int | None) -> Invalid:
    """Give the error with paths that begin in the field at `place`, if they all lie there."""
    prefix = f"fields.{place}."
    if place is None or not error.problems or not all(one.path.startswith(prefix) for one in error.problems):
        return error
    problems = [replace(one, path=one.path.removeprefix(prefix)) for one in error.problems]
    return Invalid.of(problems, what="The field")
