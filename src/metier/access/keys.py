"""API keys: made with a role, shown once, revoked for good; some end by themselves."""

from datetime import datetime, timedelta
from uuid import UUID

from metier.access.checks import clean_name
from metier.access.desk import Desk, check_assignable, check_within, is_within, roles_of
from metier.access.tokens import KEY, digest, new_token
from metier.access.values import Key, NewKey
from metier.actor import Actor, Holder, Role, check_flag
from metier.audit import note
from metier.errors import Invalid, NotFound, Problem

FLAG = "API_KEYS_AND_WEBHOOKS"
LONGEST_LIFE = timedelta(days=36_500)
PREFIX_LENGTH = 10  # characters of a token that are kept to recognise it; 7 of them random


class Keys(Desk):
    """Makes, lists and revokes keys."""

    async def create_key(self, actor: Actor, *, role: str, name: str, expires_at: datetime | None = None) -> NewKey:
        """Make a key that may do what the role may.

        Args:
            expires_at: When it ends by itself, an aware time to come; None: not before it is revoked.

        Raises:
            Invalid: The name or the time does not have its form, or the time is over.
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS, or the role may do more than the actor.
            NotFound: There is no such role; suggests the nearest.
            Conflict: The role is not for keys.
        """
        check_flag(actor, FLAG)
        name = clean_name(name)
        chosen = (await roles_of(self._db, actor.workspace_id)).get(role)
        check_assignable(chosen, Holder.API_KEYS)
        now = self._clock.now()
        if expires_at is not None and (expires_at.tzinfo is None or not now < expires_at < now + LONGEST_LIFE):
            problem = "must be a time to come, within 100 years and with its offset"
            raise Invalid.of([Problem("expires_at", problem, example="2030-01-01T00:00:00Z")], what="The key")
        check_within(actor, chosen, "make a key with")
        token = new_token(KEY)
        key = NewKey(id=self._clock.new_id(), token=token, prefix=token[:PREFIX_LENGTH])
        told = {"role": chosen.name} | ({"expires_at": expires_at.isoformat()} if expires_at else {})
        async with self._change(actor, "key.created", name, key.id, **told) as transaction:
            await transaction.execute(
                """
                insert into core.api_key (workspace_id, id, role_id, name, prefix, token_hash, created_at, created_by,
                    created_by_kind, expires_at)
                values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                """,
                [
                    actor.workspace_id,
                    key.id,
                    chosen.id,
                    name,
                    key.prefix,
                    digest(token),
                    self._clock.now(),
                    actor.principal.id,
                    actor.principal.kind.value,
                    expires_at,
                ],
            )
        return key

    async def keys(self, actor: Actor) -> list[Key]:
        """Give the workspace's keys, newest first, revoked and expired ones too.

        Raises:
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS.
        """
        check_flag(actor, FLAG)
        rows = await self._db.rows(
            """
            select k.id, k.name, r.name as role, r.label as role_label, k.prefix, k.created_at, k.last_used_at,
                k.revoked_at, k.expires_at, k.expires_at <= %s as expired, m.name as made_by
            from core.api_key k join core.role r on r.workspace_id = k.workspace_id and r.id = k.role_id
            left join core.member m on m.workspace_id = k.workspace_id and m.id = k.created_by
            where k.workspace_id = %s order by k.created_at desc, k.id desc
            """,
            [self._clock.now(), actor.workspace_id],
        )
        return [Key(**row) for row in rows]

    async def roles_for_keys(self, actor: Actor) -> list[Role]:
        """Give the roles that a key of the actor's may have, oldest first.

        Raises:
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS.
        """
        check_flag(actor, FLAG)
        roles = await roles_of(self._db, actor.workspace_id)
        return [role for role in roles if Holder.API_KEYS in role.can_be_assigned_to and is_within(actor, role)]

    async def revoke_key(self, actor: Actor, key_id: UUID) -> None:
        """Revoke a key: its next request, model call or tool call is refused, on every process. Again is no error.

        Raises:
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS.
            NotFound: The workspace has no such key.
        """
        check_flag(actor, FLAG)
        async with self._db.transaction() as transaction:
            name = await transaction.value(
                """
                update core.api_key set revoked_at = coalesce(revoked_at, %s) where workspace_id = %s and id = %s
                returning name
                """,
                [self._clock.now(), actor.workspace_id, key_id],
            )
            if name is None:
                raise NotFound("API key", str(key_id))
            await note(transaction, self._clock, actor, "key.revoked", target=name, target_id=key_id)
