"""The frame around every page: where the sidebar, the palette and the keyboard map may lead this member."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from metier.access.roles import SEEN_WITH
from metier.actor import Actor
from metier.app import Metier
from metier.chat import Thread
from metier.health import Checkup, may_see
from metier.records.shape import ObjectType

RECENT_CHATS = 6
TAKEN_LETTERS = frozenset("cirsu")  # after G: chat, inbox, runs, settings and usage


@dataclass(frozen=True)
class Place:
    """Somewhere to go.

    Attributes:
        kind: What it is, as the palette shows it: `Page`, `Records`, `Settings`.
        keys: The two keys that lead there, e.g. `g c`; empty for none.
        one: For records: what a single one is called, e.g. `Company`.
        count: For the inbox: how much is in it.
    """

    label: str
    url: str
    icon: str
    kind: str = "Page"
    keys: str = ""
    one: str = ""
    count: int | None = None


@dataclass(frozen=True)
class Shell:
    """What the frame shows.

    Attributes:
        more: Places that stand only in the palette.
        current: The address of the place this page belongs to.
        ails: Whether a check of the server's health fails; False for whoever may not see the checks.
    """

    workspace: str
    role: str
    top: Sequence[Place]
    records: Sequence[Place]
    settings: Sequence[Place]
    chats: Sequence[Thread]
    more: Sequence[Place]
    current: str
    ails: bool

    @property
    def places(self) -> Sequence[Place]:
        """Everywhere one can go, for the palette and the keyboard map."""
        return (*self.top, *self.records, *self.more, *self.settings)


async def build_shell(metier: Metier, checkup: Checkup, actor: Actor, path: str) -> Shell:
    """Look up what there is for this member: nothing that is not there, nothing that may not be seen."""
    ai = actor.holds("AI")
    inbox = Place("Inbox", "/inbox", "inbox", keys="g i", count=(await metier.inbox.of(actor)).count)
    top = [Place("Chat", "/chat", "chat", keys="g c"), inbox] if ai else [inbox]
    if ai or actor.holds("AI_SETTINGS"):
        top.append(Place("Runs", "/runs", "runs", keys="g r"))
    if ai or any(map(actor.holds, ("BILLING", "AI_SETTINGS"))):
        top.append(Place("Usage", "/usage", "chart", keys="g u"))
    records = list(record_places(await metier.records.objects(actor)))
    settings = list(settings_places(actor))
    more = [Place("API", "/docs", "code")]
    return Shell(
        workspace=await workspace_name(metier, actor.workspace_id),
        role=actor.roles[0].label if actor.roles else "",
        top=top,
        records=records,
        settings=settings,
        chats=await metier.chat.threads(actor, limit=RECENT_CHATS) if ai else [],
        more=more,
        current=_current(path, [*top, *records, *more, *settings]),
        ails=await checkup.ails(actor),
    )


async def workspace_name(metier: Metier, workspace_id: UUID) -> str:
    """Give what people call the workspace."""
    names = {w.id: w.name for w in await metier.access.workspaces()}
    return names[workspace_id]


def settings_places(actor: Actor) -> Iterator[Place]:
    """Give the settings this member may open."""
    yield Place("Profile", "/settings/profile", "user", "Settings", keys="g s")
    if actor.holds("WORKSPACE_MEMBERS"):
        yield Place("Members", "/settings/members", "people", "Settings")
    if any(actor.holds(flag) for flag in SEEN_WITH):
        yield Place("Roles", "/settings/security/roles", "shield", "Settings")
    if actor.holds("IMPERSONATE"):
        yield Place("View as", "/settings/view-as", "eye", "Settings")
    if actor.holds("DATA_MODEL"):
        yield Place("Data model", "/settings/data-model", "box", "Settings")
    if actor.holds("API_KEYS_AND_WEBHOOKS"):
        yield Place("API keys", "/settings/api-keys", "key", "Settings")
        yield Place("Secrets", "/settings/secrets", "lock", "Settings")
        yield Place("Connections", "/settings/connections", "external", "Settings")
    if actor.holds("AI"):
        yield Place("AI models", "/settings/ai/models", "spark", "Settings")
    if actor.holds("AI_SETTINGS"):
        yield Place("Agents", "/settings/ai/agents", "user", "Settings")
    if actor.holds("APPLICATIONS"):
        yield Place("Apps", "/settings/apps", "box", "Settings")
    if actor.holds("WORKSPACE"):
        yield Place("Features", "/settings/features", "flag", "Settings")
        yield Place("Schedules", "/settings/schedules", "calendar", "Settings")
    if actor.holds("SECURITY"):
        yield Place("Audit", "/settings/audit", "list", "Settings")
    if may_see(actor):
        yield Place("Health", "/settings/health", "heart", "Settings")


def record_places(objects: Sequence[ObjectType]) -> Iterator[Place]:
    """Give the lists of records, each with its first letter, or one that no list begins with."""
    kinds = [kind for kind in objects if not kind.read_only]  # the members: relations lead there
    first = {kind.plural[0] for kind in kinds}
    taken = set(TAKEN_LETTERS)
    for kind in kinds:
        usable = (c for i, c in enumerate(kind.plural) if c.isalpha() and (i == 0 or c not in first))
        letter = next((c for c in usable if c not in taken), None)
        taken |= {letter} if letter else set()
        keys = f"g {letter}" if letter else ""
        yield Place(kind.label_plural, f"/o/{kind.name}", kind.icon, "Records", keys, one=kind.label)


def _current(path: str, places: Sequence[Place]) -> str:
    inside = [p.url for p in places if path == p.url or path.startswith(f"{p.url}/")]
    return max(inside, key=len, default="")
