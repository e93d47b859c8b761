"""Metier: a self-hosted workspace where AI agents with skills work on your business data.

The names below are all that programs need. Each is loaded when it is first used, so `import metier` stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from metier.access import ApplicationRole as ApplicationRole
    from metier.access import define_application_role as define_application_role
    from metier.actor import Actor as Actor
    from metier.agents import Agent as Agent
    from metier.agents import Limits as Limits
    from metier.agents import define_agent as define_agent
    from metier.app import Metier as Metier
    from metier.context import Context as Context
    from metier.errors import GiveUp as GiveUp
    from metier.errors import MetierError as MetierError
    from metier.errors import TryAgain as TryAgain
    from metier.records import DefinedField as DefinedField
    from metier.records import ObjectType as ObjectType
    from metier.records import define_field as define_field
    from metier.records import define_object as define_object
    from metier.settings import Settings as Settings
    from metier.tools import Change as Change
    from metier.tools import FieldChange as FieldChange
    from metier.tools import Output as Output
    from metier.tools import Preview as Preview
    from metier.tools import Tool as Tool
    from metier.tools import tool as tool

_HOMES = {
    "Actor": "metier.actor",
    "Agent": "metier.agents",
    "ApplicationRole": "metier.access",
    "Change": "metier.tools",
    "Context": "metier.context",
    "DefinedField": "metier.records",
    "FieldChange": "metier.tools",
    "GiveUp": "metier.errors",
    "Limits": "metier.agents",
    "Metier": "metier.app",
    "MetierError": "metier.errors",
    "ObjectType": "metier.records",
    "Output": "metier.tools",
    "Preview": "metier.tools",
    "Settings": "metier.settings",
    "Tool": "metier.tools",
    "TryAgain": "metier.errors",
    "define_agent": "metier.agents",
    "define_application_role": "metier.access",
    "define_field": "metier.records",
    "define_object": "metier.records",
    "tool": "metier.tools",
}

__all__ = [
    "Actor",
    "Agent",
    "ApplicationRole",
    "Change",
    "Context",
    "DefinedField",
    "FieldChange",
    "GiveUp",
    "Limits",
    "Metier",
    "MetierError",
    "ObjectType",
    "Output",
    "Preview",
    "Settings",
    "Tool",
    "TryAgain",
    "define_agent",
    "define_application_role",
    "define_field",
    "define_object",
    "tool",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'metier' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
