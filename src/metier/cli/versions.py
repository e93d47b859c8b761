"""What every kind of definition has on the command line: versions, differences, files, archive."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from metier.cli.house import open_house, writing_for
from metier.cli.terminal import note as remark
from metier.cli.terminal import say, say_bytes, say_json, say_table

if TYPE_CHECKING:
    from metier.actor import Actor
    from metier.app import Metier
    from metier.definitions import Definition, Diff, Version
    from metier.formats.writing import Writing

T = TypeVar("T")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name.")]
Note = Annotated[str, typer.Option(help="Why, for the history.")]
Accept = Annotated[
    list[str] | None, typer.Option(help="What you agree to beforehand, e.g. convert:FIELD; may be given again.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def add_versions(group: typer.Typer, kind: str) -> None:
    """Add the commands that all kinds have."""
    _add_reading(group, kind)
    _add_publishing(group, kind)
    _add_removing(group, kind)


def change(act: "Callable[[Metier, Actor], Awaitable[Definition]]", *, as_json: bool) -> None:
    """Change one definition, and say what it is now."""
    changed = asyncio.run(in_house(act))
    if as_json:
        say_json(changed.to_json())
    else:
        say(_state(changed))


async def in_house(act: "Callable[[Metier, Actor], Awaitable[T]]") -> T:
    """Do something as the operator."""
    async with open_house() as (metier, operator):
        return await act(metier, operator)


def _add_reading(group: typer.Typer, kind: str) -> None:
    @group.command("history")
    def history(name: Name, as_json: AsJson = False) -> None:
        """List its versions, newest first."""
        _say_versions(*asyncio.run(_history(kind, name)), as_json=as_json)

    @group.command("diff")
    def diff(
        name: Name,
        before: Annotated[int | None, typer.Argument(min=0, help="A version; 0 is nothing.")] = None,
        after: Annotated[int | None, typer.Argument(min=1, help="A version; else the draft, or the live one.")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Show what differs between two versions; by default between the last two, or the draft and the live one."""
        found = asyncio.run(in_house(lambda m, actor: m.definitions.diff(actor, kind, name, before, after)))
        _say_diff(found, as_json=as_json)

    @group.command("export")
    def export(
        name: Name,
        version: Annotated[int | None, typer.Option(min=1, help="A version; the live one if left out.")] = None,
    ) -> None:
        """Print the source of a version, byte for byte as it was given."""
        source = asyncio.run(in_house(lambda m, actor: m.definitions.export(actor, kind, name, version)))
        say_bytes(source.data)


def _add_publishing(group: typer.Typer, kind: str) -> None:
    @group.command("publish")
    def publish(
        file: Annotated[
            Path, typer.Argument(metavar="FILE", help="A .json or .toml file; - reads JSON from standard input.")
        ],
        draft: Annotated[bool, typer.Option("--draft", help="Keep it as a draft, right or wrong.")] = False,
        accept: Accept = None,
        note: Note = "",
        as_json: AsJson = False,
    ) -> None:
        """Publish a file: a new version, or a new definition."""
        from metier.definitions import Source

        async def act(metier: "Metier", actor: "Actor") -> "Definition":
            source = Source(sys.stdin.buffer.read()) if str(file) == "-" else Source.named(str(file), _read(file))
            if draft:
                return await metier.definitions.save_draft(actor, kind, source)
            return await metier.definitions.publish(actor, kind, source, accept=accept or (), note=note)

        change(act, as_json=as_json)

    @group.command("publish-draft")
    def publish_draft(name: Name, accept: Accept = None, note: Note = "", as_json: AsJson = False) -> None:
        """Make its draft the live version."""
        change(
            lambda m, actor: m.definitions.publish_draft(actor, kind, name, accept=accept or (), note=note),
            as_json=as_json,
        )

    @group.command("discard-draft")
    def discard_draft(name: Name) -> None:
        """Throw its draft away."""
        left = asyncio.run(in_house(lambda m, actor: m.definitions.discard_draft(actor, kind, name)))
        remark("The draft is gone." if left else "The draft is gone, and nothing is left: it was never published.")

    @group.command("rollback")
    def rollback(
        name: Name,
        version: Annotated[int, typer.Argument(min=1, help="Which version is published anew.")],
        accept: Accept = None,
        note: Note = "",
        as_json: AsJson = False,
    ) -> None:
        """Publish an old version anew."""
        change(
            lambda m, actor: m.definitions.rollback(actor, kind, name, version, accept=accept or (), note=note),
            as_json=as_json,
        )


def _add_removing(group: typer.Typer, kind: str) -> None:
    @group.command("archive")
    def archive(name: Name, note: Note = "", as_json: AsJson = False) -> None:
        """Take it out of sight; restore brings it back."""
        change(lambda m, actor: m.definitions.archive(actor, kind, name, note=note), as_json=as_json)

    @group.command("restore")
    def restore(name: Name, note: Note = "", as_json: AsJson = False) -> None:
        """Bring it back from the archive."""
        change(lambda m, actor: m.definitions.restore(actor, kind, name, note=note), as_json=as_json)

    @group.command("purge")
    def purge(
        name: Name, confirm: Annotated[str, typer.Option(help="Its name, typed once more: this cannot be undone.")]
    ) -> None:
        """Remove what is archived for ever, with its versions; of an object type, with its records."""
        asyncio.run(in_house(lambda m, actor: m.definitions.purge(actor, kind, name, confirm=confirm)))
        remark(f"{name!r} is gone for ever.")


def read_text(file: Path) -> str:
    """Give what stands in a file.

    Raises:
        Invalid: It cannot be read, or is no text.
    """
    from metier.errors import Invalid, Problem

    try:
        return _read(file).decode()
    except UnicodeDecodeError as error:
        raise Invalid.of([Problem(str(file), f"is not UTF-8 at byte {error.start}")], what="The file") from None


def _read(file: Path) -> bytes:
    from metier.errors import Invalid, Problem

    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid.of([Problem(str(file), error.strerror or str(error))], what="The file") from None


def _state(found: "Definition") -> str:
    state = "archived" if found.archived_at else f"version {found.version}" if found.version else "a draft only"
    draft = ", with a draft" if found.draft and found.version else ""
    return f"{found.label} ({found.name}): {state}{draft}"


async def _history(kind: str, name: str) -> "tuple[Sequence[Version], Writing]":
    async with open_house() as (metier, operator):
        return await metier.definitions.history(operator, kind, name), writing_for(metier, operator)


def _say_versions(versions: "Sequence[Version]", writing: "Writing", *, as_json: bool) -> None:
    if as_json:
        for version in versions:
            say_json(version.to_json())
        return
    rows = [
        (
            str(v.version),
            writing.moment(v.created_at),
            v.author["label"] if v.author else "",
            v.origin,
            v.note,
        )
        for v in versions
    ]
    say_table(("version", "published", "by", "from", "note"), rows)


def _say_diff(found: "Diff", *, as_json: bool) -> None:
    if as_json:
        say_json(found.to_json())
    elif found.text:
        say(found.text)
    else:
        remark(f"Nothing differs between {found.before} and {found.after}.")
