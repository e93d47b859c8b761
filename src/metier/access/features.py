"""Feature flags: what a workspace has switched on, as rows of core."featureFlag" that seed 001's statements write too.

They are read with each actor, so a change holds from the next request, model call or tool call on, on every process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metier.access.desk import Desk
from metier.actor import AI_FEATURE, ROW_RULES_FEATURE, Actor, check_flag
from metier.errors import NotFound

FLAG = "WORKSPACE"  # who may change them

_LATER = "Nothing yet: this version has no %s. The value is kept."

#: The flags of seed 001, "Enable Required Feature Flags", in its order: (what it is called, what it governs).
FEATURES: Mapping[str, tuple[str, str]] = {
    AI_FEATURE: ("AI", "Chat, agents and every call of a model. Off: all of them are refused; past runs can be read."),
    "IS_PAGE_LAYOUT_ENABLED": ("Dashboard layouts", _LATER % "dashboards"),
    "IS_RECORD_PAGE_LAYOUT_ENABLED": ("Record page layouts", _LATER % "layouts of record pages"),
    "IS_DASHBOARD_V2_ENABLED": ("Dashboards", _LATER % "dashboards"),
    "IS_IF_ELSE_ENABLED": ("Workflow if/else", _LATER % "workflows"),
    "IS_WORKFLOW_RUN_STOPPAGE_ENABLED": ("Stopping of workflow runs", _LATER % "workflows"),
    ROW_RULES_FEATURE: (
        "Row rules of roles",
        "Changing the rules for rows of roles. Off: they cannot be changed; those there are hold on, so nothing opens.",
    ),
}


@dataclass(frozen=True)
class FeatureFlag:
    """A feature flag of a workspace.

    Attributes:
        label: What people read.
        governs: What it switches, as a sentence; a key that this version does not know switches nothing, and says so.
    """

    key: str
    value: bool
    label: str
    governs: str

    @property
    def known(self) -> bool:
        """Whether this version knows the key."""
        return self.key in FEATURES

    def to_json(self) -> dict[str, Any]:
        """Give the flag as data."""
        return {"key": self.key, "value": self.value, "label": self.label, "governs": self.governs}


class Features(Desk):
    """Shows and sets feature flags."""

    async def feature_flags(self, actor: Actor) -> list[FeatureFlag]:
        """Give the workspace's flags: those of `FEATURES` in their order, then keys that only the table knows.

        Every actor may see them: what is off is told to whoever meets it.
        """
        rows = await self._db.rows(
            'select "key", "value" from core."featureFlag" where "workspaceId" = %s order by "key"',
            [actor.workspace_id],
        )
        stored = {row["key"]: row["value"] for row in rows}
        return [_flag(key, stored.get(key, True)) for key in dict.fromkeys([*FEATURES, *stored])]

    async def set_feature_flag(self, actor: Actor, key: str, *, value: bool) -> FeatureFlag:
        """Switch a feature on or off for the whole workspace.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE.
            NotFound: There is no such flag; suggests the nearest.
        """
        check_flag(actor, FLAG)
        if key not in FEATURES:
            raise NotFound("feature flag", key, FEATURES)
        async with self._change(actor, "feature.switched", key, value=value) as transaction:
            await transaction.execute(
                """
                insert into core."featureFlag" ("id", "key", "workspaceId", "value") values (%s, %s, %s, %s)
                on conflict ("key", "workspaceId") do update set "value" = excluded."value"
                """,
                [self._clock.new_id(), key, actor.workspace_id, value],
            )
        return _flag(key, value)


def _flag(key: str, value: bool) -> FeatureFlag:
    label, governs = FEATURES.get(key, (key, "Nothing: this version does not know the key."))
    return FeatureFlag(key, value, label, governs)
