"""API keys: made with a role, shown once, revoked for good."""

from uuid import UUID

from metier.access.checks import clean_name
from metier.access.desk import Desk, check_assignable, check_within, roles_of
from metier.access.tokens import KEY, digest, new_token
from metier.access.values import Key, NewKey
from metier.actor import Actor, Holder, check_flag
from metier.audit import note
from metier.errors import NotFound

FLAG = "API_KEYS_AND_WEBHOOKS"
PREFIX_LENGTH = 10  # characters of a token that are kept to recognise it; 7 of them random


class Keys(Desk):
    """Makes, lists and revokes keys."""

    async def create_key(self, actor: Actor, *, role: str, name: str) -> NewKey:
        """Make a key that may do what the role may.

        Raises:
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS, or the role may do more than the actor.
            NotFound: There is no such role; suggests the nearest.
            Conflict: The role is not for keys.
        """
        check_flag(actor, FLAG)
        name = clean_name(name)
        chosen = (await roles_of(self._db, actor.workspace_id)).get(role)
        check_assignable(chosen, Holder.API_KEYS)
        check_within(actor, chosen, "make a key with")
        token = new_token(KEY)
        key = NewKey(id=self._clock.new_id(), token=token, prefix=token[:PREFIX_LENGTH])
        async with self._change(actor, "key.created", name, key.id, role=chosen.name) as transaction:
            await transaction.execute(
                """
                insert into core.api_key (workspace_id, id, role_id, name, prefix, token_hash, created_at, created_by,
                    created_by_kind)
                values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
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
                ],
            )
        return key

    async def keys(self, actor: Actor) -> list[Key]:
        """Give the workspace's keys, newest first, revoked ones too.

        Raises:
            MissingPermission: The actor does not hold API_KEYS_AND_WEBHOOKS.
        """
        check_flag(actor, FLAG)
        rows = await self._db.rows(
            """
            select k.id, k.name, r.name as role, k.prefix, k.created_at, k.last_used_at, k.revoked_at
            from core.api_key k join core.role r on r.workspace_id = k.workspace_id and r.id = k.role_id
            where k.workspace_id = %s order by k.created_at desc, k.id desc
            """,
            [actor.workspace_id],
        )
        return [Key(**row) for row in rows]

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
