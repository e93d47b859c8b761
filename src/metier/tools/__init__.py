"""Tools: what agents may do. The contract, the decorator, and the one door that runs them."""

from metier.runs.requests import Change, FieldChange, Preview
from metier.tools.approval import Caution, Confirm, Need, decide, read_in
from metier.tools.dispatch import Dispatcher, Offer, interrupted_output, parse_arguments, record_result, stopped
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
    "interrupted_output",
    "parse_arguments",
    "read_in",
    "record_result",
    "stopped",
    "tool",
]
