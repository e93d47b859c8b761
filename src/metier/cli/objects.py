"""`metier objects`: what kinds of records there are, and how they change."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metier.cli.terminal import note as remark
from metier.cli.terminal import say, say_json, say_table
from metier.cli.versions import AsJson, Name, Note, add_versions, change, in_house

if TYPE_CHECKING:
    from metier.records.convert import Preview

OBJECT = "object"

Field = Annotated[str, typer.Argument(metavar="FIELD", help="The field's name.")]
Label = Annotated[str | None, typer.Option(help="What people read; made of the name if left out.")]
Description = Annotated[str | None, typer.Option(help="What it is for.")]
Options = Annotated[str | None, typer.Option(help="Of a select, its values: new,won,lost.")]
Target = Annotated[str | None, typer.Option(help="Of a relation, the object pointed to.")]
Decimals = Annotated[int | None, typer.Option(min=0, max=15, help="Of a number, digits after the point.")]
Unit = Annotated[str | None, typer.Option(help="Of a number, what is counted or measured: m, people.")]
Unique = Annotated[bool | None, typer.Option(help="Whether no two records may have the same value.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    objects = typer.Typer(help="Object types: the kinds of records, and their fields.", no_args_is_help=True)
    app.add_typer(objects, name="objects")
    _add_objects(objects)
    _add_fields(objects)
    _add_hidden(objects)
    add_versions(objects, OBJECT)


def _add_objects(objects: typer.Typer) -> None:
    @objects.command("list")
    def list_objects(
        archived: Annotated[bool, typer.Option("--archived", help="List those that are archived.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """List the kinds of records."""
        _say_objects(asyncio.run(_archived() if archived else _live()), as_json=as_json)

    @objects.command("show")
    def show_object(name: Name, as_json: AsJson = False) -> None:
        """Show an object type and its fields."""
        kind = asyncio.run(in_house(lambda m, actor: m.records.object(actor, name)))
        _say_object(kind.to_json(), as_json=as_json)

    @objects.command("create")
    def create_object(
        name: Annotated[str, typer.Argument(metavar="NAME", help="Singular, such as ship.")],
        field: Annotated[
            list[str] | None,
            typer.Option(help="A field besides name: built:date, state:select=afloat,sunk, owner:relation=company."),
        ] = None,
        plural: Annotated[str | None, typer.Option(help="Such as ships; made of the name if left out.")] = None,
        label: Label = None,
        description: Description = None,
        note: Note = "",
        as_json: AsJson = False,
    ) -> None:
        """Make an object type with its table; records have a name besides."""
        fields = [{"name": "name", "type": "text"}, *map(_field, field or ())]
        said = _said(plural=plural, label=label, description=description)
        body = {"name": name, "fields": fields, **said}
        change(lambda m, actor: m.data_model.create(actor, body, note=note), as_json=as_json)

    @objects.command("change")
    def change_object(
        name: Name,
        to: Annotated[str | None, typer.Option("--name", help="A new name; relations follow.")] = None,
        plural: Annotated[str | None, typer.Option(help="Its plural, which names lists and tools.")] = None,
        label: Annotated[str | None, typer.Option(help="What people read.")] = None,
        label_plural: Annotated[str | None, typer.Option(help="What people read of several.")] = None,
        title: Annotated[str | None, typer.Option(help="The field that names a record.")] = None,
        icon: Annotated[str | None, typer.Option(help="Its symbol.")] = None,
        description: Description = None,
        note: Note = "",
        as_json: AsJson = False,
    ) -> None:
        """Change what an object type is called; what is left out stays."""
        said = _said(
            name=to,
            plural=plural,
            label=label,
            label_plural=label_plural,
            title=title,
            icon=icon,
            description=description,
        )
        change(lambda m, actor: m.data_model.change(actor, name, said, note=note), as_json=as_json)


def _add_fields(objects: typer.Typer) -> None:
    @objects.command("add-field")
    def add_field(
        name: Name,
        field: Field,
        of_type: Annotated[str, typer.Argument(metavar="TYPE", help="text, number, date, select, relation, …")],
        label: Label = None,
        description: Description = None,
        options: Options = None,
        target: Target = None,
        decimals: Decimals = None,
        unit: Unit = None,
        unique: Unique = None,
        note: Note = "",
        as_json: AsJson = False,
    ) -> None:
        """Add a field."""
        said = _said(
            label=label, description=description, options=_words(options), target=target, decimals=decimals, unit=unit,
            unique=unique,
        )  # fmt: skip
        body = {"name": field, "type": of_type, **said}
        change(lambda m, actor: m.data_model.add_field(actor, name, body, note=note), as_json=as_json)

    @objects.command("change-field")
    def change_field(
        name: Name,
        field: Field,
        to: Annotated[str | None, typer.Option("--name", help="A new name; the values stay.")] = None,
        of_type: Annotated[str | None, typer.Option("--type", help="Another type; see --convert.")] = None,
        label: Annotated[str | None, typer.Option(help="What people read.")] = None,
        description: Description = None,
        options: Options = None,
        target: Target = None,
        decimals: Decimals = None,
        unit: Unit = None,
        unique: Unique = None,
        convert: Annotated[bool, typer.Option("--convert", help="Convert the values, all or none.")] = False,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Say what would become of the values, and change nothing.")
        ] = False,
        note: Note = "",
        as_json: AsJson = False,
    ) -> None:
        """Change a field; what is left out stays, and the values follow it."""
        said = _said(
            name=to, type=of_type, label=label, description=description, options=_words(options), target=target,
            decimals=decimals, unit=unit, unique=unique,
        )  # fmt: skip
        if dry_run:
            found = asyncio.run(in_house(lambda m, actor: m.data_model.preview(actor, name, field, said)))
            _say_preview(found, as_json=as_json)
            return
        change(
            lambda m, actor: m.data_model.change_field(actor, name, field, said, convert=convert, note=note),
            as_json=as_json,
        )


def _add_hidden(objects: typer.Typer) -> None:
    @objects.command("hide-field")
    def hide_field(name: Name, field: Field, note: Note = "", as_json: AsJson = False) -> None:
        """Take a field out of all records; its values are kept."""
        change(lambda m, actor: m.data_model.hide_field(actor, name, field, note=note), as_json=as_json)

    @objects.command("hidden-fields")
    def hidden_fields(name: Name, as_json: AsJson = False) -> None:
        """List the fields that are hidden."""
        hidden = asyncio.run(in_house(lambda m, actor: m.data_model.hidden_fields(actor, name)))
        if as_json:
            for one in hidden:
                say_json(one.to_json())
        else:
            rows = [(one.field.name, one.field.type.value, str(one.version)) for one in hidden]
            say_table(("field", "type", "last in version"), rows)

    @objects.command("restore-field")
    def restore_field(name: Name, field: Field, note: Note = "", as_json: AsJson = False) -> None:
        """Bring a hidden field back with its values."""
        change(lambda m, actor: m.data_model.restore_field(actor, name, field, note=note), as_json=as_json)

    @objects.command("purge-field")
    def purge_field(
        name: Name,
        field: Field,
        confirm: Annotated[str, typer.Option(help="NAME.FIELD, typed once more: this cannot be undone.")],
    ) -> None:
        """Remove a hidden field for ever, with all its values."""
        asyncio.run(in_house(lambda m, actor: m.data_model.purge_field(actor, name, field, confirm=confirm)))
        remark(f"{confirm!r} is gone for ever.")


async def _live() -> list[dict[str, Any]]:  # Any: JSON
    found = await in_house(lambda m, actor: m.records.objects(actor))
    return [kind.to_json() for kind in found]


async def _archived() -> list[dict[str, Any]]:
    found = await in_house(lambda m, actor: m.definitions.listed(actor, OBJECT, archived=True))
    return [one.body for one in found if one.body is not None]


def _say_objects(objects: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for kind in objects:
            say_json(kind)
        return
    fields = [", ".join(field["name"] for field in kind["fields"] if not field.get("system")) for kind in objects]
    say_table(("name", "plural", "fields"), [(o["name"], o["plural"], f) for o, f in zip(objects, fields, strict=True)])


def _say_object(kind: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(kind)
        return
    say(f"{kind['label']} ({kind['name']}, {kind['plural']})")
    own = [field for field in kind["fields"] if not field.get("system")]
    say_table(("field", "label", "type", ""), [(f["name"], f["label"], f["type"], _detail(f)) for f in own])


def _detail(field: Mapping[str, Any]) -> str:
    if field["type"] == "select":
        return ", ".join(option["value"] for option in field["options"])
    return str(field.get("target") or field.get("unit") or "")


def _say_preview(found: "Preview | None", *, as_json: bool) -> None:
    if as_json:
        say_json({"converts": found is not None} | (found.to_json() if found else {}))
    elif found is None:
        say("The values stay as they are.")
    else:
        say(found.says)
        say(f"{found.values:,} values, of which {found.misfits:,} do not convert")
        for example in found.examples:
            say(f"  {example}")
        if found.loses:
            say(f"lost on the way: {found.loses}")


def _said(**values: Any) -> dict[str, Any]:
    """Give what was said."""
    return {key: value for key, value in values.items() if value is not None}


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


def _field(text: str) -> dict[str, Any]:
    """Read `built:date`, `state:select=afloat,sunk` or `owner:relation=company`."""
    name, _, rest = text.partition(":")
    kind, _, detail = (rest or "text").partition("=")
    field: dict[str, Any] = {"name": name.strip(), "type": kind.strip()}
    if kind.strip() == "select":
        return field | {"options": _words(detail)}
    return field | ({"target": detail.strip()} if detail else {})
