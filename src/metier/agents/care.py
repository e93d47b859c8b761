"""How careful the calls of an agent are right now: by its author, the workspace, its model, and where it may reach."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from metier.access import Access, Confirm
from metier.actor import Actor
from metier.agents.agent import Agent
from metier.llm.catalog import ModelCatalog
from metier.tools import Caution


class Care:
    """Looked up anew for each step, so that a choice holds at once on every process.

    Args:
        allows: Gives what says of a host whether a workspace's agents may reach it by themselves.
    """

    def __init__(
        self, access: Access, catalog: ModelCatalog, allows: Callable[[UUID], Awaitable[Callable[[str], bool]]]
    ) -> None:
        self._access = access
        self._catalog = catalog
        self._allows = allows

    async def of(self, actor: Actor, agent: Agent, model: str) -> Caution:
        """Give the caution of an agent for who acts, with a model of this id; what was read is added by the run.

        What rules plan is always confirmed: they may have understood a sentence otherwise than it was meant.
        """
        chosen = await self._access.confirming(actor.workspace_id)
        ai = self._catalog.resolve(model).ai
        confirm = chosen.of(agent.name, agent.confirm) if ai else Confirm.ALWAYS
        return Caution(confirm, allows=await self._allows(actor.workspace_id))
