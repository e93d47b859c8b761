"""Secrets of a workspace: sealed in the database, write-only, put in by egress at send time, for named hosts only.

put("STRIPE_KEY", value, hosts) → sealed row … agent writes `secret:STRIPE_KEY` in a header → egress asks
`reveal("STRIPE_KEY", "api.stripe.com")` → the value is in the request, and nowhere else
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from metier.access.sealing import FILE, GivenKeys, KeyFile, Keyring, key_id_of, seal, unseal
from metier.actor import Actor, check_acts, check_flag
from metier.audit import note
from metier.clock import Clock
from metier.egress import clean_host, covers
from metier.errors import Forbidden, Invalid, MetierError, NotFound, Problem
from metier.filters import storable_text
from metier.redaction import SHORTEST, Redactor
from metier.settings import Settings
from metier.store import Database, Transaction

FLAG = "API_KEYS_AND_WEBHOOKS"
LONGEST = 10_000  # characters of a value
HOSTS_MAX = 20  # of one secret
WORDS_MAX = 500  # characters of a description
USED_EVERY = timedelta(minutes=1)  # how exact `used_at` is
LOCK = 0x4D657473  # advisory lock: shared while one is sealed, alone while all get another key

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


@dataclass(frozen=True)
class NamedSecret:
    """A secret as it is listed: never its value.

    Attributes:
        hosts: Where it may be sent: `api.stripe.com`, `*.example.com`.
        updated_at: When its value was last set.
        used_at: When it was last sent, to the minute.
    """

    name: str
    description: str
    hosts: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    used_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Give it as data; times are ISO 8601."""
        return {
            "name": self.name,
            "description": self.description,
            "hosts": list(self.hosts),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "used_at": self.used_at and self.used_at.isoformat(),
        }


def keyring_of(settings: Settings) -> Keyring:
    """Give the keys that the operator set, or those of the file beside the database's folder."""
    return GivenKeys(settings.secret_key) if settings.secret_key else KeyFile(settings.home / FILE)


class Secrets:
    """Keeps secrets. What it opens or is given is hidden by the redactor from then on."""

    def __init__(self, db: Database, clock: Clock, keyring: Keyring, redactor: Redactor) -> None:
        self._db = db
        self._clock = clock
        self._keyring = keyring
        self._redactor = redactor

    async def put(
        self,
        actor: Actor,
        name: str,
        *,
        value: str | None = None,
        hosts: Collection[str] | None = None,
        description: str | None = None,
    ) -> NamedSecret:
        """Make a secret or change it; what is None stays.

        Args:
            hosts: Where it may be sent. One that is new needs the value as well: else whoever may change secrets
                could have one sent to a server of his own, and read it there.

        Raises:
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS.
            Invalid: Something does not have its form, or is missing.
            Unavailable: The key of all secrets cannot be read or made.
        """
        check_flag(actor, FLAG)
        name = secret_name(name)
        given = _checked(value, hosts, description)
        if value is not None:
            self._redactor.hide(value, of=actor.workspace_id)
        async with self._db.transaction() as transaction:
            await transaction.execute("select pg_advisory_xact_lock_shared(%s)", [LOCK])
            before = await _row(transaction, actor.workspace_id, name)
            _check_reach(before, given, anew=value is not None)
            if value is not None:
                given["sealed"] = seal(self._keyring.current(), value, _bound_to(actor.workspace_id, name))
            await self._store(transaction, actor, name, before, given)
            after = await _row(transaction, actor.workspace_id, name)
            changed = sorted(given.keys() & {"hosts", "description"} | ({"value"} if value is not None else set()))
            action, told = "secret.created" if before is None else "secret.changed", {"changed": changed}
            await note(transaction, self._clock, actor, action, target=name, details=told)
        assert after is not None
        return _named(after)

    async def secrets(self, actor: Actor) -> list[NamedSecret]:
        """Give the workspace's secrets by name, without their values.

        Raises:
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS.
        """
        check_flag(actor, FLAG)
        return await self.usable(actor.workspace_id)

    async def delete(self, actor: Actor, name: str) -> None:
        """Throw a secret away; requests that name it are refused from now on.

        Raises:
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS.
            NotFound: There is none of this name; suggests the nearest.
        """
        check_flag(actor, FLAG)
        async with self._db.transaction() as transaction:
            deleted = await transaction.value(
                "delete from core.secret where workspace_id = %s and name = %s returning name",
                [actor.workspace_id, _folded(name)],
            )
            if deleted is not None:
                await note(transaction, self._clock, actor, "secret.deleted", target=deleted)
        if deleted is None:
            raise await self._unknown(actor.workspace_id, name)

    # for whoever sends

    async def usable(self, workspace_id: UUID) -> list[NamedSecret]:
        """Give what there is to name in a request: for tools, which tell an agent the handles."""
        rows = await self._db.rows(f"{_LISTED} where workspace_id = %s order by name", [workspace_id])
        return [_named(row) for row in rows]

    async def reveal(self, workspace_id: UUID, name: str, host: str) -> str:
        """Give a secret's value, to be sent to a host at once.

        Raises:
            NotFound: There is none of this name.
            Forbidden: It may not be sent to this host.
            Unavailable: It was sealed with a key that is not here.
        """
        row = await self._db.row(f"{_WHOLE} where workspace_id = %s and name = %s", [workspace_id, _folded(name)])
        if row is None:
            raise await self._unknown(workspace_id, name)
        if not covers(row["hosts"], host):
            allowed = ", ".join(row["hosts"])
            raise Forbidden(
                f"The secret {row['name']!r} may be sent to {allowed} only, not to {host!r}.",
                cure="Whoever manages the secrets can set it anew with this host.",
            )
        value = self._open(workspace_id, row)
        await self._note_use(workspace_id, row)
        return value

    async def hide_all(self, workspace_id: UUID) -> None:
        """Let the redactor know all values of a workspace, for another server may give back what it once was sent."""
        for row in await self._db.rows(f"{_WHOLE} where workspace_id = %s", [workspace_id]):
            try:
                self._open(workspace_id, row)
            except MetierError:  # one that does not open was sent by nobody here
                continue

    # for the operator

    async def rotate(self, operator: Actor) -> int:
        """Seal all secrets of all workspaces with the newest key, and throw the others away if a file holds them.

        With a file, a new key is made first. Whatever happens on the way, every secret opens with the keys there are.

        Args:
            operator: Who holds the house's files; nobody else has a way here.

        Returns:
            How many secrets were sealed anew.

        Raises:
            Unavailable: A secret does not open; nothing is changed.
        """
        check_acts(operator)
        ring = self._keyring
        async with self._db.transaction() as transaction:
            await transaction.execute("select pg_advisory_xact_lock(%s)", [LOCK])
            key = ring.add() if isinstance(ring, KeyFile) else ring.current()
            rows = await transaction.rows(f"{_WHOLE} order by workspace_id, name")
            old = [row for row in rows if key_id_of(row["sealed"]) != key.id]
            for row in old:
                bound_to = _bound_to(row["workspace_id"], row["name"])
                sealed = seal(key, unseal(ring.known(), row["sealed"], bound_to), bound_to)
                await transaction.execute(
                    "update core.secret set sealed = %s where workspace_id = %s and name = %s",
                    [sealed, row["workspace_id"], row["name"]],
                )
            details = {"secrets": len(old), "key_id": key.id}
            await note(transaction, self._clock, operator, "secret.key_changed", details=details)
        if isinstance(ring, KeyFile):
            ring.keep_newest()
        return len(old)

    # inside

    async def _store(
        self, transaction: Transaction, actor: Actor, name: str, before: Mapping[str, Any] | None, given: dict[str, Any]
    ) -> None:
        now = self._clock.now()
        whole = dict(before or {"description": "", "created_at": now, "created_by": actor.principal.id}) | given
        if "sealed" in given:
            whole["updated_at"] = now
        await transaction.execute(
            """
            insert into core.secret
                (workspace_id, name, description, hosts, sealed, created_at, created_by, updated_at)
            values (%(workspace)s, %(name)s, %(description)s, %(hosts)s, %(sealed)s, %(created_at)s, %(created_by)s,
                %(updated_at)s)
            on conflict (workspace_id, name) do update set description = excluded.description, hosts = excluded.hosts,
                sealed = excluded.sealed, updated_at = excluded.updated_at
            """,
            whole | {"workspace": actor.workspace_id, "name": name},
        )

    def _open(self, workspace_id: UUID, row: Mapping[str, Any]) -> str:
        value = unseal(self._keyring.known(), row["sealed"], _bound_to(workspace_id, row["name"]))
        self._redactor.hide(value, of=workspace_id)
        return value

    async def _note_use(self, workspace_id: UUID, row: Mapping[str, Any]) -> None:
        now = self._clock.now()
        if row["used_at"] is None or now - row["used_at"] >= USED_EVERY:
            await self._db.execute(
                "update core.secret set used_at = %s where workspace_id = %s and name = %s",
                [now, workspace_id, row["name"]],
            )

    async def _unknown(self, workspace_id: UUID, name: str) -> NotFound:
        known = [secret.name for secret in await self.usable(workspace_id)]
        return NotFound("secret", name, known)


_COLUMNS = "name, description, hosts, created_at, updated_at, used_at"
_LISTED = f"select {_COLUMNS} from core.secret"
_WHOLE = f"select workspace_id, {_COLUMNS}, created_by, sealed from core.secret"


def secret_name(text: str) -> str:
    """Give a secret's name as it is stored; `stripe-key` is `STRIPE_KEY`.

    Raises:
        Invalid: It cannot stand in a handle.
    """
    name = _folded(text)
    if not _NAME.fullmatch(name):
        problem = f"{text!r} must begin with a letter, then letters, digits and _, at most 64"
        raise Invalid.of([Problem("name", problem, example="STRIPE_KEY")], what="The secret")
    return name


def _folded(text: str) -> str:
    return text.strip().upper().replace("-", "_")


def _checked(value: str | None, hosts: Collection[str] | None, description: str | None) -> dict[str, Any]:
    """Give what is to be stored of hosts and description; says nothing of the value."""
    given: dict[str, Any] = {}
    problems: list[Problem] = []
    if value is not None and not (SHORTEST <= len(value) <= LONGEST and storable_text(value)):
        problem = f"must have {SHORTEST} to {LONGEST:,} characters; a shorter one could not be hidden in logs"
        problems.append(Problem("value", problem))
    if hosts is not None:
        given["hosts"] = sorted({clean_host(host, "hosts") for host in hosts})
        if not 0 < len(given["hosts"]) <= HOSTS_MAX:
            problem = f"name 1 to {HOSTS_MAX} hosts that it may be sent to"
            problems.append(Problem("hosts", problem, example=["api.stripe.com"]))
    if description is not None:
        given["description"] = description.strip()
        if len(given["description"]) > WORDS_MAX or not storable_text(description):
            problems.append(Problem("description", f"must have at most {WORDS_MAX} characters"))
    if problems:
        raise Invalid.of(problems, what="The secret")
    return given


def _check_reach(before: Mapping[str, Any] | None, given: Mapping[str, Any], *, anew: bool) -> None:
    """Let pass what sends no stored value to a host that it was not meant for."""
    problems: list[Problem] = []
    if before is None:
        missing = {"value": anew, "hosts": "hosts" in given}
        problems = [Problem(path, "is needed for a new secret") for path, there in missing.items() if not there]
    elif not anew and (strays := [h for h in given.get("hosts", ()) if not covers(before["hosts"], h)]):
        problem = (
            f"to add {strays[0]!r}, give the value again: nobody reads a secret by sending it to a server of his own"
        )
        problems = [Problem("hosts", problem)]
    if problems:
        raise Invalid.of(problems, what="The secret")


async def _row(transaction: Transaction, workspace_id: UUID, name: str) -> Mapping[str, Any] | None:
    return await transaction.row(f"{_WHOLE} where workspace_id = %s and name = %s for update", [workspace_id, name])


def _named(row: Mapping[str, Any]) -> NamedSecret:
    return NamedSecret(
        name=row["name"],
        description=row["description"],
        hosts=tuple(row["hosts"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        used_at=row["used_at"],
    )


def _bound_to(workspace_id: UUID, name: str) -> tuple[str, str]:
    return str(workspace_id), name
