"""The audit log: who did or tried what, by which rule; append-only and chained by hashes (S-45).

A room that changes something adds one row in the transaction of the change:

    await note(transaction, clock, actor, "role.changed", target=role.name, target_id=role.id)

A run's decisions go through its log instead (`RunLog.note`), in the commit of their events. Rows are chained seconds
later, so that nobody waits for the chain.
"""

from metier.audit.entry import Entry, keep, note, note_by
from metier.audit.trail import Audit, AuditPage, Verdict, seal

__all__ = ["Audit", "AuditPage", "Entry", "Verdict", "keep", "note", "note_by", "seal"]
