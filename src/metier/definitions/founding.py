"""What a workspace begins with: first versions that the house itself publishes, before anybody is there to act."""

from datetime import datetime
from uuid import UUID

from metier.definitions import rows
from metier.definitions.bodies import Body
from metier.definitions.source import Source
from metier.store import Transaction


async def found(tx: Transaction, workspace_id: UUID, kind: str, id: UUID, body: Body, now: datetime) -> None:
    """Make a definition with its first version; the room that owns the kind writes what it keeps besides.

    Args:
        body: In the canonical form of its kind.
    """
    await rows.insert(tx, workspace_id, id, kind, body["name"], None, now)
    await rows.add_version(
        tx,
        workspace_id,
        id,
        name=body["name"],
        identifier=None,
        body=body,
        source=Source.of(body),
        author=None,
        note="Comes with Metier.",
        origin="",
        now=now,
    )
