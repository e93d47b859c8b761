"""Requests of a workspace to other servers: through egress, with its secrets, and told without them."""

from collections.abc import Sequence
from functools import partial

from metier.access.secrets import NamedSecret, Secrets
from metier.actor import Actor
from metier.egress import Egress, Headers, Limits, Reply


class Outside:
    """Sends requests for actors."""

    def __init__(self, egress: Egress, secrets: Secrets) -> None:
        self._egress = egress
        self._secrets = secrets

    async def send(
        self,
        actor: Actor,
        method: str,
        url: str,
        *,
        headers: Headers | None = None,
        body: bytes | None = None,
        limits: Limits | None = None,
    ) -> Reply:
        """Ask another server, and give its answer.

        `secret:NAME` in a header is filled in with the workspace's secret as it is sent, if that may go to this host.
        Whether the actor may go out at all is not asked here: tools do, by their flag and `tools.approval`.

        Raises:
            Invalid: Method or headers are not those of one request.
            NotFound: There is no secret of a name.
            Forbidden: A secret may not be sent there.
            RefusedAddress: The guard does not let the URL, or a redirect, pass.
            Unreachable: No answer, or none that may be read.
        """
        await self._secrets.hide_all(actor.workspace_id)  # the answer may bring back what was once sent
        reveal = partial(self._secrets.reveal, actor.workspace_id)
        return await self._egress.fetch(method, url, headers=headers, body=body, limits=limits, reveal=reveal)

    async def secrets(self, actor: Actor) -> Sequence[NamedSecret]:
        """Give the secrets that a request can name."""
        return await self._secrets.usable(actor.workspace_id)
