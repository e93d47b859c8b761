"""The flags a role can hold: settings that can be changed with them, and tools that can be used.

Source: `PermissionFlagType` and `SystemPermissionFlag` of Twenty, by name and, where it is known, by fixed UUID.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class FlagKind(StrEnum):
    """What a flag opens. A role holds all flags of a kind by one switch, else those it names."""

    SETTINGS = "settings"
    TOOL = "tool"


@dataclass(frozen=True)
class Flag:
    """One flag. `id` is the same in every installation."""

    name: str
    kind: FlagKind
    label: str
    description: str
    id: UUID | None = None


def _settings(name: str, label: str, description: str, id: str = "") -> Flag:
    return Flag(name, FlagKind.SETTINGS, label, description, UUID(id) if id else None)


def _tool(name: str, label: str, description: str, id: str = "") -> Flag:
    return Flag(name, FlagKind.TOOL, label, description, UUID(id) if id else None)


#: Settings flags, then tool flags.
ALL_FLAGS = (
    _settings("API_KEYS_AND_WEBHOOKS", "API keys and webhooks", "Make and revoke API keys and webhooks; set secrets."),
    _settings(
        "WORKSPACE",
        "Workspace",
        "Change the workspace's name, its features, schedules, and how long things are kept.",
    ),
    _settings("WORKSPACE_MEMBERS", "Members", "Invite members and give them roles; see the health of the server."),
    _settings("ROLES", "Roles", "Make and change roles; see why somebody may not see something."),
    _settings("DATA_MODEL", "Data model", "Make and change object types.", "f0c08013-3c9a-5489-bd45-a641fe5f085d"),
    _settings("DATA_MODEL_PURGE", "Purge", "Remove object types and fields for ever, with their records and values."),
    _settings("SECURITY", "Security", "Change how people sign in, and read the audit log."),
    _settings("WORKFLOWS", "Workflows", "Make and change workflows.", "6189e7bd-4051-5752-b6b1-5f31358fbaf1"),
    _settings("IMPERSONATE", "View as another", "See the workspace as another role or member does."),
    _settings("SSO_BYPASS", "Sign in beside single sign-on", "Sign in with a password where others may not."),
    _settings("APPLICATIONS", "Apps", "Install, change and remove apps."),
    _settings("MARKETPLACE_APPS", "Published apps", "Publish apps for others."),
    _settings("LAYOUTS", "Layouts", "Change pages and dashboards.", "458d1ee5-ba12-5f4e-9d17-6f8c11fcd7fd"),
    _settings("BILLING", "Billing", "See and change budgets and usage."),
    _settings(
        "AI_SETTINGS",
        "AI settings",
        "Change agents and skills, see everybody's runs and the health of the server.",
        "e8cc4a30-c120-5925-8f5d-73d6a2247fee",
    ),
    _tool("AI", "AI", "Ask agents.", "1c7f09a7-367d-568b-a0e8-c274eccd6ee3"),
    _tool("VIEWS", "Views", "Save views for all."),
    _tool("UPLOAD_FILE", "Upload files", "Put files into the workspace."),
    _tool("DOWNLOAD_FILE", "Download files", "Take files out of the workspace."),
    _tool("SEND_EMAIL_TOOL", "Send e-mail", "Send e-mail.", "19f382a8-689d-5792-a18c-737f0ce9025f"),
    _tool("CREATE_CALENDAR_EVENT_TOOL", "Calendar events", "Put events into calendars."),
    _tool("HTTP_REQUEST_TOOL", "HTTP requests", "Ask other servers.", "1bf49cf1-bb8f-5eb9-809a-5f34ea79fc6a"),
    _tool("CODE_INTERPRETER_TOOL", "Run code", "Run code in the sandbox.", "11f31c3a-7042-54b7-a2dd-ae31dd9e9fa2"),
    _tool("IMPORT_CSV", "Import CSV", "Make records from a file."),
    _tool("EXPORT_CSV", "Export CSV", "Take records out as a file."),
    _tool("CONNECTED_ACCOUNTS", "Connected accounts", "Connect mailboxes and calendars of one's own."),
    _tool("PROFILE_INFORMATION", "Own profile", "Change one's own name and picture."),
)

FLAGS = tuple(flag.name for flag in ALL_FLAGS)
SETTINGS_FLAGS = tuple(flag.name for flag in ALL_FLAGS if flag.kind is FlagKind.SETTINGS)
TOOL_FLAGS = tuple(flag.name for flag in ALL_FLAGS if flag.kind is FlagKind.TOOL)

_KINDS: Mapping[str, FlagKind] = {flag.name: flag.kind for flag in ALL_FLAGS}
_NAMES: Mapping[str, str] = {str(flag.id): flag.name for flag in ALL_FLAGS if flag.id}


def kind_of(flag: str) -> FlagKind | None:
    """Say what a flag opens; None if there is no such flag."""
    return _KINDS.get(flag)


def flag_name(given: str) -> str | None:
    """Give the flag of a name in any case, or of a fixed UUID; None if there is none."""
    name = given.strip().upper()
    return name if name in _KINDS else _NAMES.get(name.lower())
