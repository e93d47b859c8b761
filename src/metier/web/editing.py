"""What pages that write records share: who may edit what, reading forms, and saying what was done with the way back."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from metier.actor import Action, Actor
from metier.app import Metier
from metier.errors import NotFound
from metier.records import Cause, Origin, Told, Written, settable_fields
from metier.records.shape import ObjectType
from metier.web.entry import Inputs

BY_HAND = Cause(Origin.UI)
CHANGE = "Metier-Change"  # header for scripts: what undoes the write
LONGEST = 200_000  # characters of one input; the data door judges what a field takes
FRESH = timedelta(minutes=2)  # how long a page's address may offer to undo
_PAST = {
    "created": "created",
    "updated": "changed",
    "deleted": "deleted",
    "restored": "restored",
    "destroyed": "removed for good",
}


def editable(kind: ObjectType, actor: Actor) -> frozenset[str]:
    """Give the names of the fields that the actor may change."""
    return settable_fields(kind, actor) if actor.may(Action.UPDATE, kind.name) else frozenset()


def creatable(kind: ObjectType, actor: Actor) -> bool:
    """Say whether the actor may create such records, and set anything of them."""
    return actor.may(Action.CREATE, kind.name) and bool(settable_fields(kind, actor))


async def form_inputs(request: Request) -> Inputs:
    """Give what a form sent, as text; of inputs of one name the last."""
    form = await request.form()
    return {name: value[:LONGEST] for name, value in form.multi_items() if isinstance(value, str)}


def changed(response: Response, written: Written) -> Response:
    """Tell a script what undoes the write."""
    if written.id is not None:
        response.headers[CHANGE] = str(written.id)
    return response


def done_url(url: str, written: Written) -> str:
    """Give the address of a page that says what was done."""
    if written.id is None:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'done': str(written.id)})}"


@dataclass(frozen=True)
class DoneNote:
    """What a page says was done just now, and what takes it back; None where nothing does."""

    text: str
    undo: str | None


async def done_note(house: Metier, actor: Actor, change_id: str) -> DoneNote | None:
    """Say what the change in a page's address was, as long as it is fresh."""
    try:
        told = await house.records.changes(actor, change_id)
    except NotFound:
        return None
    if house.clock.now() - told[0].change.at > FRESH or told[0].change.undone:
        return None
    kind = await house.records.object(actor, told[0].change.object)
    undone = told[0].change.undoes is not None
    return DoneNote(_said(kind, told, undone=undone), None if undone else change_id)


def _said(kind: ObjectType, told: list[Told], *, undone: bool) -> str:
    change = told[0].change
    if undone:
        return "Taken back."
    if len(told) > 1:
        return f"{len(told)} {kind.label_plural.lower()} {_PAST[change.kind]}."
    if change.kind == "updated" and len(told[0].values) == 1:
        return f"{kind.by_name[next(iter(told[0].values))].label} changed."
    return f"{kind.label} {_PAST[change.kind]}."
