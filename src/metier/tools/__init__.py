"""Tools: what agents may do. The contract, the decorator, and the one door that runs them."""

from metier.runs.requests import Change, FieldChange, Preview
from metier.tools.approval import Caution, Confirm, Need, decide, read_in
from metier.tools.dispatch import Dispatcher, Offer, parse_arguments, stopped
from metier.tools.tool import Effect, Output, Tool, Toolset, tool

__all__ = [
    "Caution",
    "Change",
    "Confirm",
    "Dispatcher",
    "Effect",
    "FieldChange",
    "Need",
    "Offer",
    "Output",
    "Preview",
    "Tool",
    "Toolset",
    "decide",
    "parse_arguments",
    "read_in",
    "stopped",
    "tool",
]
