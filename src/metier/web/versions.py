"""The page of one version of a definition, whatever its kind, and going back to it."""

from collections.abc import Sequence
from urllib.parse import quote

from fastapi import Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Actor
from metier.app import Metier
from metier.errors import MetierError
from metier.web.pages import page


async def version_page(
    request: Request,
    house: Metier,
    actor: Actor,
    kind: str,
    name: str,
    version: int,
    *,
    url: str,
    parents: Sequence[tuple[str, str]],
    may: bool = True,
    error: MetierError | None = None,
) -> Response:
    """Show what a version changed.

    Args:
        url: Where the definitions of the kind are; the one's own page is right below.
        parents: Label and address of what the crumbs name before the definition.
        may: Whether the actor may go back to it.
    """
    thing = await house.definitions.get(actor, kind, name)
    return await page(
        request,
        "settings/version.html",
        actor=actor,
        status=error.status if error else 200,
        thing=thing,
        version=await house.definitions.version(actor, kind, name, version),
        diff=await house.definitions.diff(actor, kind, name, after=version),
        url=f"{url}/{quote(thing.name, safe='')}",
        parents=parents,
        may=may,
        problem=error.message if error else None,
        cure=error.cure if error else None,
    )


async def go_back(
    request: Request,
    house: Metier,
    actor: Actor,
    kind: str,
    name: str,
    version: int,
    *,
    url: str,
    parents: Sequence[tuple[str, str]],
) -> Response:
    """Publish an old version anew and go to the definition's page; or say on the version's page why not."""
    try:
        published = await house.definitions.rollback(actor, kind, name, version)
    except MetierError as error:
        return await version_page(request, house, actor, kind, name, version, url=url, parents=parents, error=error)
    return RedirectResponse(f"{url}/{quote(published.name, safe='')}", status_code=303)
