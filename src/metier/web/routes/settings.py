"""Settings of the member (profile) and of the workspace (API keys, AI models), and the health of the server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.access import NewKey
from metier.actor import Actor, check_flag
from metier.api.auth import SIGN_IN_COOKIE, Asker, House, checkup_of
from metier.app import Metier
from metier.errors import Invalid, MetierError, NoModel
from metier.formats.choices import CHOICES
from metier.llm import ModelInfo
from metier.settings import Settings
from metier.web.choosing import locales, offers
from metier.web.forms import read_form, time_zones, wrong
from metier.web.pages import page, pages_of

KEY_LASTS = {"": "until it is revoked", "30": "for 30 days", "90": "for 90 days", "365": "for a year"}  # by days


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/settings")
    routes.add_api_route("", to_profile)
    routes.add_api_route("/profile", show_profile)
    routes.add_api_route("/profile", save_profile, methods=["POST"])
    routes.add_api_route("/profile/formats", save_formats, methods=["POST"])
    routes.add_api_route("/profile/password", save_password, methods=["POST"])
    routes.add_api_route("/api-keys", show_keys)
    routes.add_api_route("/api-keys", create_key, methods=["POST"])
    routes.add_api_route("/api-keys/{key_id}/revoke", revoke_key, methods=["POST"])
    routes.add_api_route("/ai/models", show_models)
    routes.add_api_route("/health", show_health)
    return routes


# --- profile ---------------------------------------------------------------------------------------------------------


async def to_profile() -> Response:
    """Lead to the first of the settings."""
    return RedirectResponse("/settings/profile", status_code=303)


async def show_profile(request: Request, house: House, actor: Asker, saved: str = "") -> Response:
    """Show name, time zone, e-mail, password and theme."""
    return await _profile_page(request, house, actor, saved=saved)


async def save_profile(request: Request, house: House, actor: Asker) -> Response:
    """Change name and time zone."""
    given = await read_form(request, "name", "time_zone")
    try:
        await house.access.update_profile(actor, **given)
    except MetierError as error:
        return await _profile_page(request, house, actor, given=given, error=error)
    return RedirectResponse("/settings/profile?saved=profile", status_code=303)


async def save_formats(request: Request, house: House, actor: Asker) -> Response:
    """Change how values are written."""
    given = await read_form(request, "locale", *CHOICES)
    try:
        await house.access.update_profile(actor, **{name: value or None for name, value in given.items()})
    except MetierError as error:
        return await _profile_page(request, house, actor, given=given, error=error)
    return RedirectResponse("/settings/profile?saved=formats", status_code=303)


async def save_password(request: Request, house: House, actor: Asker) -> Response:
    """Change e-mail and password."""
    given = await read_form(request, "email", "password", "current")
    try:
        await house.access.set_password(
            actor,
            email=given["email"],
            password=given["password"],
            current=given["current"] or None,
            keep=request.cookies.get(SIGN_IN_COOKIE),
        )
    except MetierError as error:
        return await _profile_page(request, house, actor, given={"email": given["email"]}, error=error)
    return RedirectResponse("/settings/profile?saved=password", status_code=303)


async def _profile_page(
    request: Request,
    house: Metier,
    actor: Actor,
    *,
    saved: str = "",
    given: Mapping[str, str] | None = None,
    error: MetierError | None = None,
) -> Response:
    profile = await house.access.profile(actor)
    return await page(
        request,
        "settings/profile.html",
        actor=actor,
        status=error.status if error else 200,
        profile=profile,
        given=profile.to_json() | {"email": profile.email or ""} | dict(given or {}),
        zones=time_zones(),
        locales=locales(profile.locale),
        offers=offers(pages_of(request).reading(actor)),
        saved=saved,
        **wrong(error, "name", "time_zone", "email", "password", "current", "locale", *CHOICES),
    )


# --- API keys --------------------------------------------------------------------------------------------------------


async def show_keys(request: Request, house: House, actor: Asker, saved: str = "") -> Response:
    """List the workspace's API keys."""
    return await _keys_page(request, house, actor, saved=saved)


async def create_key(request: Request, house: House, actor: Asker) -> Response:
    """Make a key and show its token, this once."""
    given = await read_form(request, "name", "role", "days")
    try:
        if not given["name"]:
            raise Invalid("A key needs a name, to tell it from the others.")
        days = given["days"] if given["days"] in KEY_LASTS else ""
        ends = house.clock.now() + timedelta(days=int(days)) if days else None
        made = await house.access.create_key(actor, role=given["role"], name=given["name"], expires_at=ends)
    except MetierError as error:
        return await _keys_page(request, house, actor, given=given, error=error)
    return await _keys_page(request, house, actor, made=made)


async def revoke_key(house: House, actor: Asker, key_id: UUID) -> Response:
    """Refuse a key from the next request on."""
    await house.access.revoke_key(actor, key_id)
    return RedirectResponse("/settings/api-keys?saved=revoked", status_code=303)


async def _keys_page(
    request: Request,
    house: Metier,
    actor: Actor,
    *,
    made: NewKey | None = None,
    saved: str = "",
    given: Mapping[str, str] | None = None,
    error: MetierError | None = None,
) -> Response:
    keys = await house.access.keys(actor)
    return await page(
        request,
        "settings/api_keys.html",
        actor=actor,
        status=error.status if error else 200,
        keys=[key for key in keys if key.state == "valid"],
        ended=[key for key in keys if key.state != "valid"],
        roles=await house.access.roles_for_keys(actor),
        made=made,
        saved=saved,
        lasts=KEY_LASTS,
        given={"name": "", "role": "", "days": ""} | dict(given or {}),
        api_base=str(request.base_url).rstrip("/"),
        **wrong(error, "name", "role"),
    )


# --- models ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Connection:
    """A way to connect models: the environment variables that do it, and whether the main one is set."""

    label: str
    variables: Sequence[str]
    what: str
    on: bool


def connections(settings: Settings) -> Sequence[Connection]:
    """Give the ways to connect models that this version has."""
    compatible = ("OPENAI_COMPATIBLE_BASE_URL", "OPENAI_COMPATIBLE_MODEL_NAMES", "OPENAI_COMPATIBLE_API_KEY")
    return (
        Connection("OpenAI", ("OPENAI_API_KEY",), "A key of OpenAI's API.", bool(settings.openai_api_key)),
        Connection("xAI", ("XAI_API_KEY",), "A key of xAI's API.", bool(settings.xai_api_key)),
        Connection(
            "Any other server",
            compatible,
            "Address of a server that speaks OpenAI's chat completions, local ones too, and its models' names.",
            bool(settings.openai_compatible_base_url),
        ),
    )


async def show_models(request: Request, house: House, actor: Asker) -> Response:
    """Show which models are configured and which ones the defaults stand for."""
    check_flag(actor, "AI")
    defaults = {
        "Smart": _default(house, "default-smart-model"),
        "Fast": _default(house, "default-fast-model"),
    }
    return await page(
        request,
        "settings/models.html",
        actor=actor,
        models=_defaults_first(house.catalog.models(), defaults),
        defaults=defaults,
        connections=connections(house.settings),
    )


def _default(house: Metier, name: str) -> ModelInfo | None:
    try:
        return house.catalog.resolve(name)
    except NoModel:
        return None


def _defaults_first(models: Sequence[ModelInfo], defaults: Mapping[str, ModelInfo | None]) -> list[ModelInfo]:
    first = {model.id for model in defaults.values() if model}
    return sorted(models, key=lambda model: (model.id not in first, not model.ai, model.id))


# --- health ----------------------------------------------------------------------------------------------------------


async def show_health(request: Request, actor: Asker) -> Response:
    """Show what was checked on this server and what to do about it."""
    checks = await checkup_of(request).checks(actor)
    return await page(
        request, "settings/health.html", actor=actor, checks=checks, failed=sum(not check.ok for check in checks)
    )
