"""Another workspace beside the first: its admin, and ids of the first that it must not learn of."""

import re
from typing import Any
from uuid import UUID

from metier.actor import Actor
from metier.runs import Period, Scope
from metier.testing import House, Script
from tests.asking import waiting


async def foreign_admin(house: House) -> Actor:
    """Make another workspace, which has the same objects and no records; gives its admin."""
    metier = house.metier
    other = await metier.access.create_workspace("Other")
    member = await metier.access.create_member(other, name="Boss", role="admin")
    actor = await metier.access.actor_for_member(other, member)
    await metier.data_model.publish_all(actor, metier.shelf.objects, note="For the test.")
    return actor


async def ours(house: House) -> dict[str, Any]:
    """Give ids of the first workspace, by the names that paths have for them."""
    access, actor, db = house.metier.access, house.actor, house.metier.db
    thread = await house.metier.chat.create_thread(actor, model="scripted/model")
    events = await house.ask("Hi", thread_id=thread.id, model=Script().says("Hello."))
    company = (await house.metier.records.find(actor, "company", limit=1)).records[0]["id"]
    await house.metier.records.update(actor, "company", company, {"name": "Changed"})
    house.model.script = Script().calls("ask_person", question="Which one?").then_says("Thanks.")
    asking = await house.metier.chat.create_thread(actor, agent="crm-assistant", model="scripted/model")
    [request] = await waiting(house, (await house.metier.chat.send(actor, asking.id, "Please.")).id)
    budget = await house.metier.budgets.set(actor, scope=Scope.WORKSPACE, period=Period.DAY, tokens=1_000_000)
    return {
        "budget_id": budget.id,
        "change_id": await db.value("select id from core.change where workspace_id = %s limit 1", [actor.workspace_id]),
        "thread_id": thread.id,
        "run_id": events[0].run_id,
        "request_id": request.id,
        "record_id": company,
        "key_id": (await access.create_key(actor, role="member", name="x")).id,
        "member_id": (await access.members(actor))[-1].id,
        "invitation_id": (await access.invite(actor, email="bo@acme.test", role="member")).id,
    }


def path_of(template: str, ids: dict[str, Any], instead: UUID | None) -> str:
    """Fill in a path: ids as they are or all of them unknown, names that both workspaces have."""
    names = {"object": "company", "name": "member", "key": "IS_AI_ENABLED"}

    def fill(match: re.Match[str]) -> str:
        word = match[1]
        if word.endswith("_id"):
            return str(instead or ids[word])  # one that is not there: put an id of the new kind into `ours`
        return names.get(word, "nothing")

    return re.sub(r"\{(\w+)\}", fill, template)
