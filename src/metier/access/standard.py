"""The roles that every workspace begins with."""

from functools import lru_cache
from uuid import UUID

from metier.actor import EVERY_ACTION, EVERY_HOLDER, FLAGS, Action, Holder, Role

ADMIN = "admin"
MEMBER = "member"

DAILY_WORK = EVERY_ACTION - {Action.DESTROY}
DAILY_FLAGS = frozenset(
    {
        "AI",
        "CONNECTED_ACCOUNTS",
        "DOWNLOAD_FILE",
        "EXPORT_CSV",
        "IMPORT_CSV",
        "PROFILE_INFORMATION",
        "UPLOAD_FILE",
        "VIEWS",
    }
)


@lru_cache(maxsize=256)  # made for each look-up of an admin
def admin_role(id: UUID) -> Role:
    """Give the role that may do everything, and is no agent's."""
    return Role(
        id,
        ADMIN,
        "Admin",
        all_objects=EVERY_ACTION,
        flags=frozenset(FLAGS),
        can_update_all_settings=True,
        can_access_all_tools=True,
        can_be_assigned_to=EVERY_HOLDER - {Holder.AGENTS},
        description="May do everything.",
        icon="key",
        is_editable=False,
    )


def member_role(id: UUID) -> Role:
    """Give the role of daily work."""
    return Role(
        id,
        MEMBER,
        "Member",
        all_objects=DAILY_WORK,
        flags=DAILY_FLAGS,
        description="Works with all records and asks agents.",
        icon="person",
    )
